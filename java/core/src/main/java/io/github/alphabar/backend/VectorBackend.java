// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.plan.StepParams;
import io.github.alphabar.random.Normals;
import io.github.alphabar.tensor.DType;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The JDK Vector API backend. Each kind of row (which terms, which types) gets a copy of {@link VectorRow} whose kind is a
 * constant, so that the JIT compiles a loop with only that row's loads and multiply-adds. Large tensors are cut over threads. F64
 * rows are for research: they run the scalar arithmetic on the same threads.
 */
final class VectorBackend extends HostBackend {
    /** Below this a second thread costs more than it saves: waking it takes about as long as this many elements do. */
    static final long PARALLEL_ELEMENTS = 1 << 18;

    private final LaneKernels lanes;
    /** One kernel for each kind of row seen; a hidden class each, dropped with the backend. */
    private final ConcurrentMap<Long, RowKernel> kernels = new ConcurrentHashMap<>();

    VectorBackend(int threads) {
        this(threads, PARALLEL_ELEMENTS, FloatVector.SPECIES_PREFERRED);
    }

    /** With another width or threshold, for tests: neither changes a bit. */
    VectorBackend(int threads, long parallelElements, VectorSpecies<Float> species) {
        super(threads, parallelElements);
        this.lanes = LaneKernels.of(species);
    }

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public String description() {
        return "JDK Vector API, " + lanes.species().length() + " float lanes, " + threads()
                + (threads() == 1 ? " thread" : " threads")
                + " for " + PARALLEL_ELEMENTS + " elements and more.";
    }

    @Override
    RowKernel kernel(StepParams p, StepOperands o, HostWorkspace w) {
        if (o.out.dtype() == DType.F64) {
            return ScalarRow.INSTANCE;
        }
        long key = RowKind.key(p, o);
        int known = w.kernelCount;
        for (int i = 0; i < known; i++) {
            if (w.kernelKeys[i] == key) {
                return w.kernels[i];
            }
        }
        RowKernel kernel = kernels.computeIfAbsent(key, k -> VectorRow.of(new RowKind(k, lanes)));
        w.remember(key, kernel);
        return kernel;
    }

    @Override
    void normals(long seed, int draw, Normals.Stream stream, long from, Chunk c, float[] target, int count) {
        int lead = (int) Math.min(count, -from & 3);
        if (lead > 0) {
            Normals.fill(seed, draw, stream, from, target, 0, lead, c.words, c.four);
        }
        int done = lead + lanes.normals().fill(seed, draw, stream, from + lead, target, lead, count - lead);
        if (done < count) {
            Normals.fill(seed, draw, stream, from + done, target, done, count - done, c.words, c.four);
        }
    }
}
