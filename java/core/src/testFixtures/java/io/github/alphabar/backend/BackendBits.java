// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.alphabar.backend.RowCase.Alias;
import io.github.alphabar.backend.RowCase.Guided;
import io.github.alphabar.backend.RowCase.Memory;
import io.github.alphabar.backend.RowCase.Noise;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** What every backend of the host owes: the scalar backend's bits, for any row, type, size, memory, offset and overlap. */
abstract class BackendBits {
    /**
     * 0 nothing, 1 and 3 less than the narrowest vector (4 lanes), 15 one less than 16 lanes, 16 exactly one, 17 one and a tail.
     */
    static final int[] SMALL = {0, 1, 3, 15, 16, 17};
    /** 3073 = three blocks of noise and one element; 4098 = many vectors and a tail shorter than any vector. */
    static final int[] LARGE = {3073, 4098};
    /** More than a thread's share on every backend, and no multiple of a cache line. */
    static final int SHARED = 70_001;

    static final Backend SCALAR = new ScalarBackend();

    /** The backend in all its forms, such as widths and numbers of threads; the last has several threads. */
    abstract List<Backend> backends();

    /** How many random rows of each seed's kind to try. */
    abstract int randomRows();

    /** Moves a row into memory that the backend takes. */
    RowCase adapt(RowCase c) {
        return c;
    }

    final Backend any(int i) {
        return backends().get(Math.floorMod(i, backends().size()));
    }

    final void compare(RowCase c, Backend backend, String what) {
        adapt(c);
        c.assertSame(c.run(SCALAR), c.run(backend), what + " on " + backend.description());
    }

    /** A row with everything: all terms, a store, noise, a preview, both inputs and a mask. */
    static RowCase full() {
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
        return c;
    }

    @Test
    void everySetOfTermsGivesTheScalarBits() {
        // 8 subsets of cx, cp, cg; 0 to 3 history terms; 5 kinds of noise; 3 clips; 3 ways of guidance; both precisions.
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
                                // Halved: neighbours differ in the type, and each type is to meet every form.
                                compare(c, any(i / 2), "subset " + i);
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
                            compare(c, any(i), "mix " + i);
                            i++;
                        }
                    }
                }
            }
        }
        assertEquals(243, i);
    }

    @Test
    void everyTypeSizeOffsetAndMemoryGivesTheScalarBits() {
        for (DType type : DType.values()) {
            for (int size : SMALL) {
                for (int offset = 0; offset <= 2; offset++) {
                    for (Memory memory : Memory.values()) {
                        for (int samples = 1; samples <= 3; samples++) {
                            RowCase c = full().all(type);
                            c.elements = size;
                            c.offset = offset;
                            c.memory = memory;
                            c.samples = samples;
                            c.special = true;
                            adapt(c);
                            RowCase.Built expected = c.run(SCALAR);
                            for (Backend backend : backends()) {
                                c.assertSame(expected, c.run(backend), backend.description());
                            }
                        }
                    }
                }
            }
        }
    }

    @Test
    void everyOverlapThatIsAllowedGivesTheBitsOfSeparateMemory() {
        List<Backend> all = new ArrayList<>(backends());
        all.add(SCALAR);
        for (Clip clip : List.of(Clip.NONE, Clip.range(1), Clip.dynamic(0.9, 2))) {
            for (int size : new int[] {17, 3073}) {
                RowCase c = adapt(full());
                c.clip = clip;
                c.elements = size;
                StepOperands apart = c.run(SCALAR).operands;
                for (Backend backend : all) {
                    for (Alias alias : Alias.values()) {
                        c.alias = alias;
                        StepOperands o = c.run(backend).operands;
                        sameValues(apart.out, o.out, "out of " + c);
                        sameValues(apart.store, o.store, "store of " + c);
                        sameValues(apart.input, o.input, "input of " + c);
                        sameValues(apart.preview, o.preview, "preview of " + c);
                    }
                }
            }
        }
    }

    private static void sameValues(Tensor want, Tensor got, String what) {
        for (long i = 0; i < want.elements(); i++) {
            assertEquals(RowCase.bits((HostTensor) want, i), RowCase.bits((HostTensor) got, i), what + " at " + i);
        }
    }

    @Test
    void randomSmallRowsGiveTheScalarBits() {
        for (int seed = 0; seed < randomRows(); seed++) {
            compare(RowCase.random(seed, SMALL), any(seed), "seed " + seed);
        }
    }

    @Test
    void randomLargeRowsGiveTheScalarBits() {
        for (int seed = 1_000_000; seed < 1_000_000 + randomRows() / 50; seed++) {
            compare(RowCase.random(seed, LARGE), any(seed), "seed " + seed);
        }
    }

    @Test
    void aNonFiniteThresholdIsTheSameEverywhere() {
        // Infinite and NaN predictions reach the quantile; with an infinite order statistic the interpolation meets inf - inf.
        for (int seed = 3_000_000; seed < 3_000_200; seed++) {
            RowCase c = RowCase.random(seed, new int[] {1, 3, 17, 33});
            c.clip = Clip.dynamic(0.5 + seed % 5 * 0.125, 1 + seed % 3);
            c.cp = 1;
            c.special = true;
            compare(c, any(seed), "seed " + seed);
        }
    }

    @Test
    void callersThatShareABackendGetTheScalarBits() throws Exception {
        // Four callers share one team: whoever finds it busy works alone.
        RowCase c = adapt(full());
        c.noise = Noise.DRAWN;
        c.elements = SHARED;
        RowCase.Built expected = c.run(SCALAR);
        try (ExecutorService callers = Executors.newFixedThreadPool(4)) {
            List<Future<?>> results = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                results.add(callers.submit(() -> {
                    for (int run = 0; run < 4; run++) {
                        c.assertSame(expected, c.run(backends().getLast()), "shared");
                    }
                }));
            }
            for (Future<?> result : results) {
                result.get();
            }
        }
    }

    @Test
    void aWorkspaceOfAnotherBackendIsRefused() {
        RowCase c = adapt(full());
        StepOperands o = c.build().operands;
        try (Backend.Workspace other = SCALAR.workspace(c.samples, c.elements)) {
            for (Backend backend : backends()) {
                assertThrows(IllegalArgumentException.class, () -> backend.step(c.params(), o, other));
            }
        }
    }
}
