// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.Arrays;

/**
 * A quick look at what a step costs: DDIM over one Stable Diffusion latent (16,384 floats), beside a plain copy that moves as many
 * bytes, in turns within one run. Medians of short rounds; no benchmark.
 */
final class StepTimer {
    private static final int ELEMENTS = 4 * 64 * 64;
    private static final int ROUNDS = 60;
    private static final int STEPS = 1000;

    private StepTimer() {
    }

    /** Microseconds for a step and for the copy. */
    record Times(double step, double copy) {
    }

    static Times measure(Backend backend) {
        TimeGrid grid = TimeGrid.of(TabulatedSchedule.stableDiffusion(), Spacing.trailing(), STEPS);
        SamplingPlan plan = SamplingPlan.of(grid, new Ddim(), Prediction.EPSILON);
        HostTensor output = HostTensor.allocate(DType.F32, ELEMENTS);
        // A step reads two tensors and writes one; a copy reads as much as it writes.
        HostTensor from = HostTensor.allocate(DType.F32, ELEMENTS * 3 / 2);
        HostTensor to = HostTensor.allocate(DType.F32, ELEMENTS * 3 / 2);
        double[] step = new double[ROUNDS];
        double[] copy = new double[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            try (Trajectory t = Trajectory.builder(plan, backend).shape(1, ELEMENTS).start()) {
                long begin = System.nanoTime();
                while (!t.isDone()) {
                    t.advance(output);
                }
                step[round] = (System.nanoTime() - begin) / 1e3 / STEPS;
            }
            long begin = System.nanoTime();
            for (int i = 0; i < STEPS; i++) {
                to.copyFrom(from);
            }
            copy[round] = (System.nanoTime() - begin) / 1e3 / STEPS;
        }
        return new Times(median(step), median(copy));
    }

    /** Of the later two thirds: the JIT compiles during the first. */
    private static double median(double[] times) {
        double[] warm = Arrays.copyOfRange(times, ROUNDS / 3, ROUNDS);
        Arrays.sort(warm);
        return warm[warm.length / 2];
    }
}
