// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.plan.StepParams;
import io.github.alphabar.random.Normals;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the host backends in Java share: cutting a batch into chunks, drawing noise for a chunk, finding thresholds, threads. The
 * cuts never change a bit: every element is computed alone, and noise is addressed by element.
 */
abstract sealed class HostBackend implements Backend permits ScalarBackend, VectorBackend {
    /** Noise is drawn for this many elements at a time, so that it stays in the first-level cache. */
    static final int NOISE_BLOCK = 1024;
    /** Chunks fit an int, for loops the compiler counts. */
    static final long CHUNK = 1 << 20;

    private final WorkerTeam team;
    private final int threads;
    private final long parallelElements;

    HostBackend(int threads, long parallelElements) {
        this.threads = threads;
        this.parallelElements = parallelElements;
        this.team = threads > 1 ? new WorkerTeam(threads) : null;
    }

    /** One row over a range of one sample's elements. */
    interface RowKernel {
        void row(StepParams p, StepOperands o, Chunk c, long from, long to);
    }

    /** Whole vectors of noise; the rest is the caller's. */
    interface NoiseKernel {
        /** Fills floats at a byte offset, from an element divisible by 4, with room for count words; returns how many elements were written. */
        int fill(long seed, int draw, Normals.Stream stream, long from, MemorySegment target, long offset, int count,
                MemorySegment words);
    }

    /** Where a sample's operands start, and the chunk's noise. One for each thread. */
    static final class Chunk {
        /** Index in state tensors of the sample's element 0. */
        long state;
        /** Index in the output of the sample's element 0. */
        long output;
        /** Index in the unconditional output of the sample's element 0. */
        long uncond;
        /** Noise of element e is at noiseBase + e. */
        HostTensor noise;
        long noiseBase;
        HostTensor knownNoise;
        long knownNoiseBase;
        /** Dynamic thresholding: the sample's s. */
        double threshold;

        final HostTensor noiseBlock = HostTensor.allocate(DType.F32, NOISE_BLOCK);
        final HostTensor knownBlock = HostTensor.allocate(DType.F32, NOISE_BLOCK);
        final int[] words = new int[4];
        final float[] four = new float[4];
        private MemorySegment wordRoom;
        /** What the backend keeps for this thread. */
        Object block;

        MemorySegment wordRoom() {
            if (wordRoom == null) {
                wordRoom = Arena.ofAuto().allocate(4L * NOISE_BLOCK, 64);
            }
            return wordRoom;
        }
    }

    /** The scratch memory and, while a step runs, the job its threads share. */
    static final class HostWorkspace implements Workspace, WorkerTeam.Job {
        final HostBackend owner;
        final Chunk[] chunks;
        final double[] thresholds;
        Threshold threshold;
        /** The last kernel and what it was made for: a plan has few kinds of rows. */
        final long[] kernelKeys = new long[16];
        final RowKernel[] kernels = new RowKernel[16];

        StepParams params;
        StepOperands operands;
        RowKernel kernel;
        boolean flat;
        int parties;

        HostWorkspace(HostBackend owner, int samples) {
            this.owner = owner;
            this.chunks = new Chunk[owner.threads];
            for (int i = 0; i < chunks.length; i++) {
                chunks[i] = new Chunk();
            }
            this.thresholds = new double[samples];
        }

        @Override
        public void run(int worker) {
            owner.share(this, worker);
        }

        @Override
        public void close() {
            // Plain heap memory: the garbage collector's.
        }
    }

    /** The kernel of a row; must not allocate once it was asked for the same kind of row. */
    abstract RowKernel kernel(StepParams p, StepOperands o, HostWorkspace workspace);

    /** Draws the noise of a range that starts at a multiple of 4 or anywhere. */
    abstract void normals(long seed, int draw, Normals.Stream stream, long from, Chunk c, HostTensor target, int count);

    final int threads() {
        return threads;
    }

    @Override
    public final Tensor allocate(DType dtype, long elements) {
        return HostTensor.allocate(dtype, elements);
    }

    @Override
    public final Workspace workspace(int samples, long elements) {
        if (samples < 1 || elements < 0) {
            throw new IllegalArgumentException(
                    "A workspace needs at least one sample, but got samples=" + samples + ", elements=" + elements
                            + ".");
        }
        return new HostWorkspace(this, samples);
    }

