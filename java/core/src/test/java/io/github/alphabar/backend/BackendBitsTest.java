// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.alphabar.backend.RowCase.Alias;
import io.github.alphabar.backend.RowCase.Guided;
import io.github.alphabar.backend.RowCase.Memory;
import io.github.alphabar.backend.RowCase.Noise;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Every host backend returns the scalar backend's bits: at any lane width, thread count, memory, offset and type. */
class BackendBitsTest {
    /**
     * 0 nothing, 1 and 3 less than the narrowest vector (4 lanes), 15 one less than 16 lanes, 16 exactly one, 17 one and a tail.
     */
    private static final int[] SMALL = {0, 1, 3, 15, 16, 17};
    /** 3073 = three blocks of noise and one element; 4098 = many vectors and a tail shorter than any vector. */
    private static final int[] LARGE = {3073, 4098};
    private static final List<VectorSpecies<Float>> WIDTHS = List.of(FloatVector.SPECIES_128, FloatVector.SPECIES_256,
            FloatVector.SPECIES_512);
    /** Parts are whole cache lines of 64 elements, so this cuts any batch of more than 64 elements. */
    private static final long CUT_ALWAYS = 1;

    private static final Backend SCALAR = new ScalarBackend();
    private static final List<Backend> VECTORS = new ArrayList<>();

    @BeforeAll
    static void openEveryWidthWithOneAndThreeThreads() {
        for (VectorSpecies<Float> width : WIDTHS) {
            VECTORS.add(new VectorBackend(1, Long.MAX_VALUE, width));
            VECTORS.add(new VectorBackend(3, CUT_ALWAYS, width));
        }
    }

    @AfterAll
    static void close() {
        VECTORS.forEach(Backend::close);
    }

    private static void compare(RowCase c, Backend backend, String what) {
        c.assertSame(c.run(SCALAR), c.run(backend), what + " on " + backend.description());
    }

    private static Backend any(int i) {
        return VECTORS.get(Math.floorMod(i, VECTORS.size()));
    }

    @Test
    void theVectorBackendIsHereAndIsTheBest() {
        try (Backend vector = Backends.named("vector")) {
            assertEquals("vector", vector.name());
            assertInstanceOf(VectorBackend.class, vector);
        }
        Backends.Choice choice = Backends.best();
        try (Backend best = choice.backend()) {
            assertEquals("vector", best.name(), choice.reason());
        }
    }

    @Test
    void everySetOfTermsGivesTheScalarBits() {
        // 8 subsets of cx, cp, cg; 0 to 3 history terms; 5 kinds of noise; 3 clips; 3 ways of guidance.
        int i = 0;
        for (int subset = 0; subset < 8; subset++) {
            for (int history = 0; history <= 3; history++) {
                for (Noise noise : Noise.values()) {
                    for (Clip clip : List.of(Clip.NONE, Clip.range(1.25), Clip.dynamic(0.75, 2))) {
                        for (Guided guided : Guided.values()) {
                            RowCase c = RowCase.random(i, SMALL).all(DType.F32);
                            c.elements = 17;
                            c.cx = (subset & 1) != 0 ? 0.875 : 0;
                            c.cp = (subset & 2) != 0 ? -1.3 : 0;
                            c.cg = (subset & 4) != 0 ? 0.7 : 0;
                            c.history = Arrays.copyOf(new double[] {0.3, -0.6, 0.1}, history);
                            c.noise = noise;
                            c.cz = 0.9;
                            c.clip = clip;
                            c.guided = guided;
                            compare(c, any(i), "subset " + i);
                            i++;
                        }
                    }
                }
            }
        }
        assertEquals(8 * 4 * 5 * 3 * 3, i);
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
        return c;
    }

    @Test
    void everySizeOffsetMemoryAndWidthGivesTheScalarBits() {
        for (int size : SMALL) {
            for (int offset = 0; offset <= 1; offset++) {
                for (Memory memory : Memory.values()) {
                    for (int samples = 1; samples <= 3; samples++) {
                        RowCase c = full();
                        c.elements = size;
                        c.offset = offset;
                        c.memory = memory;
                        c.samples = samples;
                        c.special = true;
                        RowCase.Built expected = c.run(SCALAR);
                        for (Backend backend : VECTORS) {
                            c.assertSame(expected, c.run(backend), backend.description());
                        }
                    }
                }
            }
        }
    }

    @Test
    void everyOverlapThatIsAllowedGivesTheBitsOfSeparateMemory() {
        for (Backend backend : List.of(SCALAR, VECTORS.get(0), VECTORS.get(3), VECTORS.get(5))) {
            for (Clip clip : List.of(Clip.NONE, Clip.range(1), Clip.dynamic(0.9, 2))) {
                for (int size : new int[] {17, 3073}) {
                    RowCase c = full();
                    c.clip = clip;
                    c.elements = size;
                    RowCase.Built apart = c.run(SCALAR);
                    for (Alias alias : Alias.values()) {
                        c.alias = alias;
                        StepOperands o = c.run(backend).operands;
                        sameValues(apart.operands.out, o.out, "out of " + c);
                        sameValues(apart.operands.store, o.store, "store of " + c);
                        sameValues(apart.operands.input, o.input, "input of " + c);
                        sameValues(apart.operands.preview, o.preview, "preview of " + c);
                    }
                }
            }
        }
    }

