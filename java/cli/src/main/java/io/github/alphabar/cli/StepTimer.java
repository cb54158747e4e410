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
import io.github.alphabar.solver.Solver;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * A quick look at what a step costs: one Stable Diffusion latent (16,384 floats), beside a plain copy that moves as many bytes as a
 * DDIM step, in turns within one run. Medians of short rounds; no benchmark.
 */
final class StepTimer {
    private static final int ELEMENTS = 4 * 64 * 64;
    private static final int STEPS = 100;
    /** For each solver; the JIT compiles during the first part, which is not counted. */
    private static final long BUDGET_NANOS = 2_000_000_000L;

    private StepTimer() {
    }

    /** Microseconds for a step and for the copy. */
    record Times(double step, double copy) {
    }

    static Times measure(Backend backend, Solver solver) {
        TimeGrid grid = TimeGrid.of(TabulatedSchedule.stableDiffusion(), Spacing.trailing(), STEPS);
        SamplingPlan plan = SamplingPlan.of(grid, solver, Prediction.EPSILON);
        Tensor output = backend.allocate(DType.F32, ELEMENTS);
        // A DDIM step reads two tensors and writes one; a copy reads as much as it writes.
        Tensor from = backend.allocate(DType.F32, ELEMENTS * 3 / 2);
        Tensor to = backend.allocate(DType.F32, ELEMENTS * 3 / 2);
        List<Double> step = new ArrayList<>();
        List<Double> copy = new ArrayList<>();
        long start = System.nanoTime();
        try (Backend.Workspace workspace = backend.workspace(1, ELEMENTS)) {
            while (System.nanoTime() - start < BUDGET_NANOS) {
                try (Trajectory t = Trajectory.builder(plan, backend).shape(1, ELEMENTS).start()) {
                    long begin = System.nanoTime();
                    while (!t.isDone()) {
                        t.advance(output);
                    }
                    finish(backend, workspace);
                    step.add((System.nanoTime() - begin) / 1e3 / STEPS);
                }
                long begin = System.nanoTime();
                for (int i = 0; i < STEPS; i++) {
                    backend.copy(from, to, workspace);
                }
                finish(backend, workspace);
                copy.add((System.nanoTime() - begin) / 1e3 / STEPS);
            }
        }
        return new Times(median(step), median(copy));
    }

    /** A device has only been told so far; a copy to the host waits for it. */
    private static void finish(Backend backend, Backend.Workspace workspace) {
        Tensor one = backend.allocate(DType.F32, 1);
        if (!(one instanceof HostTensor)) {
            backend.copy(one, HostTensor.allocate(DType.F32, 1), workspace);
        }
    }

    /** Of the later half. */
    private static double median(List<Double> times) {
        List<Double> warm = times.subList(times.size() / 2, times.size()).stream().sorted().toList();
        return warm.get(warm.size() / 2);
    }
}
