// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.schedule.FlowSchedule;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.schedule.VpLinearSchedule;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.Solvers;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CostRunnerTest {
    private static final NoiseSchedule LINEAR = TabulatedSchedule.ddpmLinear();
    private static final Map<String, NoiseSchedule> SCHEDULES = Map.of("linear", LINEAR, "vp-linear",
            new VpLinearSchedule(), "flow", new FlowSchedule());
    private static final Map<String, ExactProblem> PROBLEMS = Map.of("gaussian:4", ExactProblem.parse("gaussian:4"),
            "mixture:2:8", ExactProblem.parse("mixture"));
    private static final SamplingPlan PLAN = SamplingPlan.of(TimeGrid.of(LINEAR, Spacing.linspace(), 10), new Ddim(),
            Prediction.EPSILON);

    private Backend backend;
    private CostRunner runner;

    @BeforeEach
    void open() {
        backend = Backends.named("vector");
        runner = runner();
    }

    private CostRunner runner() {
        return new CostRunner(PROBLEMS, SCHEDULES, Map.of("plan:mine", PLAN), backend);
    }

    @AfterEach
    void close() {
        backend.close();
    }

    private static Setting setting(String problem, String schedule, String solver, String spacing, String dtype,
            int nfe) {
        return new Setting(problem, schedule, solver, 0, spacing, "clean", "none", dtype, nfe, 128, 0);
    }

    private static Point timeless(Point p) {
        return new Point(p.setting(), p.status(), p.reason(), p.steps(), p.evaluations(), p.rms(), p.max(),
                p.wasserstein(), p.wassersteinCi(), p.wassersteinFloor(), p.meanBias(), p.meanBiasCi(),
                p.varianceBias(), p.varianceBiasCi(), p.bytesPerStep(), null, null, null, null);
    }

    @Test
    void theSameSettingHasTheSameErrorsInEveryRun() {
        for (String solver : List.of("ddim", "dpmpp-2m", "dpmpp-2m-sde")) {
            Setting s = setting("mixture:2:8", "linear", solver, "uniform-lambda", "f32", 12);
            Point first = runner.run(s);
            assertTrue(first.isOk(), first.reason());
            assertEquals(timeless(first), timeless(runner().run(s)));
        }
    }

    /** One pair for each kind of schedule: with 16 times the calls a first-order error is 16 times smaller, or nearly. */
    @ParameterizedTest
    @CsvSource({"gaussian:4, linear", "gaussian:4, vp-linear", "gaussian:4, flow", "mixture:2:8, linear",
        "mixture:2:8, flow"})
    void theErrorFallsWithTheCallsOnEverySchedule(String problem, String schedule) {
        Point few = runner.run(setting(problem, schedule, "ddim", "trailing", "f64", 10));
        Point many = runner.run(setting(problem, schedule, "ddim", "trailing", "f64", 160));
        assertTrue(few.isOk() && many.isOk(), few.reason() + many.reason());
        assertTrue(many.rms() < few.rms() / 8, few.rms() + " and " + many.rms());
        assertTrue(few.max() >= few.rms());
    }

    @ParameterizedTest
    @ValueSource(strings = {"f32", "f16", "bf16"})
    void narrowerStatesHaveTheirOwnErrors(String dtype) {
        Point wide = runner.run(setting("gaussian:4", "linear", "dpmpp-2m", "uniform-lambda", "f64", 50));
        Point narrow = runner.run(setting("gaussian:4", "linear", "dpmpp-2m", "uniform-lambda", dtype, 50));
        // 2^-24, 2^-11 and 2^-8 of states up to 4, in each of 50 steps that mostly cancel: no more than 10 of them.
        double unit = switch (dtype) {
            case "f32" -> 0x1p-24;
            case "f16" -> 0x1p-11;
            default -> 0x1p-8;
        };
        assertTrue(Math.abs(narrow.rms() - wide.rms()) < 40 * unit, narrow.rms() + " and " + wide.rms());
        assertTrue(narrow.bytesPerStep() < wide.bytesPerStep());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            pndm               | 5    | N + 9 network calls for N steps, and no N makes 5
            pndm               | 12   | no N makes 12; ask for more
            ddim               | 1001 | from 1 to 1000
            ddpm-learned-range | 10   | needs a network that returns a variance
            """)
    void whatCannotBeRunIsSkippedWithTheReason(String solver, int nfe, String reason) {
        Point p = runner.run(setting("gaussian:4", "linear", solver, "leading", "f64", nfe));
        assertEquals("skipped", p.status());
        assertTrue(p.reason().contains(reason), p.reason());
        assertNull(p.rms());
    }

    @Test
    void everySolverIsMeasuredAtItsNumberOfCalls() {
        for (Solvers.Entry e : Solvers.all()) {
            String name = e.solver().name();
            if (name.startsWith("ddpm-learned")) {
                continue;
            }
            Point p = runner.run(setting("gaussian:4", "linear", name, Sweep.defaultSpacing(e.solver(), LINEAR), "f64",
                    25));
            assertTrue(p.isOk(), name + ": " + p.reason());
            assertEquals(25, p.evaluations());
            assertEquals(e.solver().isStochastic(), p.rms() == null, name);
            assertNotNull(p.wasserstein());
        }
    }

    @Test
    void aPlanOfTheUsersTakesPartAsAnEqual() {
        Setting s = new Setting("gaussian:4", "linear", "plan:mine", 0, "as planned", "as planned", "as planned", "f64",
                0, 128, 0);
        Point own = runner.run(s);
        Point named = runner.run(setting("gaussian:4", "linear", "ddim", "linspace", "f64", 10));
        assertEquals(named.rms(), own.rms());
        assertEquals(10, own.evaluations());
        Point listed = runner.run(setting("gaussian:4", "linear", "ddim", "timesteps:999,600,300,0", "f64", 0));
        assertEquals(4, listed.evaluations());
        assertTrue(listed.rms() > named.rms());
    }

    /**
     * 250 steps of an SDE solver leave samples that cannot be told from exact ones: the distance is within its interval (and that
     * of the floor, of the same size) of the floor, the biases within twice their interval of 0.
     */
    @Test
    void aStochasticSolverReachesTheExactDistribution() {
        Point p = runner.run(new Setting("mixture:2:8", "linear", "dpmpp-2m-sde", 0, "uniform-lambda", "clean", "none",
                "f64", 250, 2048, 0));
        assertEquals(p.wassersteinFloor(), p.wasserstein(), 2 * p.wassersteinCi());
        assertEquals(0, p.meanBias(), 2 * p.meanBiasCi());
        assertEquals(0, p.varianceBias(), 2 * p.varianceBiasCi());
        Point poor = runner.run(new Setting("mixture:2:8", "linear", "ddpm", 0, "leading", "clean", "none", "f64", 5,
                2048, 0));
        assertTrue(poor.wasserstein() > 2 * poor.wassersteinFloor(), poor.toString());
        assertTrue(poor.varianceBias() < -2 * poor.varianceBiasCi(), poor.toString());
    }

    @Test
    void aSweepHasEveryCombinationOnce() {
        Sweep sweep = new Sweep(List.of("gaussian:4"), List.of("linear", "flow"),
                List.of("ddim", "dpmpp-2m", "plan:mine"),
                List.of("default", "trailing"), List.of(5, 10), List.of(0.0, 1.0), List.of("none"), List.of("f64"),
                List.of("f64"), "clean",
                64, 8, 0);
        List<Setting> all = sweep.settings(PROBLEMS, SCHEDULES);
        assertEquals(all.size(), all.stream().map(Setting::key).distinct().count());
        // linear: ddim 2 etas x 2 spacings x 2 calls, dpmpp-2m 2 x 2, one plan. flow: default is trailing, so half.
        assertEquals(8 + 4 + 1 + 4 + 2 + 1, all.size());
    }
}
