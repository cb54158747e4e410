// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.BackendException;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.sampling.HostStaging;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.DeviceTensor;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

/** A device as users of the library have it: trajectories, tables and graphs, memory, streams of others. */
class CudaTest {
    private static final int STEPS = 20;
    private static final int SAMPLES = 3;

    /** The same answers at every step, so that a graph needs no network. */
    private static HostTensor answers(DType dtype, long elements) {
        HostTensor output = HostTensor.allocate(dtype, elements);
        for (long i = 0; i < elements; i++) {
            output.setFloat(i, (float) Math.sin(0.37 * i));
        }
        return output;
    }

    private static float[] onScalar(SamplingPlan plan, long[] seeds, HostTensor output) {
        try (Backend scalar = Backends.named("scalar");
                Trajectory t = Trajectory.builder(plan, scalar)
                        .shape(seeds.length, Tables.ELEMENTS)
                        .seeds(seeds)
                        .start()) {
            while (!t.isDone()) {
                t.advance(output);
            }
            return ((HostTensor) t.sample()).toFloatArray();
        }
    }

    @Test
    void trajectoriesHaveTheBitsOfTheScalarBackend() {
        long[] seeds = {7, -8, 9};
        try (CudaBackend cuda = Devices.open(); CudaStream stream = CudaStream.create(cuda);
                CudaBackend queue = cuda.on(stream); HostStaging staging = new HostStaging(queue)) {
            for (String solver : new String[] {"ddim", "ddpm", "plms", "dpmpp-2m", "dpmpp-2m-sde", "dpmpp-3m"}) {
                for (Guidance guidance : new Guidance[] {null, Guidance.scale(7.5).rescaled(0.7)}) {
                    SamplingPlan plan = Tables.plan(solver, STEPS, guidance, Clip.dynamic(0.995, 1.5));
                    HostTensor output = answers(DType.F32, (guidance == null ? 1L : 2L) * SAMPLES * Tables.ELEMENTS);
                    Tensor there = staging.toBackend(output);
                    try (Trajectory t = Trajectory.builder(plan, queue)
                            .shape(SAMPLES, Tables.ELEMENTS)
                            .seeds(seeds)
                            .start()) {
                        while (!t.isDone()) {
                            t.advance(there);
                        }
                        assertArrayEquals(onScalar(plan, seeds, output), staging.toHost(t.sample()).toFloatArray(),
                                solver);
                    }
                }
            }
        }
    }

    @Test
    void tablesHaveTheBitsOfTrajectories() {
        try (CudaBackend cuda = Devices.open(); CudaStream stream = CudaStream.create(cuda);
                CudaBackend queue = cuda.on(stream); Tables tables = new Tables(queue)) {
            for (Guidance guidance : new Guidance[] {null, Guidance.scale(3), Guidance.scale(7.5).rescaled(0.7)}) {
                for (Clip clip : new Clip[] {Clip.NONE, Clip.range(1), Clip.dynamic(0.9, 2)}) {
                    tables.compareMixedBatch(guidance, clip, DType.F32, DType.F16);
                }
            }
            tables.compareMixedBatch(null, Clip.NONE, DType.F16, DType.F16);
            tables.compareMixedBatch(Guidance.scale(2), Clip.range(1), DType.BF16, DType.BF16);
            tables.compareRestart();
            tables.compareInpainting();
        }
    }

    @Test
    void oneCapturedLaunchReplayedTwentyTimesIsTwentySteps() {
        long[] seeds = {1, 2, 3};
        SamplingPlan plan = Tables.plan("dpmpp-2m-sde", STEPS, null, Clip.NONE);
        HostTensor output = answers(DType.F32, (long) SAMPLES * Tables.ELEMENTS);
        float[] want = onScalar(plan, seeds, output);
        try (CudaBackend cuda = Devices.open(); CudaStream stream = CudaStream.create(cuda);
                CudaBackend queue = cuda.on(stream); HostStaging staging = new HostStaging(queue);
                TableTrajectory t = TableTrajectory.builder(queue)
                        .shape(SAMPLES, Tables.ELEMENTS)
                        .plans(plan)
                        .output(staging.toBackend(output))
                        .build();
                CudaGraph graph = CudaGraph.capture(queue, t::step)) {
            HostTensor got = HostTensor.allocate(DType.F32, Tables.ELEMENTS);
            // Twice, so that a graph is also seen to begin anew.
            for (int run = 0; run < 2; run++) {
                t.start(seeds);
                for (int i = 0; i < t.steps(); i++) {
                    graph.launch(queue);
                }
                for (int s = 0; s < SAMPLES; s++) {
                    t.copySample(s, got);
                    for (int e = 0; e < Tables.ELEMENTS; e++) {
                        assertEquals(want[s * Tables.ELEMENTS + e], got.getFloat(e), "sample " + s + " at " + e);
                    }
                }
            }
        }
    }

