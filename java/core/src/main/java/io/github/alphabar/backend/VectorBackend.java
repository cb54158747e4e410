// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.plan.StepParams;
import io.github.alphabar.random.Normals;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.lang.foreign.MemorySegment;
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

    private final Lanes lanes;
    private final NoiseKernel normals;
    private final StageKernel stage;
    /** One kernel for each kind of row seen; a hidden class each, dropped with the backend. */
    private final ConcurrentMap<Long, RowKernel> kernels = new ConcurrentHashMap<>();

    VectorBackend(int threads) {
        this(threads, PARALLEL_ELEMENTS, FloatVector.SPECIES_PREFERRED);
    }

    /** With another width or threshold, for tests: neither changes a bit. */
    VectorBackend(int threads, long parallelElements, VectorSpecies<Float> species) {
        super(threads, parallelElements);
        this.lanes = Lanes.of(species);
        this.normals = VectorNormals.of(lanes);
        this.stage = VectorStage.of(lanes);
    }

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public String description() {
        return "JDK Vector API, " + lanes.floats().length() + " float lanes, " + threads()
                + (threads() == 1 ? " thread" : " threads")
                + " for " + PARALLEL_ELEMENTS + " elements and more.";
    }

    /** A specialised loop over whole vectors of floats. */
    interface LoopKernel {
        void loop(StepParams p, VectorBlock b, int count);
    }

    /** The loops around it: to and from two-byte types, and learned standard deviations in place. */
    interface StageKernel {
        void widen(HostTensor source, long start, MemorySegment target, int count);

        void narrow(MemorySegment source, HostTensor target, long start, int count);

        void sqrt(MemorySegment values, int count);

        void expLine(MemorySegment values, int count, float factor, float offset);
    }

    /** A row: whole vectors by the specialised loop, the rest by the scalar reference. */
    private record Row(LoopKernel loop, StageKernel stage, int lanes) implements RowKernel {
        @Override
        public void row(StepParams p, StepOperands o, Chunk c, long from, long to) {
            if (c.block == null) {
                c.block = new VectorBlock();
            }
            VectorBlock block = (VectorBlock) c.block;
            int whole = (int) (to - from) / lanes * lanes;
            int size = VectorBlock.isStaged(p, o) ? VectorBlock.SIZE : (int) CHUNK;
            for (int done = 0; done < whole; done += size) {
                int count = Math.min(size, whole - done);
                block.open(stage, p, o, c, from + done, count);
                loop.loop(p, block, count);
                block.close(stage, p, o, c, from + done, count);
            }
            if (from + whole < to) {
                ScalarRow.INSTANCE.row(p, o, c, from + whole, to);
            }
        }
    }

    @Override
    RowKernel kernel(StepParams p, StepOperands o, HostWorkspace w) {
        if (o.out.dtype() == DType.F64) {
            return ScalarRow.INSTANCE;
        }
        long key = RowKind.key(p, o);
        for (int i = 0; i < w.kernels.length && w.kernels[i] != null; i++) {
            if (w.kernelKeys[i] == key) {
                return w.kernels[i];
            }
        }
        RowKernel kernel = kernels.computeIfAbsent(key,
                k -> new Row(VectorRow.specialise(new RowKind(k, lanes)), stage, lanes.floats().length()));
        // More kinds than places: the last place changes hands, which looks the kernel up again but stays right.
        int place = 0;
        while (place < w.kernels.length - 1 && w.kernels[place] != null) {
            place++;
        }
        w.kernelKeys[place] = key;
        w.kernels[place] = kernel;
        return kernel;
    }

    @Override
    void normals(long seed, int draw, Normals.Stream stream, long from, Chunk c, HostTensor target, int count) {
        int lead = (int) Math.min(count, -from & 3);
        if (lead > 0) {
            Normals.fill(seed, draw, stream, from, target, 0, lead, c.words, c.four);
        }
        int done = lead + normals.fill(seed, draw, stream, from + lead, target.segment(), 4L * lead, count - lead,
                c.wordRoom());
        if (done < count) {
            Normals.fill(seed, draw, stream, from + done, target, done, count - done, c.words, c.four);
        }
    }
}
