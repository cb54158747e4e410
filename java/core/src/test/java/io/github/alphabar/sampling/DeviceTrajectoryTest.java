// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.FakeDevice;
import io.github.alphabar.backend.ScalarBackend;
import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** A trajectory whose memory is a device's goes the way of one on the host, and never touches that memory itself. */
class DeviceTrajectoryTest {
    private static final int SAMPLES = 2;
    /** One more than a block of Philox. */
    private static final int ELEMENTS = 5;

    private static SamplingPlan plan(String solver, Guidance guidance) {
        return SamplingPlan.of(new Spacing.Leading(1).grid(TabulatedSchedule.stableDiffusion(), 6, FinalLevel.CLEAN),
                Solvers.named(solver), Prediction.EPSILON, Clip.NONE, guidance);
    }

    /** Smooth in its input and the time, and other for the second copy. */
    private static void network(Tensor input, double time, Tensor output) {
        HostTensor in = (HostTensor) input;
        HostTensor out = (HostTensor) output;
        for (long i = 0; i < out.elements(); i++) {
            double copy = i >= SAMPLES * ELEMENTS ? 0.3 : 0;
            out.setDouble(i, Math.sin(in.getDouble(i % in.elements()) + copy + time / 500));
        }
    }

    private static float[] run(Backend backend, SamplingPlan plan, UnaryOperator<Trajectory.Builder> how) {
        int copies = plan.guidance() == null ? 1 : 2;
        Tensor output = backend.allocate(DType.F32, copies * SAMPLES * ELEMENTS);
        Trajectory.Builder builder = Trajectory.builder(plan, backend)
                .shape(SAMPLES, ELEMENTS)
                .seeds(5, 6)
                .modelInput(DType.F16, copies);
        try (HostStaging staging = new HostStaging(backend);
                Trajectory t = how.apply(builder).start()) {
            return staging.toHost(t.run(staging.around(DeviceTrajectoryTest::network), output)).toFloatArray();
        }
    }

    @Test
    void everySolverGivesTheValuesOfTheHost() {
        try (FakeDevice device = new FakeDevice(); Backend host = new ScalarBackend()) {
            for (String solver : new String[] {"ddim", "ddpm", "plms", "dpmpp-2m-sde", "dpmpp-3s"}) {
                for (Guidance guidance : new Guidance[] {null, Guidance.scale(3).rescaled(0.5)}) {
                    SamplingPlan plan = plan(solver, guidance);
                    assertArrayEquals(run(host, plan, b -> b), run(device, plan, b -> b), solver);
                }
            }
        }
    }

    @Test
    void noiseFromASourceCrossesToTheDevice() {
        NoiseSource source = (stream, draw, target) -> {
            for (long i = 0; i < target.elements(); i++) {
                target.setDouble(i, Math.cos(i + 10 * draw + stream.ordinal()));
            }
        };
        try (FakeDevice device = new FakeDevice(); Backend host = new ScalarBackend()) {
            SamplingPlan plan = plan("ddpm", null);
            assertArrayEquals(run(host, plan, b -> b.noise(source)), run(device, plan, b -> b.noise(source)));
        }
    }

    @Test
    void aSavedTrajectoryGoesOnOnAnotherKindOfBackend() throws IOException {
        SamplingPlan plan = plan("dpmpp-2m", null);
        try (FakeDevice device = new FakeDevice(); Backend host = new ScalarBackend();
                HostStaging staging = new HostStaging(device);
                Trajectory t = Trajectory.builder(plan, device).shape(SAMPLES, ELEMENTS).seeds(5, 6).start()) {
            Denoiser network = staging.around(DeviceTrajectoryTest::network);
            Tensor output = device.allocate(DType.F32, SAMPLES * ELEMENTS);
            for (int i = 0; i < 3; i++) {
                network.denoise(t.modelInput(), t.time(), output);
                t.advance(output);
            }
            ByteArrayOutputStream saved = new ByteArrayOutputStream();
            t.save(saved);
            try (Trajectory here = Trajectory.builder(plan, host)
                    .shape(SAMPLES, ELEMENTS)
                    .restore(new ByteArrayInputStream(saved.toByteArray()));
                    Trajectory there = Trajectory.builder(plan, device)
                            .shape(SAMPLES, ELEMENTS)
                            .restore(new ByteArrayInputStream(saved.toByteArray()))) {
                HostTensor want = (HostTensor) here.run(DeviceTrajectoryTest::network,
                        HostTensor.allocate(DType.F32, SAMPLES * ELEMENTS));
                assertArrayEquals(want.toFloatArray(), staging.toHost(there.run(network, output)).toFloatArray());
            }
        }
    }

    @Test
    void aStateOfAnotherTypeIsConvertedOnItsWay() {
        SamplingPlan plan = plan("ddim", null);
        HostTensor state = HostTensor.of(new double[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10.1});
        try (FakeDevice device = new FakeDevice(); HostStaging staging = new HostStaging(device);
                Trajectory t = Trajectory.builder(plan, device).shape(SAMPLES, ELEMENTS).startFrom(state)) {
            assertEquals(10.1f, staging.toHost(t.sample()).getFloat(9));
            assertThrows(IllegalArgumentException.class, () -> Trajectory.builder(plan, device)
                    .shape(SAMPLES, ELEMENTS)
                    .startFrom(HostTensor.of(new float[3])));
        }
    }

    @Test
    void nothingIsCopiedWhereTheBackendWorksOnTheHost() {
        try (Backend host = new ScalarBackend(); HostStaging staging = new HostStaging(host)) {
            HostTensor tensor = HostTensor.of(new float[4]);
            Denoiser network = DeviceTrajectoryTest::network;
            assertSame(tensor, staging.toBackend(tensor));
            assertSame(tensor, staging.toHost(tensor));
            assertSame(network, staging.around(network));
        }
    }

    @Test
    void aStepOfItsOwnNeverCrosses() {
        SamplingPlan plan = plan("dpmpp-2m", null);
        try (FakeDevice device = new FakeDevice();
                Trajectory t = Trajectory.builder(plan, device)
                        .shape(SAMPLES, ELEMENTS)
                        .modelInput(DType.F16, 2)
                        .start()) {
            Tensor output = device.allocate(DType.F32, SAMPLES * ELEMENTS);
            while (!t.isDone()) {
                t.advance(output);
            }
            assertEquals(0, device.crossings);
            assertTrue(t.isDone());
        }
    }
}
