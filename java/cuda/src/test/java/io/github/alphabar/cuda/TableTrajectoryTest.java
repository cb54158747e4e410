// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** A batch that walks through a table has the bits of a trajectory for each of its samples. */
class TableTrajectoryTest {
    @Test
    void everySampleHasTheBitsOfItsOwnTrajectory() {
        try (Backend backend = Natives.open(); Tables tables = new Tables(backend)) {
            for (Guidance guidance : new Guidance[] {null, Guidance.scale(3), Guidance.scale(7.5).rescaled(0.7)}) {
                for (Clip clip : new Clip[] {Clip.NONE, Clip.range(1), Clip.dynamic(0.9, 2)}) {
                    tables.compareMixedBatch(guidance, clip, DType.F32, DType.F16);
                }
            }
            tables.compareMixedBatch(null, Clip.NONE, DType.F16, DType.F16);
            tables.compareMixedBatch(Guidance.scale(2), Clip.range(1), DType.BF16, DType.BF16);
        }
    }

    @Test
    void aNewRequestTakesThePlaceOfOneThatIsDone() {
        try (Backend backend = Natives.open(); Tables tables = new Tables(backend)) {
            tables.compareRestart();
        }
    }

    @Test
    void samplesThatWereNotStartedAreLeftAlone() {
        try (Backend backend = Natives.open()) {
            HostTensor output = HostTensor.allocate(DType.F32, 2 * Tables.ELEMENTS);
            try (TableTrajectory t = TableTrajectory.builder(backend)
                    .shape(2, Tables.ELEMENTS)
                    .plans(Tables.plan("ddim", 4, null, Clip.NONE))
                    .output(output)
                    .build()) {
                t.step();
                assertArrayEquals(new float[Tables.ELEMENTS], ((HostTensor) t.sample(0)).toFloatArray());
                t.start(1, 0, 9);
                t.step();
                assertArrayEquals(new float[Tables.ELEMENTS], ((HostTensor) t.sample(0)).toFloatArray());
                assertTrue(((HostTensor) t.sample(1)).getFloat(0) != 0);
                assertEquals(4, t.steps());
            }
        }
    }

    @Test
    void aSampleMayStartFromAState() {
        try (Backend backend = Natives.open()) {
            SamplingPlan plan = Tables.plan("ddim", 3, null, Clip.NONE);
            HostTensor state = HostTensor.allocate(DType.F32, Tables.ELEMENTS);
            for (int i = 0; i < Tables.ELEMENTS; i++) {
                state.setFloat(i, 0.01f * i);
            }
            HostTensor output = HostTensor.allocate(DType.F32, Tables.ELEMENTS);
            HostTensor got = HostTensor.allocate(DType.F32, Tables.ELEMENTS);
            try (TableTrajectory t = TableTrajectory.builder(backend)
                    .shape(1, Tables.ELEMENTS)
                    .plans(plan)
                    .output(output)
                    .build();
                    Trajectory want = Trajectory.builder(plan, backend).shape(1, Tables.ELEMENTS).startFrom(state)) {
                t.start(0, 0, 1, state);
                while (!want.isDone()) {
                    t.step();
                    want.advance(output);
                }
                t.copySample(0, got);
                assertArrayEquals(((HostTensor) want.sample()).toFloatArray(), got.toFloatArray());
            }
        }
    }

    @Test
    void previewAndInpaintingAreThoseOfATrajectory() {
        try (Backend backend = Natives.open(); Tables tables = new Tables(backend)) {
            tables.compareInpainting();
        }
    }

    @Test
    void whatDoesNotFitIsNamed() {
        try (Backend backend = Natives.open(); Backend scalar = Backends.named("scalar")) {
            SamplingPlan plan = Tables.plan("ddim", 4, null, Clip.NONE);
            SamplingPlan guided = Tables.plan("ddim", 4, Guidance.scale(2), Clip.NONE);
            HostTensor output = HostTensor.allocate(DType.F32, Tables.ELEMENTS);
            assertThrows(IllegalArgumentException.class, () -> TableTrajectory.builder(scalar));
            TableTrajectory.Builder b = TableTrajectory.builder(backend);
            assertThrows(IllegalStateException.class, b::build);
            assertThrows(IllegalArgumentException.class, () -> b.shape(0, 1));
            assertThrows(IllegalArgumentException.class, () -> b.shape(65_536, 1));
            assertThrows(IllegalArgumentException.class, () -> b.dtype(DType.F64));
            assertThrows(IllegalArgumentException.class, () -> b.modelInput(DType.F32, 3));
            b.shape(1, Tables.ELEMENTS).output(output);
            assertThrows(IllegalArgumentException.class, () -> b.plans(plan, guided).build());
            assertThrows(IllegalArgumentException.class, () -> b.plans(guided).build(), "an output of one half");
            assertThrows(IllegalArgumentException.class, () -> b.plans(plan).outputs(output, output).build());
            b.output(output);
            assertThrows(IllegalArgumentException.class, () -> b.inpaint(output, null).build());
            b.inpaint(null, null);
            TableTrajectory t = b.build();
            assertThrows(IllegalArgumentException.class, () -> t.start(1, 2));
            assertThrows(IllegalArgumentException.class, () -> t.start(0, 1, 5));
            assertThrows(IllegalArgumentException.class, () -> t.sample(1));
            t.close();
            t.close();
            assertThrows(IllegalStateException.class, t::step);
        }
    }

    @Test
    void aStepAllocatesNothing() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (Backend backend = Natives.open()) {
            HostTensor output = HostTensor.allocate(DType.F32, Tables.ELEMENTS);
            try (TableTrajectory t = TableTrajectory.builder(backend)
                    .shape(1, Tables.ELEMENTS)
                    .plans(Tables.plan("ddpm", 1000, null, Clip.NONE))
                    .output(output)
                    .build()) {
                // The JIT replaces code until some thousand calls; less than an object of 16 bytes a step may be its own doing.
                for (int round = 0; round < 10; round++) {
                    t.start(round);
                    for (int i = 0; i < 1000; i++) {
                        t.step();
                    }
                }
                t.start(10);
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 1000; i++) {
                    t.step();
                }
                long bytes = threads.getCurrentThreadAllocatedBytes() - before;
                assertTrue(bytes < 1000 * 16, bytes + " bytes in 1000 steps");
            }
        }
    }
}
