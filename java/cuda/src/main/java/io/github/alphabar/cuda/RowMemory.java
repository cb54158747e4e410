// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import static io.github.alphabar.plan.StepParams.H0;
import static io.github.alphabar.plan.StepParams.H1;
import static io.github.alphabar.plan.StepParams.H2;
import static io.github.alphabar.plan.StepParams.LEARNED;
import static io.github.alphabar.plan.StepParams.LEARNED_LOG;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The scratch memory of a trajectory: one alphabar_row and one alphabar_operands, written anew for each step, the seeds, and what
 * thresholding needs. All of it is native and allocated here, once.
 */
final class RowMemory implements Backend.Workspace {
    static final long ROW_BYTES = 168;
    static final long OPERANDS_BYTES = 192;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE;
    private static final int CACHE_LINE = 64;

    final RowBackend owner;
    final int samples;
    /** The caller's stream; 0 is the legacy default stream. */
    final long stream;
    final MemorySegment row;
    final MemorySegment operands;
    /** Host memory for thresholding, or 0. */
    final long scratch;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment seeds;

    RowMemory(RowBackend owner, int samples, long scratchBytes, long stream) {
        this.owner = owner;
        this.samples = samples;
        this.stream = stream;
        row = arena.allocate(ROW_BYTES, CACHE_LINE);
        operands = arena.allocate(OPERANDS_BYTES, CACHE_LINE);
        seeds = arena.allocate(samples * LONG.byteSize(), CACHE_LINE);
        scratch = scratchBytes == 0 ? 0 : arena.allocate(scratchBytes, CACHE_LINE).address();
    }

    /** Writes the row; the offsets are those of alphabar.h. */
    void write(StepParams p) {
        MemorySegment r = row;
        r.set(INT, 0, p.terms);
        r.set(INT, 4, p.stream.ordinal());
        r.set(DOUBLE, 8, p.weight);
        r.set(DOUBLE, 16, p.px);
        r.set(DOUBLE, 24, p.pg);
        r.set(DOUBLE, 32, p.cx);
        r.set(DOUBLE, 40, p.cp);
        r.set(DOUBLE, 48, p.cg);
        r.set(DOUBLE, 56, p.h0);
        r.set(DOUBLE, 64, p.h1);
        r.set(DOUBLE, 72, p.h2);
        r.set(DOUBLE, 80, p.cz);
        r.set(DOUBLE, 88, p.varianceFactor);
        r.set(DOUBLE, 96, p.varianceOffset);
        r.set(DOUBLE, 104, p.sx);
        r.set(DOUBLE, 112, p.sp);
        r.set(DOUBLE, 120, p.sg);
        r.set(DOUBLE, 128, p.range);
        r.set(DOUBLE, 136, p.quantile);
        r.set(DOUBLE, 144, p.maximum);
        r.set(DOUBLE, 152, p.knownAlpha);
        r.set(DOUBLE, 160, p.knownSigma);
    }

    /** Writes the operands that the row has; the others are 0, whatever the caller left in them. */
    void write(StepParams p, StepOperands o) {
        boolean previewed = o.preview != null;
        boolean learned = p.has(LEARNED | LEARNED_LOG);
        boolean x = p.needsX(previewed);
        boolean output = p.needsG(previewed) || learned;
        boolean uncond = output && p.has(StepParams.GUIDED);
        boolean noise = p.needsNoise();
        boolean masked = o.mask != null;
        boolean knownNoise = masked && p.knownSigma != 0;
        boolean noiseGiven = noise && o.noise != null;
        boolean knownGiven = knownNoise && o.knownNoise != null;
        boolean drawn = (noise && !noiseGiven) || (knownNoise && !knownGiven);
        DType state = o.out.dtype();

        MemorySegment s = operands;
        s.set(LONG, 0, o.elements);
        s.set(LONG, 8, output ? o.outputOffset : 0);
        s.set(LONG, 16, uncond ? o.uncondOffset : 0);
        s.set(LONG, 24, output ? o.outputStride : o.elements);
        s.set(INT, 32, o.samples);
        s.set(INT, 36, o.draw);
        s.set(INT, 40, o.input == null ? 1 : o.inputCopies);
        s.set(INT, 44, state.ordinal());
        s.set(INT, 48, type(output, o.output, state));
        s.set(INT, 52, type(previewed, o.preview, state));
        s.set(INT, 56, type(o.input != null, o.input, state));
        s.set(INT, 60, type(noiseGiven, o.noise, state));
        s.set(INT, 64, type(knownGiven, o.knownNoise, state));
        s.set(INT, 68, 0);
        s.set(LONG, 72, address(x, "x", o.x));
        s.set(LONG, 80, address(true, "out", o.out));
        s.set(LONG, 88, address(output, "output", o.output));
        s.set(LONG, 96, address(uncond, "uncond", o.uncond));
        s.set(LONG, 104, address(p.has(H0), "h0", o.h0));
        s.set(LONG, 112, address(p.has(H1), "h1", o.h1));
        s.set(LONG, 120, address(p.has(H2), "h2", o.h2));
        s.set(LONG, 128, address(p.has(StepParams.STORE), "store", o.store));
        s.set(LONG, 136, address(noiseGiven, "noise", o.noise));
        s.set(LONG, 144, address(previewed, "preview", o.preview));
        s.set(LONG, 152, address(o.input != null, "input", o.input));
        s.set(LONG, 160, address(masked, "mask", o.mask));
        s.set(LONG, 168, address(masked, "known", o.known));
        s.set(LONG, 176, address(knownGiven, "knownNoise", o.knownNoise));
        s.set(LONG, 184, drawn ? seeds(o.seeds, o.samples) : 0);
    }

    private long seeds(long[] values, int count) {
        for (int i = 0; i < count; i++) {
            seeds.setAtIndex(LONG, i, values[i]);
        }
        return owner.seedsAddress(seeds);
    }

    private long address(boolean present, String name, Tensor tensor) {
        return present ? owner.address(name, tensor) : 0;
    }

    private static int type(boolean present, Tensor tensor, DType otherwise) {
        return (present ? tensor.dtype() : otherwise).ordinal();
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
