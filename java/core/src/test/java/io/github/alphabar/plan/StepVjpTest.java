// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.ScalarBackend;
import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.Ddpm;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The gradients of a row against central differences of what the scalar backend computes in double. */
class StepVjpTest {
    /** Enough elements for some to be clipped and some not; the row treats each alone. */
    private static final int N = 16;
    private static final double RANGE = 0.7;

    static Stream<Arguments> plans() {
        List<Arguments> all = new ArrayList<>();
        List<Solver> solvers = new ArrayList<>();
        Solvers.all().forEach(e -> solvers.add(e.solver()));
        solvers.add(new Ddim(0.5, false, true));
        for (Solver solver : solvers) {
            if (solver instanceof Ddpm ddpm && ddpm.isVarianceLearned()) {
                continue;
            }
            for (Prediction prediction : Prediction.values()) {
                for (Clip clip : List.of(Clip.NONE, Clip.range(RANGE))) {
                    all.add(Arguments.of(solver, prediction, clip, null));
                    all.add(Arguments.of(solver, prediction, clip, Guidance.scale(2.5)));
                }
            }
        }
        return all.stream();
    }

    @ParameterizedTest
    @MethodSource("plans")
    void theGradientsAreThoseOfFiniteDifferences(Solver solver, Prediction prediction, Clip clip, Guidance guidance) {
        // 12 steps: the least that pndm has its Runge-Kutta start, its middle and its end in.
        TimeGrid grid = Spacing.linspace().grid(TabulatedSchedule.ddpmLinear(), 12, FinalLevel.LEAST_NOISE);
        SamplingPlan plan = SamplingPlan.of(grid, solver, prediction, clip, guidance);
        Random random = new Random(20260601);
        for (int row = 0; row < plan.evaluations(); row++) {
            Row at = new Row(plan, row, random);
            StepVjp.Gradients gradients = StepVjp.of(plan, row)
                    .apply(at.x, at.output, at.uncond, at.next, at.stored);
            compare(at, at.x, gradients.x());
            compare(at, at.output, gradients.output());
            if (guidance == null) {
                assertNull(gradients.uncond());
            } else {
                compare(at, at.uncond, gradients.uncond());
            }
            assertEquals(at.history.length, gradients.history().length);
            for (int k = 0; k < at.history.length; k++) {
                compare(at, at.history[k], gradients.history()[k]);
            }
        }
    }

    /**
     * A row is affine on either side of the clip, so that a central difference has rounding errors only: the loss is a sum of 2 N
     * terms of size 2^-52 |term| each, divided by 2 h. The row at hand has terms up to a few hundred (1 / alpha at the noisy end):
     * 32 * 2.2e-16 * 300 / 2e-4 = 1.1e-8. No value lies within h of the clip's edge: checked by {@link Row}.
     */
    private static void compare(Row at, double[] by, double[] gradient) {
        double h = 1e-4;
        for (int i = 0; i < N; i++) {
            double value = by[i];
            by[i] = value + h;
            double above = at.loss();
            by[i] = value - h;
            double below = at.loss();
            by[i] = value;
            assertEquals((above - below) / (2 * h), gradient[i], 1e-7 * Math.max(1, Math.abs(gradient[i])));
        }
    }

    /** A row with random operands and a random linear loss of what it writes. */
    private static final class Row {
        final SamplingPlan plan;
        final int row;
        final double[] x = new double[N];
        final double[] output = new double[N];
        final double[] uncond;
        final double[] next = new double[N];
        final double[] stored;
        final double[] noise = new double[N];
        final double[][] history;

