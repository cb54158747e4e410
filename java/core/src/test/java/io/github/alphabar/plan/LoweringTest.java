// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.ScalarBackend;
import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.schedule.FlowSchedule;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.Ddpm;
import io.github.alphabar.solver.Samplers;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.StepEquation;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** From x0 and eps to what the network returns. */
class LoweringTest {
    private static final long SEED = 7306;
    private static final TabulatedSchedule SCHEDULE = TabulatedSchedule.stableDiffusion();

    @Test
    void everyPredictionOfTheSameX0AndEpsGivesTheSameStep() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (NoiseSchedule schedule : List.of(SCHEDULE, new FlowSchedule())) {
            for (Solver solver : Samplers.solvers()) {
                for (int n : new int[] {1, 5, 20}) {
                    SamplingPlan[] plans = new SamplingPlan[4];
                    TimeGrid grid = Spacing.trailing().grid(schedule, n, FinalLevel.LEAST_NOISE);
                    // The flow schedule starts at alpha = 0, where epsilon is refused: begin behind it.
                    if (schedule instanceof FlowSchedule) {
                        if (n == 1) {
                            continue;
                        }
                        grid = grid.from(1);
                    }
                    try {
                        for (Prediction p : Prediction.values()) {
                            plans[p.ordinal()] = SamplingPlan.of(grid, solver, p);
                        }
                    } catch (IllegalArgumentException refused) {
                        // PNDM with fewer than 4 steps.
                        continue;
                    }
                    List<StepEquation> equations = solver.equations(grid);
                    for (int i = 0; i < equations.size(); i++) {
                        compareRow(plans, equations.get(i), i, random, solver + " on " + schedule + ", N=" + n);
                    }
                }
            }
        }
    }

    private static void compareRow(SamplingPlan[] plans, StepEquation e, int i, SplittableRandom random, String where) {
        Level at = e.at();
        double x0 = random.nextDouble(-3, 3);
        double eps = random.nextDouble(-3, 3);
        double x = at.alpha() * x0 + at.sigma() * eps;
        double z = random.nextDouble(-3, 3);
        double[] slots = random.doubles(8, -3, 3).toArray();
        slots[e.in()] = x;
        double expected = e.x() * x + e.x0() * x0 + e.eps() * eps + e.noise() * z;
        double size = 1 + Math.abs(e.x()) + Math.abs(e.x0()) / at.alpha() + Math.abs(e.eps()) / at.sigma();
        for (StepEquation.Term term : e.history()) {
            expected += term.coefficient() * slots[term.slot()];
            size += Math.abs(term.coefficient());
        }
        for (Prediction p : Prediction.values()) {
            PlanInDouble row = new PlanInDouble(plans[p.ordinal()], 0);
            for (int k = 0; k < row.slots().length; k++) {
                row.slots()[k] = new double[] {slots[k]};
            }
            double[] g = PlanInDouble.output(p, at, new double[] {x0}, new double[] {eps});
            row.step(i, g, new double[] {z});
            String message = "seed " + SEED + ", " + where + ", " + p + ", row " + i;
            // Values of up to 3, terms as large as the coefficient over what they are read through, 10 roundings each.
            assertEquals(expected, row.slots()[e.out()][0], 30 * 0x1p-53 * size * 3, message);
            if (e.store() != null && e.store().slot() != e.out()) {
                double stored = e.store().x() * x + e.store().x0() * x0 + e.store().eps() * eps;
                assertEquals(stored, row.slots()[e.store().slot()][0],
                        30 * 0x1p-53 * 3 * (1 / at.alpha() + 1 / at.sigma()), message + ", store");
            }
        }
    }

    /** One row on the scalar backend in F64: clipping is the backend's, and cannot be folded. */
    private static double execute(SamplingPlan plan, int row, double x, double g) {
        double[] out = new double[1];
        try (Backend backend = new ScalarBackend(); Backend.Workspace workspace = backend.workspace(1, 1)) {
            StepOperands o = new StepOperands();
            o.samples = 1;
            o.elements = 1;
            o.outputStride = 1;
            o.x = HostTensor.of(new double[] {x});
            o.output = HostTensor.of(new double[] {g});
            o.out = HostTensor.of(out);
            o.store = HostTensor.of(new double[1]);
            o.noise = HostTensor.of(new double[1]);
            backend.step(StepParams.narrow(plan, row, DType.F64), o, workspace);
        }
        return out[0];
    }

    @Test
    void aClippedX0LeavesEpsAloneUnlessItIsDerivedAgain() {
        TimeGrid grid = TimeGrid.of(SCHEDULE, Spacing.leading(1), 10);
        SplittableRandom random = new SplittableRandom(SEED);
        int clips = 0;
        for (Solver solver : List.of(new Ddim(), new Ddim(0, false, true), new Ddim(0.5), new Ddim(0.5, false, true),
                new Ddpm())) {
            for (Prediction prediction : Prediction.values()) {
                SamplingPlan plan = SamplingPlan.of(grid, solver, prediction, Clip.range(1), null);
                List<StepEquation> equations = solver.equations(grid);
                for (int i = 0; i < 10; i++) {
                    StepEquation e = equations.get(i);
                    double x0 = random.nextDouble(-2, 2);
                    double eps = random.nextDouble(-2, 2);
                    double x = e.at().alpha() * x0 + e.at().sigma() * eps;
                    double g = PlanInDouble.output(prediction, e.at(), new double[] {x0}, new double[] {eps})[0];
                    double clipped = Math.clamp(x0, -1, 1);
                    clips += clipped == x0 ? 0 : 1;
                    double used = e.rederiveEps() ? (x - e.at().alpha() * clipped) / e.at().sigma() : eps;
                    double expected = e.x() * x + e.x0() * clipped + e.eps() * used;
                    // alpha is 0.07 at the first row and sigma 0.04 at the last: readings of 30 times the values.
                    assertEquals(expected, execute(plan, i, x, g), 1e-13,
                            "seed " + SEED + ", " + solver + ", " + prediction + ", row " + i);
                }
            }
        }
        assertTrue(clips > 50, "only " + clips + " values were clipped");
    }

    @Test
    void aClipThatClipsNothingChangesNothing() {
        TimeGrid grid = Spacing.karras(7).grid(SCHEDULE, 12, FinalLevel.LEAST_NOISE);
        for (Solver solver : Samplers.solvers()) {
            if (solver instanceof Ddpm ddpm && ddpm.isVarianceLearned()) {
                continue;
            }
            for (Prediction prediction : Prediction.values()) {
                SamplingPlan plain = SamplingPlan.of(grid, solver, prediction);
                SamplingPlan clipped = SamplingPlan.of(grid, solver, prediction, Clip.range(1e6), null);
                for (int i = 0; i < plain.evaluations(); i++) {
                    Step a = plain.steps().get(i);
                    Step b = clipped.steps().get(i);
                    // p written out: cx x + cp (px x + pg g) + cg g.
                    double size = 1 + Math.abs(b.cp() * b.px()) + Math.abs(b.cp() * b.pg()) + Math.abs(b.cx());
                    String where = solver + ", " + prediction + ", row " + i;
                    assertEquals(0, a.cp(), where);
                    assertEquals(a.cx(), b.cx() + b.cp() * b.px(), 1e-14 * size, where);
                    assertEquals(a.cg(), b.cg() + b.cp() * b.pg(), 1e-14 * size, where);
                    assertEquals(a.px(), b.px(), where);
                    assertEquals(a.pg(), b.pg(), where);
                    assertEquals(a.history(), b.history(), where);
                    assertEquals(a.cz(), b.cz(), where);
                }
            }
        }
    }

    @Test
    void guidanceMixesTheOutputsByEitherConvention() {
        assertEquals(Guidance.scale(7.5), Guidance.strength(6.5));
        assertEquals(Guidance.scale(1), Guidance.strength(0));
        assertThrows(IllegalArgumentException.class, () -> Guidance.scale(Double.NaN));
        assertThrows(IllegalArgumentException.class, () -> Guidance.strength(Double.POSITIVE_INFINITY));
        TimeGrid grid = TimeGrid.of(SCHEDULE, Spacing.leading(1), 4);
        SamplingPlan plain = SamplingPlan.of(grid, new Ddim(), Prediction.EPSILON);
        double uncond = 0.3;
        double cond = -0.9;
        for (double w : new double[] {-1, 0, 0.5, 1, 7.5}) {
            SamplingPlan guided = SamplingPlan.of(grid, new Ddim(), Prediction.EPSILON, Clip.NONE, Guidance.scale(w));
            assertEquals(plain.steps(), guided.steps(), "guidance is the plan's, not a row's");
            double[] out = new double[1];
            try (Backend backend = new ScalarBackend(); Backend.Workspace workspace = backend.workspace(1, 1)) {
                StepOperands o = new StepOperands();
                o.samples = 1;
                o.elements = 1;
                o.outputStride = 1;
                o.x = HostTensor.of(new double[] {0.7});
                o.output = HostTensor.of(new double[] {cond});
                o.uncond = HostTensor.of(new double[] {uncond});
                o.out = HostTensor.of(out);
                backend.step(StepParams.narrow(guided, 0, DType.F64), o, workspace);
            }
            // Coefficients of the first row are below 4.
            assertEquals(execute(plain, 0, 0.7, uncond + w * (cond - uncond)), out[0], 1e-14, "w=" + w);
            // Eq. 6 of the paper: (1 + w') cond - w' uncond.
            double strength = w - 1;
            assertEquals(execute(plain, 0, 0.7, (1 + strength) * cond - strength * uncond), out[0], 1e-13, "w=" + w);
        }
    }

    @Test
    void aShortenedGridKeepsItsAbsoluteEdges() {
        TimeGrid grid = TimeGrid.of(SCHEDULE, Spacing.leading(1), 10);
        SamplingPlan rest = SamplingPlan.of(grid.from(4), new Ddim(), Prediction.EPSILON);
        assertEquals(SamplingPlan.of(grid, new Ddim(), Prediction.EPSILON).steps().subList(4, 10), rest.steps());
    }

    @Test
    void narrowingRoundsOnceAndNamesTheTermsPresent() {
        SamplingPlan plan = SamplingPlan.of(TimeGrid.of(SCHEDULE, Spacing.leading(1), 10), new Ddim(0.5),
                Prediction.EPSILON, Clip.range(0.9), Guidance.scale(7.3));
        Step step = plan.steps().get(3);
        StepParams f32 = StepParams.narrow(plan, 3, DType.F32);
        StepParams f64 = StepParams.narrow(plan, 3, DType.F64);
        assertEquals((float) step.cp(), f32.cp);
        assertEquals((float) step.cz(), f32.cz);
        assertEquals((float) 7.3, f32.weight);
        assertEquals((float) 0.9, f32.range);
        assertEquals(step.cp(), f64.cp);
        assertEquals(7.3, f64.weight);
        int expected = StepParams.CP | StepParams.CG | StepParams.CZ | StepParams.PX | StepParams.PG
                | StepParams.CLIP_RANGE | StepParams.GUIDED;
        assertEquals(expected, f32.terms);
        assertEquals(expected, f64.terms);
    }

    @Test
    void namesParseAndUnknownOnesAreListed() {
        for (Prediction p : Prediction.values()) {
            assertEquals(p, Prediction.parse(p.text()));
        }
        assertEquals(Prediction.SAMPLE, Prediction.parse("x0"));
        assertEquals(Prediction.V_PREDICTION, Prediction.parse(" V "));
        assertSays("epsilon, sample, v_prediction or flow", () -> Prediction.parse("score"));
        for (Clip clip : List.of(Clip.NONE, Clip.range(2.5), Clip.dynamic(0.995, 1.5))) {
            assertEquals(clip, Clip.parse(clip.toString()));
        }
        assertEquals(Clip.range(1), Clip.parse("range"));
        assertEquals(Clip.dynamic(0.995, 1), Clip.parse("dynamic"));
        assertSays("it is none, range:R or dynamic", () -> Clip.parse("hard"));
        assertSays("it is none, range:R or dynamic", () -> Clip.parse(":"));
        assertSays("it is none, range:R or dynamic", () -> Clip.parse(""));
        assertSays("needs numbers", () -> Clip.parse("range:x"));
        assertSays("positive and finite, but got 0.0", () -> Clip.range(0));
        assertSays("quantile=1.5", () -> Clip.dynamic(1.5, 1));
        assertSays("maximum=0.0", () -> Clip.dynamic(0.9, 0));
    }

    private static void assertSays(String part, Runnable call) {
        String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
        assertTrue(message.contains(part), message);
    }
}
