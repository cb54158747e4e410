// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.sampling.HostStaging;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.util.function.Consumer;

/** Batches in tables against trajectories on the scalar backend, for any backend that has tables. */
final class Tables implements AutoCloseable {
    /** Larger than a block of noise on the host, with a tail that fills no group of eight. */
    static final int ELEMENTS = 1027;

    private final Backend backend;
    private final Backend scalar = Backends.named("scalar");
    private final HostStaging staging;

    Tables(Backend backend) {
        this.backend = backend;
        staging = new HostStaging(backend);
    }

    static SamplingPlan plan(String solver, int steps, Guidance guidance, Clip clip) {
        return SamplingPlan.of(
                new Spacing.Leading(0).grid(TabulatedSchedule.stableDiffusion(), steps, FinalLevel.CLEAN),
                Solvers.named(solver), Prediction.EPSILON, clip, guidance);
    }

    /** One sample's part of a network without weights: a function of its input and its time; `half` is 0 or 1. */
    private static void answer(HostTensor input, long in, double time, int half, HostTensor output, long out) {
        for (int e = 0; e < ELEMENTS; e++) {
            double v = Math.sin(0.7 * input.getFloat(in + e) + 0.01 * e + 0.4 * half + time / 500);
            output.setFloat(out + e, (float) v);
        }
    }

    /** The same network for all samples of a table, on the host. */
    private void denoise(TableTrajectory t, int samples, boolean guided, Tensor output) {
        HostTensor input = staging.toHost(t.modelInput());
        HostTensor times = staging.toHost(t.times());
        HostTensor here = HostTensor.allocate(output.dtype(), output.elements());
        for (int half = 0; half < (guided ? 2 : 1); half++) {
            for (int s = 0; s < samples; s++) {
                long copy = input.elements() > (long) samples * ELEMENTS ? half : 0;
                answer(input, (copy * samples + s) * ELEMENTS, times.getFloat(s), half, here,
                        ((long) half * samples + s) * ELEMENTS);
            }
        }
        copy(here, output);
    }

    private void copy(HostTensor from, Tensor to) {
        try (Backend.Workspace w = backend.workspace(1, 1)) {
            backend.copy(from, to, w);
        }
    }

    /** A sample alone on the scalar backend. */
    private HostTensor alone(SamplingPlan plan, long seed, DType state, DType network,
            Consumer<Trajectory.Builder> how) {
        boolean guided = plan.guidance() != null;
        HostTensor output = HostTensor.allocate(network, (guided ? 2L : 1L) * ELEMENTS);
        Trajectory.Builder builder = Trajectory.builder(plan, scalar)
                .shape(1, ELEMENTS)
                .dtype(state)
                .seeds(seed)
                .modelInput(network, 1);
        how.accept(builder);
        try (Trajectory t = builder.start()) {
            while (!t.isDone()) {
                HostTensor input = (HostTensor) t.modelInput();
                for (int half = 0; half < (guided ? 2 : 1); half++) {
                    answer(input, 0, (float) t.time(), half, output, (long) half * ELEMENTS);
                }
                t.advance(output);
            }
            return (HostTensor) t.sample();
        }
    }

    private void assertSame(HostTensor want, TableTrajectory t, int sample, String what) {
        HostTensor got = HostTensor.allocate(want.dtype(), want.elements());
        t.copySample(sample, got);
        assertArrayEquals(want.toFloatArray(), got.toFloatArray(), what + ", sample " + sample);
    }

    /** Different solvers, lengths and seeds in one launch. */
    void compareMixedBatch(Guidance guidance, Clip clip, DType state, DType network) {
        SamplingPlan[] plans = {plan("ddim", 5, guidance, clip), plan("ddpm", 9, guidance, clip),
            plan("dpmpp-2m-sde", 7, guidance, clip), plan("plms", 6, guidance, clip),
            plan("dpmpp-3s", 6, guidance, clip)};
        long[] seeds = {1, -2, 3, 1L << 40, 5};
        int copies = guidance == null ? 1 : 2;
        Tensor output = backend.allocate(network, (long) copies * seeds.length * ELEMENTS);
        try (TableTrajectory t = TableTrajectory.builder(backend)
                .shape(seeds.length, ELEMENTS)
                .dtype(state)
                .plans(plans)
                .modelInput(network, copies)
                .output(output)
                .build()) {
            t.start(seeds);
            for (int i = 0; i < t.steps(); i++) {
                denoise(t, seeds.length, guidance != null, output);
                t.step();
            }
            for (int s = 0; s < seeds.length; s++) {
                assertSame(alone(plans[s], seeds[s], state, network, b -> {
                }), t, s, plans[s].solver() + " " + guidance + " " + clip + " " + state);
            }
        }
    }

    /** The first sample is done after four steps and begins anew with another plan while the second goes on. */
    void compareRestart() {
        SamplingPlan quick = plan("ddim", 4, null, Clip.NONE);
        SamplingPlan slow = plan("dpmpp-2m", 10, null, Clip.NONE);
        SamplingPlan next = plan("ddpm", 6, null, Clip.NONE);
        Tensor output = backend.allocate(DType.F32, 2L * ELEMENTS);
        try (TableTrajectory t = TableTrajectory.builder(backend)
                .shape(2, ELEMENTS)
                .plans(quick, slow, next)
                .output(output)
                .build()) {
            t.start(11, 12);
            for (int i = 0; i < 10; i++) {
                if (i == 4) {
                    assertSame(alone(quick, 11, DType.F32, DType.F32, b -> {
                    }), t, 0, "before the restart");
                    t.start(0, 2, 13);
                }
                denoise(t, 2, false, output);
                t.step();
            }
            assertSame(alone(next, 13, DType.F32, DType.F32, b -> {
            }), t, 0, "after the restart");
            assertSame(alone(slow, 12, DType.F32, DType.F32, b -> {
            }), t, 1, "beside the restart");
        }
    }

    void compareInpainting() {
        SamplingPlan plan = plan("ddim", 5, null, Clip.range(1));
        HostTensor mask = HostTensor.allocate(DType.F32, ELEMENTS);
        HostTensor known = HostTensor.allocate(DType.F32, ELEMENTS);
        for (int i = 0; i < ELEMENTS; i++) {
            mask.setFloat(i, i % 3 * 0.5f);
            known.setFloat(i, (float) Math.cos(i));
        }
        HostTensor wantPreview = HostTensor.allocate(DType.F32, ELEMENTS);
        HostTensor want = alone(plan, 4, DType.F32, DType.F32, b -> b.inpaint(mask, known).preview(wantPreview));
        Tensor output = backend.allocate(DType.F32, ELEMENTS);
        Tensor preview = backend.allocate(DType.F32, ELEMENTS);
        try (TableTrajectory t = TableTrajectory.builder(backend)
                .shape(1, ELEMENTS)
                .plans(plan)
                .output(output)
                .inpaint(staging.toBackend(mask), staging.toBackend(known))
                .preview(preview)
                .build()) {
            t.start(4);
            for (int i = 0; i < t.steps(); i++) {
                denoise(t, 1, false, output);
                t.step();
            }
            assertSame(want, t, 0, "inpainting");
            assertArrayEquals(wantPreview.toFloatArray(), staging.toHost(preview).toFloatArray());
            assertEquals(5, t.steps());
        }
    }

    @Override
    public void close() {
        staging.close();
        scalar.close();
    }
}