        Row(SamplingPlan plan, int row, Random random) {
            this.plan = plan;
            this.row = row;
            Step step = plan.steps().get(row);
            uncond = plan.guidance() == null ? null : new double[N];
            stored = step.store() == null ? null : new double[N];
            history = new double[step.history().size()][N];
            for (int i = 0; i < N; i++) {
                do {
                    x[i] = random.nextGaussian();
                    output[i] = random.nextGaussian();
                    if (uncond != null) {
                        uncond[i] = random.nextGaussian();
                    }
                } while (Math.abs(Math.abs(p(step, i)) - RANGE)
                        < 1e-3 * (Math.abs(step.px()) + 3 * Math.abs(step.pg())));
                next[i] = random.nextGaussian();
                noise[i] = random.nextGaussian();
                if (stored != null) {
                    stored[i] = random.nextGaussian();
                }
                for (double[] h : history) {
                    h[i] = random.nextGaussian();
                }
            }
        }

        private double p(Step step, int i) {
            double g = uncond == null ? output[i] : uncond[i] + plan.guidance().weight() * (output[i] - uncond[i]);
            return step.px() * x[i] + step.pg() * g;
        }

        double loss() {
            HostTensor out = HostTensor.of(new double[N]);
            HostTensor store = HostTensor.of(new double[N]);
            StepOperands o = new StepOperands();
            o.samples = 1;
            o.elements = N;
            o.outputStride = N;
            o.x = HostTensor.of(x);
            o.out = out;
            o.output = HostTensor.of(output);
            o.uncond = uncond == null ? null : HostTensor.of(uncond);
            o.noise = HostTensor.of(noise);
            o.store = stored == null ? null : store;
            o.h0 = history.length > 0 ? HostTensor.of(history[0]) : null;
            o.h1 = history.length > 1 ? HostTensor.of(history[1]) : null;
            o.h2 = history.length > 2 ? HostTensor.of(history[2]) : null;
            try (Backend backend = new ScalarBackend(); Backend.Workspace workspace = backend.workspace(1, N)) {
                backend.step(StepParams.narrow(plan, row, DType.F64), o, workspace);
            }
            double sum = 0;
            for (int i = 0; i < N; i++) {
                sum += next[i] * out.getDouble(i) + (stored == null ? 0 : stored[i] * store.getDouble(i));
            }
            return sum;
        }
    }

    @Test
    void aClippedElementSendsNoGradientThroughTheClip() {
        TimeGrid grid = TimeGrid.of(TabulatedSchedule.ddpmLinear(), Spacing.leading(0), 10);
        SamplingPlan plan = SamplingPlan.of(grid, new Ddim(0, false, true), Prediction.SAMPLE, Clip.range(1), null);
        double[] ones = {1, 1, 1};
        StepVjp.Gradients g = StepVjp.of(plan, 3).apply(new double[3], new double[] {0.5, 1, 2}, null, ones, null);
        assertTrue(g.output()[0] > 0);
        assertEquals(g.output()[0], g.output()[1]);
        assertEquals(0, g.output()[2]);
    }

    @Test
    void whatHasNoGradientHereIsRefusedWithTheWayOut() {
        TimeGrid grid = TimeGrid.of(TabulatedSchedule.ddpmLinear(), Spacing.leading(0), 10);
        SamplingPlan dynamic = SamplingPlan.of(grid, new Ddim(), Prediction.EPSILON, Clip.dynamic(0.9, 2), null);
        SamplingPlan learned = SamplingPlan.of(grid, new Ddpm(Ddpm.Variance.LEARNED), Prediction.EPSILON);
        SamplingPlan plain = SamplingPlan.of(grid, new Ddim(), Prediction.EPSILON);
        assertTrue(message(() -> StepVjp.of(dynamic, 0)).contains("use range:R or none"));
        assertTrue(message(() -> StepVjp.of(learned, 0)).contains("use a solver that fixes it"));
        assertTrue(message(() -> StepVjp.of(plain, 10)).contains("0 to 9, but got 10"));
        double[] two = new double[2];
        assertTrue(message(() -> StepVjp.of(plain, 0).apply(two, new double[3], null, two, null))
                .contains("'output' needs 2 values"));
        assertTrue(message(() -> StepVjp.of(plain, 0).apply(two, two, two, two, null)).contains("no guidance"));
    }

    private static String message(org.junit.jupiter.api.function.Executable executable) {
        return assertThrows(IllegalArgumentException.class, executable).getMessage();
    }
}
