// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The vector backend returns the scalar backend's bits at any lane width and thread count. */
class BackendBitsTest extends BackendBits {
    private static final List<VectorSpecies<Float>> WIDTHS = List.of(FloatVector.SPECIES_128, FloatVector.SPECIES_256,
            FloatVector.SPECIES_512);
    /** Parts are whole cache lines of 64 elements, so this cuts any batch of more than 64 elements. */
    private static final long CUT_ALWAYS = 1;

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

    @Override
    List<Backend> backends() {
        return VECTORS;
    }

    @Override
    int randomRows() {
        return 3_000;
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
    void theCompiledKernelGivesTheScalarBitsToo() {
        // A kernel is interpreted at first; 250 runs of 4098 elements bring it to the last tier of the JIT.
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
    void aClosedTeamLeavesTheWorkToTheCaller() {
        RowCase c = full();
        c.elements = 3073;
        Backend closed = new VectorBackend(3, CUT_ALWAYS, FloatVector.SPECIES_PREFERRED);
        closed.close();
        closed.close();
        compare(c, closed, "closed");
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