    @Test
    void aStreamOfAnotherLibraryIsUsedAsItIs() {
        SamplingPlan plan = Tables.plan("ddim", 4, null, Clip.NONE);
        HostTensor output = answers(DType.F32, Tables.ELEMENTS);
        try (CudaBackend cuda = Devices.open(); CudaStream theirs = CudaStream.create(cuda)) {
            CUstream_st typed = new CUstream_st(new Pointer() {
                {
                    address = theirs.handle();
                }
            });
            try (CudaBackend queue = cuda.on(typed); HostStaging staging = new HostStaging(queue);
                    CudaEvent start = CudaEvent.create(cuda); CudaEvent end = CudaEvent.create(cuda);
                    Trajectory t = Trajectory.builder(plan, queue).shape(1, Tables.ELEMENTS).seeds(5).start()) {
                assertEquals(theirs.handle(), queue.stream());
                Tensor there = staging.toBackend(output);
                start.record(queue);
                while (!t.isDone()) {
                    t.advance(there);
                }
                end.record(queue);
                theirs.waitFor(end);
                theirs.synchronize();
                assertTrue(end.millisecondsSince(start) > 0);
                assertArrayEquals(onScalar(plan, new long[] {5}, output), staging.toHost(t.sample()).toFloatArray());
            }
        }
    }

    @Test
    void aSavedTrajectoryGoesOnOnTheHost() throws IOException {
        SamplingPlan plan = Tables.plan("dpmpp-2m", 6, null, Clip.NONE);
        HostTensor output = answers(DType.F32, Tables.ELEMENTS);
        ByteArrayOutputStream saved = new ByteArrayOutputStream();
        try (CudaBackend cuda = Devices.open(); HostStaging staging = new HostStaging(cuda);
                Trajectory t = Trajectory.builder(plan, cuda).shape(1, Tables.ELEMENTS).seeds(5).start()) {
            Tensor there = staging.toBackend(output);
            for (int i = 0; i < 3; i++) {
                t.advance(there);
            }
            t.save(saved);
        }
        try (Backend scalar = Backends.named("scalar");
                Trajectory t = Trajectory.builder(plan, scalar)
                        .shape(1, Tables.ELEMENTS)
                        .restore(new ByteArrayInputStream(saved.toByteArray()))) {
            while (!t.isDone()) {
                t.advance(output);
            }
            assertArrayEquals(onScalar(plan, new long[] {5}, output), ((HostTensor) t.sample()).toFloatArray());
        }
    }

    @Test
    void memoryComesZeroedAndGoes() {
        long elements = 1L << 24;
        try (CudaBackend cuda = Devices.open(); HostStaging staging = new HostStaging(cuda)) {
            for (int i = 0; i < 20; i++) {
                try (DeviceMemory memory = DeviceMemory.allocate(cuda, DType.F32, elements)) {
                    assertEquals(elements, memory.tensor().elements());
                }
            }
            DeviceTensor few = cuda.allocate(DType.BF16, 9);
            assertArrayEquals(new float[9], staging.toHost(few).toFloatArray());
            HostTensor pinned = cuda.allocatePinned(DType.F32, 9);
            pinned.setFloat(8, 3);
            assertEquals(3, staging.toHost(staging.toBackend(pinned)).getFloat(8));
            assertThrows(BackendException.class, () -> cuda.allocate(DType.F32, 1L << 48));
        }
    }

    @Test
    void whatCannotBeDoneIsASentence() {
        try (CudaBackend cuda = Devices.open(); Backend.Workspace workspace = cuda.workspace(1, 4)) {
            HostTensor heap = HostTensor.of(new float[4]);
            DeviceTensor there = cuda.allocate(DType.F32, 4);
            assertThrows(IllegalArgumentException.class, () -> cuda.copy(heap, there, workspace));
            assertThrows(IllegalArgumentException.class,
                    () -> cuda.copy(HostTensor.allocate(DType.F32, 3), there, workspace));
            assertThrows(IllegalArgumentException.class, () -> CudaGraph.capture(cuda, () -> {
            }));
            BackendException none = assertThrows(BackendException.class, () -> CudaBackend.open(1_000_000));
            assertTrue(none.getMessage().contains("There is no CUDA device 1000000"), none.getMessage());
        }
    }
}
