// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.RowCase.Alias;
import io.github.alphabar.backend.RowCase.Guided;
import io.github.alphabar.backend.RowCase.Memory;
import io.github.alphabar.backend.RowCase.Noise;
import io.github.alphabar.cuda.Natives;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.DeviceTensor;
import io.github.alphabar.tensor.HostTensor;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The native backend returns the scalar backend's bits, through the bindings. */
class NativeBitsTest {
    /**
     * 0 nothing, 1 and 3 less than the narrowest vector (4 lanes), 15 one less than 16 lanes, 16 exactly one, 17 one and a tail.
     */
    private static final int[] SMALL = {0, 1, 3, 15, 16, 17};
    /** 3073 = three blocks of noise and one element; 4098 = many vectors and a tail shorter than any vector. */
    private static final int[] LARGE = {3073, 4098};
    /** Large enough for every thread of a host backend to take a part. */
    private static final int HUGE = 1_000_003;

    private static final Backend SCALAR = new ScalarBackend();
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

    private static void compare(RowCase c, int i) {
        if (c.memory == Memory.HEAP) {
            c.memory = i % 2 == 0 ? Memory.NATIVE : Memory.DIRECT;
        }
        if (c.memory == Memory.NATIVE && c.offset != 0) {
            // RowCase then begins between two elements, which the C interface refuses.
            c.memory = Memory.DIRECT;
        }
        c.assertSame(c.run(SCALAR), c.run(NATIVES.get(Math.floorMod(i, NATIVES.size()))), "case " + i);
    }

    /** A row with everything: all terms, a store, noise, a preview, both inputs and a mask. */
    private static RowCase full() {
        RowCase c = new RowCase();
        c.cx = 0.9;
        c.cp = 0.4;
        c.cg = -0.3;
        c.history = new double[] {0.2, -0.1, 0.05};
        c.noise = Noise.GIVEN;
        c.cz = 0.7;
        c.store = true;
        c.sx = 1.1;
        c.sp = -0.5;
        c.sg = 0.25;
        c.clip = Clip.range(1.5);
        c.guided = Guided.ONE_TENSOR;
        c.samples = 2;
        c.preview = true;
        c.inputCopies = 2;
        c.mask = true;
        c.knownGiven = true;
        c.memory = Memory.NATIVE;
        return c;
    }

    @Test
    void everySetOfTermsGivesTheScalarBits() {
        int i = 0;
        for (int subset = 0; subset < 8; subset++) {
            for (int history = 0; history <= 3; history++) {
                for (Noise noise : Noise.values()) {
                    for (Clip clip : List.of(Clip.NONE, Clip.range(1.25), Clip.dynamic(0.75, 2))) {
                        for (Guided guided : Guided.values()) {
                            for (DType type : new DType[] {DType.F32, DType.F64}) {
                                RowCase c = RowCase.random(i, SMALL).all(type);
                                c.elements = 17;
                                c.cx = (subset & 1) != 0 ? 0.875 : 0;
                                c.cp = (subset & 2) != 0 ? -1.3 : 0;
                                c.cg = (subset & 4) != 0 ? 0.7 : 0;
                                c.history = Arrays.copyOf(new double[] {0.3, -0.6, 0.1}, history);
                                c.noise = noise;
                                c.cz = 0.9;
                                c.clip = clip;
                                c.guided = guided;
                                compare(c, i);
                                i++;
                            }
                        }
                    }
                }
            }
        }
        assertEquals(8 * 4 * 5 * 3 * 3 * 2, i);
    }

    @Test
    void everyMixOfTypesGivesTheScalarBits() {
        DType[] types = {DType.F32, DType.F16, DType.BF16};
        int i = 0;
        for (DType state : types) {
            for (DType output : types) {
                for (DType noise : types) {
                    for (DType preview : types) {
                        for (DType input : types) {
                            RowCase c = full();
                            c.state = state;
                            c.output = output;
                            c.noiseType = noise;
                            c.previewType = preview;
                            c.inputType = input;
                            c.special = i % 2 == 0;
                            c.contents = i;
                            compare(c, i);
                            i++;
                        }
                    }
                }
            }
        }
        assertEquals(243, i);
    }

    @Test
    void everySizeOffsetAndMemoryGivesTheScalarBits() {
        int i = 0;
        for (DType type : DType.values()) {
            for (int size : SMALL) {
                for (int offset = 0; offset <= 2; offset++) {
                    for (Memory memory : new Memory[] {Memory.DIRECT, Memory.NATIVE}) {
                        for (int samples = 1; samples <= 3; samples++) {
                            RowCase c = full().all(type);
                            c.elements = size;
                            c.offset = offset;
                            c.memory = memory;
                            c.samples = samples;
                            c.special = true;
                            compare(c, i++);
                        }
                    }
                }
            }
        }
    }

    @Test
    void everyOverlapThatIsAllowedGivesTheScalarBits() {
        int i = 0;
        for (Alias alias : Alias.values()) {
            for (Clip clip : List.of(Clip.NONE, Clip.range(1), Clip.dynamic(0.9, 2))) {
                RowCase c = full();
                c.elements = 3073;
                c.clip = clip;
                c.alias = alias;
                compare(c, i++);
                compare(c, i++);
            }
        }
    }

    @Test
    void randomSmallRowsGiveTheScalarBits() {
        for (int seed = 0; seed < 6_000; seed++) {
            compare(RowCase.random(seed, SMALL), seed);
        }
    }

    @Test
    void randomLargeRowsGiveTheScalarBits() {
        for (int seed = 0; seed < 120; seed++) {
            compare(RowCase.random(1_000_000 + seed, LARGE), seed);
        }
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
            compare(c, 1);
        }
    }

    @Test
    void nonFiniteThresholdsAreTheSame() {
        for (int seed = 0; seed < 200; seed++) {
            RowCase c = RowCase.random(3_000_000 + seed, new int[] {1, 3, 17, 33});
            c.clip = Clip.dynamic(0.5 + seed % 5 * 0.125, 1 + seed % 3);
            c.cp = 1;
            c.special = true;
            compare(c, seed);
        }
    }

    @Test
    void callersThatShareABackendGetTheScalarBits() throws Exception {
        RowCase c = full();
        c.noise = Noise.DRAWN;
        c.elements = 70_001;
        RowCase.Built expected = c.run(SCALAR);
        try (ExecutorService callers = Executors.newFixedThreadPool(4)) {
            List<Future<?>> results = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                results.add(callers.submit(() -> {
                    for (int run = 0; run < 4; run++) {
                        c.assertSame(expected, c.run(NATIVES.get(1)), "shared");
                    }
                }));
            }
            for (Future<?> result : results) {
                result.get();
            }
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
        c.offset = 1;
        String message = assertThrows(IllegalArgumentException.class, () -> c.run(NATIVES.get(0))).getMessage();
        assertTrue(message.contains("aligned"), message);
    }

    @Test
    void deviceMemoryAndAClosedArenaAreRefused() {
        RowCase c = full();
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
        RowCase c = full();
        StepOperands o = c.build().operands;
        try (Backend.Workspace other = SCALAR.workspace(2, 17);
                Backend.Workspace small = NATIVES.get(0).workspace(1, 17)) {
            assertThrows(IllegalArgumentException.class, () -> NATIVES.get(0).step(c.params(), o, other));
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
