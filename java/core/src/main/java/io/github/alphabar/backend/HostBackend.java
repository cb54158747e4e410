// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.plan.StepParams;
import io.github.alphabar.random.Normals;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.util.Arrays;

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

        /** The most elements of one call now. */
        default long most() {
            return CHUNK;
        }
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
        /** Rescaled guidance: the sample's factor. */
        double factor;

        final float[] noiseBlock = new float[NOISE_BLOCK];
        final float[] knownBlock = new float[NOISE_BLOCK];
        final HostTensor noiseView = HostTensor.of(noiseBlock);
        final HostTensor knownView = HostTensor.of(knownBlock);
        final int[] words = new int[4];
        final float[] four = new float[4];
        /** Operands widened by a kernel that needs it; made at its first row. */
        LaneKernels.Blocks blocks;
    }

    /** The scratch memory and, while a step runs, the job its threads share. */
    static final class HostWorkspace implements Workspace, WorkerTeam.Job {
        final HostBackend owner;
        final Chunk[] chunks;
        final double[] thresholds;
        final double[] factors;
        Threshold threshold;
        Rescale rescale;
        /** The kernels met so far and what they were made for: a plan has few kinds of rows. */
        long[] kernelKeys = new long[16];
        RowKernel[] kernels = new RowKernel[16];
        int kernelCount;

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
            this.factors = new double[samples];
        }

        /** Room grows with the kinds of rows, so that none is looked up twice. */
        void remember(long key, RowKernel kernel) {
            if (kernelCount == kernels.length) {
                kernelKeys = Arrays.copyOf(kernelKeys, 2 * kernelCount);
                kernels = Arrays.copyOf(kernels, 2 * kernelCount);
            }
            kernelKeys[kernelCount] = key;
            kernels[kernelCount++] = kernel;
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
    abstract void normals(long seed, int draw, Normals.Stream stream, long from, Chunk c, float[] target, int count);

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
        boolean rescaled = p.needsRescale(o.preview != null);
        if (dynamic || rescaled) {
            reduce(p, o, w, rescaled, dynamic);
        }
        // Without anything that belongs to a sample, the batch is one long row.
        boolean drawn = (p.needsNoise() && o.noise == null)
                || (o.mask != null && o.knownNoise == null && p.knownSigma != 0);
        boolean evenOutputs = o.outputStride == o.elements || !p.needsG(o.preview != null);
        w.flat = o.samples == 1
                || (!dynamic && !rescaled && !drawn && evenOutputs
                        && !p.has(StepParams.LEARNED | StepParams.LEARNED_LOG));
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

    /** The factors first: a threshold is one of the rescaled prediction. */
    private static void reduce(StepParams p, StepOperands o, HostWorkspace w, boolean rescaled, boolean dynamic) {
        if (rescaled && w.rescale == null) {
            w.rescale = new Rescale();
        }
        if (dynamic && w.threshold == null) {
            w.threshold = new Threshold();
        }
        Chunk c = w.chunks[0];
        for (int s = 0; s < o.samples; s++) {
            place(c, o, s);
            if (rescaled) {
                w.factors[s] = w.rescale.of(p, o, c);
            }
            c.factor = w.factors[s];
            if (dynamic) {
                w.thresholds[s] = w.threshold.of(p, o, c);
            }
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
            c.factor = w.factors[0];
            range(w, c, 0, lo, hi);
            return;
        }
        while (lo < hi) {
            int sample = (int) (lo / o.elements);
            long from = lo - sample * o.elements;
            long to = Math.min(o.elements, from + hi - lo);
            place(c, o, sample);
            c.threshold = w.thresholds[sample];
            c.factor = w.factors[sample];
            range(w, c, sample, from, to);
            lo += to - from;
        }
    }

    private void range(HostWorkspace w, Chunk c, int sample, long from, long to) {
        StepParams p = w.params;
        StepOperands o = w.operands;
        boolean draws = p.needsNoise() && o.noise == null;
        boolean drawsKnown = o.mask != null && o.knownNoise == null && p.knownSigma != 0;
        c.noise = draws ? c.noiseView : (HostTensor) o.noise;
        c.noiseBase = c.state;
        c.knownNoise = drawsKnown ? c.knownView : (HostTensor) o.knownNoise;
        c.knownNoiseBase = c.state;
        long most = draws || drawsKnown ? NOISE_BLOCK : CHUNK;
        long end;
        for (long e = from; e < to; e = end) {
            end = Math.min(to, e + Math.min(most, w.kernel.most()));
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
    public final void copy(Tensor from, Tensor to, Workspace workspace) {
        if (!(from instanceof HostTensor source) || !(to instanceof HostTensor target)
                || from.dtype() != to.dtype()) {
            throw new IllegalArgumentException(
                    "The backend '" + name() + "' copies between tensors of the host with one"
                            + " type, but got " + from + " and " + to + ".");
        }
        target.copyFrom(source);
    }

    @Override
    public final void close() {
        if (team != null) {
            team.close();
        }
    }
}