    @Override
    public final void step(StepParams p, StepOperands o, Workspace workspace) {
        if (!(workspace instanceof HostWorkspace w) || w.owner != this) {
            throw new IllegalArgumentException("The workspace was made by another backend; ask this one for its own.");
        }
        o.check(p);
        if (w.thresholds.length < o.samples) {
            throw new IllegalArgumentException(
                    "The workspace was made for " + w.thresholds.length + " samples, but the step has "
                            + o.samples + ".");
        }
        w.params = p;
        w.operands = o;
        w.kernel = kernel(p, o, w);
        boolean dynamic = p.has(StepParams.CLIP_DYNAMIC) && p.needsP(o.preview != null);
        if (dynamic) {
            if (w.threshold == null) {
                w.threshold = new Threshold();
            }
            for (int s = 0; s < o.samples; s++) {
                place(w.chunks[0], o, s);
                w.thresholds[s] = w.threshold.of(p, o, w.chunks[0]);
            }
        }
        // Without anything that belongs to a sample, the batch is one long row.
        boolean drawn = (p.needsNoise() && o.noise == null)
                || (o.mask != null && o.knownNoise == null && p.knownSigma != 0);
        boolean evenOutputs = o.outputStride == o.elements || !p.needsG(o.preview != null);
        w.flat = o.samples == 1
                || (!dynamic && !drawn && evenOutputs && !p.has(StepParams.LEARNED | StepParams.LEARNED_LOG));
        long total = o.samples * o.elements;
        w.parties = team == null || total < parallelElements ? 1 : threads;
        try {
            if (w.parties == 1 || !team.run(w)) {
                // The team serves another trajectory: this thread does the whole row, to the same bits.
                w.parties = 1;
                share(w, 0);
            }
        } finally {
            w.params = null;
            w.operands = null;
        }
    }

    private static void place(Chunk c, StepOperands o, int sample) {
        c.state = sample * o.elements;
        c.output = o.outputOffset + sample * o.outputStride;
        c.uncond = o.uncondOffset + sample * o.outputStride;
    }

    /** The part of the batch that falls to a thread. */
    private void share(HostWorkspace w, int worker) {
        StepOperands o = w.operands;
        long total = o.samples * o.elements;
        // Whole cache lines for each thread, also of two-byte elements.
        long part = ((total + w.parties - 1) / w.parties + 63) & ~63L;
        long lo = Math.min(total, worker * part);
        long hi = Math.min(total, lo + part);
        Chunk c = w.chunks[worker];
        if (w.flat) {
            place(c, o, 0);
            c.threshold = w.thresholds[0];
            range(w, c, 0, lo, hi);
            return;
        }
        while (lo < hi) {
            int sample = (int) (lo / o.elements);
            long from = lo - sample * o.elements;
            long to = Math.min(o.elements, from + hi - lo);
            place(c, o, sample);
            c.threshold = w.thresholds[sample];
            range(w, c, sample, from, to);
            lo += to - from;
        }
    }

    private void range(HostWorkspace w, Chunk c, int sample, long from, long to) {
        StepParams p = w.params;
        StepOperands o = w.operands;
        boolean draws = p.needsNoise() && o.noise == null;
        boolean drawsKnown = o.mask != null && o.knownNoise == null && p.knownSigma != 0;
        c.noise = draws ? c.noiseBlock : (HostTensor) o.noise;
        c.noiseBase = c.state;
        c.knownNoise = drawsKnown ? c.knownBlock : (HostTensor) o.knownNoise;
        c.knownNoiseBase = c.state;
        long block = draws || drawsKnown ? NOISE_BLOCK : CHUNK;
        for (long e = from; e < to; e += block) {
            long end = Math.min(to, e + block);
            if (draws) {
                normals(o.seeds[sample], o.draw, p.stream, e, c, c.noiseBlock, (int) (end - e));
                c.noiseBase = -e;
            }
            if (drawsKnown) {
                normals(o.seeds[sample], o.draw, Normals.Stream.INPAINT, e, c, c.knownBlock, (int) (end - e));
                c.knownNoiseBase = -e;
            }
            w.kernel.row(p, o, c, e, end);
        }
    }

    @Override
    public final void close() {
        if (team != null) {
            team.close();
        }
    }
}
