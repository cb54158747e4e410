// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.Solvers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PlanCommandTest {
    static Stream<String> solvers() {
        return Solvers.all().stream().map(e -> e.solver().name());
    }

    @ParameterizedTest
    @MethodSource("solvers")
    void everySolverHasAPlanInEveryForm(String solver) {
        SamplingPlan plan = SamplingPlan.fromJson(json("--solver", solver, "--steps", "12"));
        assertEquals(solver, plan.solver());
        assertEquals(plan.toTable(), Cli.ok("plan", "--solver", solver, "--steps", 12).out());
        assertEquals(plan.toCsv(), Cli.ok("plan", "--solver", solver, "--steps", 12, "--format", "csv").out());
    }

    private static String json(Object... options) {
        return Cli.ok(Stream.concat(Stream.of("plan", "--format", "json"), Stream.of(options)).toArray()).out();
    }

    @Test
    void theOptionsAreThoseOfTheLibrary() {
        SamplingPlan expected = SamplingPlan.of(
                TimeGrid.of(TabulatedSchedule.stableDiffusion().zeroTerminalSnr(), Spacing.trailing(), 10),
                new Ddim(0.5, false, true), Prediction.V_PREDICTION, Clip.dynamic(0.9, 1.5),
                Guidance.scale(7.5).rescaled(0.7));
        assertEquals(expected, SamplingPlan.fromJson(json("--solver", "ddim", "--steps", "10", "--eta", "0.5",
                "--schedule", "scaled-linear", "--zero-snr", "--prediction", "v_prediction", "--clip",
                "dynamic:0.9:1.5", "--guidance", "7.5", "--guidance-rescale", "0.7")));
        assertTrue(Cli.run("plan", "--guidance-rescale", "0.7").err().contains("--guidance"));
        assertTrue(Cli.run("plan", "--guidance", "2", "--guidance-rescale", "7").err().contains("[0, 1]"));
    }

    @Test
    void spacingFollowsTheSolverAndTheScheduleUnlessGiven() {
        assertEquals(json("--solver", "ddim"), json("--solver", "ddim", "--spacing", "leading"));
        assertEquals(json("--solver", "ddim-inverse"), json("--solver", "ddim-inverse", "--spacing", "leading"));
        assertEquals(json("--solver", "dpm-3s"), json("--solver", "dpm-3s", "--spacing", "uniform-lambda"));
        assertEquals(json("--solver", "plms", "--schedule", "vp-linear"),
                json("--solver", "plms", "--schedule", "vp-linear", "--spacing", "linspace"));
    }

    @Test
    void epsIsKeptWhereAskedFor() {
        String kept = json("--solver", "ddim", "--clip", "range", "--keep-eps");
        SamplingPlan expected = SamplingPlan.of(
                TimeGrid.of(TabulatedSchedule.ddpmLinear(), Spacing.leading(0), 20), new Ddim(), Prediction.EPSILON,
                Clip.range(1), null);
        assertEquals(expected, SamplingPlan.fromJson(kept));
    }

    @Test
    void aPlanGoesIntoAFile(@TempDir Path folder) throws IOException {
        Path out = folder.resolve("plan.csv");
        assertEquals("", Cli.ok("plan", "--format", "csv", "--out", out).out());
        assertEquals(Cli.ok("plan", "--format", "csv").out(), Files.readString(out));
        Files.writeString(out, "old");
        Cli.ok("plan", "--format", "json", "--out", out);
        assertTrue(Files.readString(out).startsWith("{"));
    }

    @Test
    void backendsAreListedWithTheBest() {
        String out = Cli.ok("backends").out();
        assertTrue(out.contains("scalar  usable"), out);
        assertTrue(out.contains("Best: "), out);
    }
}