    private static void sameValues(io.github.alphabar.tensor.Tensor want, io.github.alphabar.tensor.Tensor got,
            String what) {
        for (long i = 0; i < want.elements(); i++) {
            assertEquals(RowCase.bits((HostTensor) want, i), RowCase.bits((HostTensor) got, i), what + " at " + i);
        }
    }

    @Test
    void randomSmallRowsGiveTheScalarBits() {
        for (int seed = 0; seed < 3_000; seed++) {
            compare(RowCase.random(seed, SMALL), any(seed), "seed " + seed);
        }
    }

    @Test
    void randomLargeRowsGiveTheScalarBits() {
        for (int seed = 0; seed < 60; seed++) {
            compare(RowCase.random(1_000_000 + seed, LARGE), any(seed), "seed " + (1_000_000 + seed));
        }
    }

    @Test
    void theCompiledKernelGivesTheScalarBitsToo() {
        // A kernel is interpreted at first; 400 runs of 4098 elements bring it to the last tier of the JIT.
        for (int seed : new int[] {7, 11, 19}) {
            RowCase c = RowCase.random(2_000_000 + seed, new int[] {4098});
            c.all(c.state == DType.F64 ? DType.F32 : c.state);
            c.samples = 1;
            RowCase.Built expected = c.run(SCALAR);
            for (int width = 0; width < VECTORS.size(); width += 2) {
                Backend backend = VECTORS.get(width);
                RowCase.Built b = c.build();
                StepParams p = c.params();
                try (Backend.Workspace w = backend.workspace(c.samples, c.elements)) {
                    for (int i = 0; i < 250; i++) {
                        backend.step(p, b.operands, w);
                    }
                }
                c.assertSame(expected, c.run(backend), "compiled, " + backend.description());
            }
        }
    }

    @Test
    void aBusyTeamLeavesTheBitsAlone() throws Exception {
        // Four threads share one team of three: whoever finds it busy works alone.
        RowCase c = full();
        c.noise = Noise.DRAWN;
        c.elements = 3073;
        RowCase.Built expected = c.run(SCALAR);
        try (Backend shared = new VectorBackend(3, CUT_ALWAYS, FloatVector.SPECIES_PREFERRED);
                ExecutorService callers = Executors.newFixedThreadPool(4)) {
            List<Future<?>> results = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                results.add(callers.submit(() -> {
                    for (int run = 0; run < 12; run++) {
                        c.assertSame(expected, c.run(shared), "shared team");
                    }
                }));
            }
            for (Future<?> result : results) {
                result.get();
            }
        }
    }

    @Test
    void aClosedTeamLeavesTheWorkToTheCaller() {
        RowCase c = full();
        c.elements = 3073;
        Backend closed = new VectorBackend(3, CUT_ALWAYS, FloatVector.SPECIES_PREFERRED);
        closed.close();
        closed.close();
        compare(c, closed, "closed");
    }

    @Test
    void aNonFiniteThresholdIsTheSameEverywhere() {
        // Infinite and NaN predictions reach the quantile; with an infinite order statistic the interpolation meets inf - inf.
        for (int seed = 0; seed < 200; seed++) {
            RowCase c = RowCase.random(3_000_000 + seed, new int[] {1, 3, 17, 33});
            c.clip = Clip.dynamic(0.5 + seed % 5 * 0.125, 1 + seed % 3);
            c.cp = 1;
            c.special = true;
            compare(c, any(seed), "seed " + (3_000_000 + seed));
        }
    }

    @Test
    void aWorkspaceOfAnotherBackendIsRefused() {
        RowCase c = full();
        try (Backend.Workspace other = SCALAR.workspace(c.samples, c.elements)) {
            StepOperands o = c.build().operands;
            assertThrows(IllegalArgumentException.class, () -> VECTORS.get(0).step(c.params(), o, other));
        }
    }

    @Test
    void moreKindsOfRowsThanAWorkspaceStartsWithKeepTheirBits() {
        // A workspace begins with room for 16 kinds; these are 40, each met twice.
        try (Backend.Workspace w = VECTORS.get(0).workspace(3, 17)) {
            for (int pass = 0; pass < 2; pass++) {
                for (int seed = 0; seed < 40; seed++) {
                    RowCase c = RowCase.random(4_000_000 + seed, new int[] {17});
                    RowCase.Built b = c.build();
                    VECTORS.get(0).step(c.params(), b.operands, w);
                    c.assertSame(c.run(SCALAR), b, "seed " + (4_000_000 + seed));
                }
            }
        }
    }
}
