// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.RowCase.Memory;
import io.github.alphabar.backend.RowCase.Noise;
import io.github.alphabar.cuda.Natives;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.DeviceTensor;
import io.github.alphabar.tensor.HostTensor;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The native backend returns the scalar backend's bits, through the bindings. */
class NativeBitsTest extends BackendBits {
    /** Large enough for every thread of a host backend to take a part. */
    private static final int HUGE = 1_000_003;

    private static final List<Backend> NATIVES = new ArrayList<>();

    @BeforeAll
    static void open() {
        Natives.require();
        NATIVES.add(Backends.named("native", new BackendProvider.Options(1, 0)));
        NATIVES.add(Backends.named("native", new BackendProvider.Options(3, 0)));
    }

    @AfterAll
    static void close() {
        NATIVES.forEach(Backend::close);
    }

    @Override
    List<Backend> backends() {
        return NATIVES;
    }

    @Override
    int randomRows() {
        return 6_000;
    }

    @Override
    RowCase adapt(RowCase c) {
        if (c.memory == Memory.HEAP) {
            c.memory = c.contents % 2 == 0 ? Memory.NATIVE : Memory.DIRECT;
        }
        if (c.memory == Memory.NATIVE && c.offset != 0) {
            // RowCase then begins between two elements, which the C interface refuses.
            c.memory = Memory.DIRECT;
        }
        return c;
    }

    @Test
    void noiseOfALongSampleOnSeveralThreadsIsTheScalarNoise() {
        for (Clip clip : List.of(Clip.range(1), Clip.dynamic(0.995, 1.5))) {
            RowCase c = full();
            c.noise = Noise.DRAWN;
            c.knownGiven = false;
            c.clip = clip;
            c.elements = HUGE;
            c.samples = 1;
            compare(c, NATIVES.getLast(), "long");
        }
    }

    @Test
    void aJavaArrayIsRefusedWithTheRemedy() {
        RowCase c = full();
        c.memory = Memory.HEAP;
        String message = assertThrows(IllegalArgumentException.class, () -> c.run(NATIVES.get(0))).getMessage();
        assertTrue(message.contains("is a Java array") && message.contains("HostTensor.allocate"), message);
    }

    @Test
    void memoryThatBeginsBetweenTwoElementsIsRefused() {
        RowCase c = full();
        c.memory = Memory.NATIVE;
        c.offset = 1;
        String message = assertThrows(IllegalArgumentException.class, () -> c.run(NATIVES.get(0))).getMessage();
        assertTrue(message.contains("aligned"), message);
    }

    @Test
    void deviceMemoryAndAClosedArenaAreRefused() {
        RowCase c = adapt(full());
        StepOperands o = c.build().operands;
        try (Backend.Workspace w = NATIVES.get(0).workspace(c.samples, c.elements)) {
            o.preview = new DeviceTensor(4096, DType.F32, o.out.elements(), 0);
            assertThrows(IllegalArgumentException.class, () -> NATIVES.get(0).step(c.params(), o, w));
            try (Arena arena = Arena.ofConfined()) {
                o.preview = HostTensor.allocate(arena, DType.F32, o.out.elements());
            }
            assertThrows(IllegalStateException.class, () -> NATIVES.get(0).step(c.params(), o, w));
        }
    }

    @Test
    void workspacesAndBackendsThatAreNotForTheStepAreRefused() {
        RowCase c = adapt(full());
        StepOperands o = c.build().operands;
        try (Backend.Workspace small = NATIVES.get(0).workspace(1, 17)) {
            assertThrows(IllegalArgumentException.class, () -> NATIVES.get(0).step(c.params(), o, small));
        }
        assertThrows(IllegalArgumentException.class, () -> NATIVES.get(0).workspace(0, 17));
        Backend closed = Backends.named("native");
        Backend.Workspace w = closed.workspace(2, 17);
        closed.close();
        closed.close();
        assertThrows(IllegalStateException.class, () -> closed.step(c.params(), o, w));
        w.close();
        w.close();
    }
}
