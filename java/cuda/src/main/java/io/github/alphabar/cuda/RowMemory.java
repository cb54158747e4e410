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
import io.github.alphabar.cuda.binding.Alphabar;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The scratch memory of a trajectory: one alphabar_row and one alphabar_operands, written anew for each step, the seeds, and what
 * reductions need. All of it is allocated here, once.
 */
final class RowMemory implements Backend.Workspace {
    static final long ROW_BYTES = 176;
    static final long OPERANDS_BYTES = 200;

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
    /** Where the kernels compute: what reductions leave for each sample. */
    final long scratch;

    private final Arena arena = Arena.ofShared();
    /** The seeds as the host wrote them. */
    private final MemorySegment seeds;
    /** Where the kernels read them: the same memory, or a copy on a device. */
    private final long readSeeds;
    private boolean seedsWritten;
    /** On a device: scratch and seeds. */
    private final Allocation there;

    RowMemory(RowBackend owner, int samples, long stream) {
        this.owner = owner;
        this.samples = samples;
        this.stream = stream;
        row = arena.allocate(ROW_BYTES, CACHE_LINE);
        operands = arena.allocate(OPERANDS_BYTES, CACHE_LINE);
        long seedBytes = samples * LONG.byteSize();
        long scratchBytes = Alphabar.alphabar_scratch_bytes(samples);
        seeds = arena.allocate(seedBytes, CACHE_LINE);
        if (owner.isDevice()) {
            there = Allocation.of(owner.context(), scratchBytes + seedBytes);
            scratch = there.address();
            readSeeds = scratch + scratchBytes;
        } else {
            there = null;
            scratch = arena.allocate(scratchBytes, CACHE_LINE).address();
            readSeeds = seeds.address();
        }
    }

    /** Writes the row; the offsets are those of alphabar.h. */
    void write(StepParams p) {
        write(p, row);
    }

    /** Writes a row into memory of {@link #ROW_BYTES}. */
    static void write(StepParams p, MemorySegment r) {
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
        r.set(DOUBLE, 168, p.rescale);
    }

    /** Which operands are given by address; the others are 0, whatever the caller left in them. */
    private static final int X = 1;
    private static final int OUTPUT = 1 << 1;
    private static final int UNCOND = 1 << 2;
    private static final int NOISE = 1 << 3;
    private static final int KNOWN_NOISE = 1 << 4;
    private static final int STORE = 1 << 5;
    private static final int FIRST = 1 << 6;
    private static final int SECOND = 1 << 7;
    private static final int THIRD = 1 << 8;

    private static int flag(boolean present, int operand) {
        return present ? operand : 0;
    }

    /** Writes the operands that the row has. */
    void write(StepParams p, StepOperands o) {
        boolean previewed = o.preview != null;
        boolean output = p.needsG(previewed) || p.has(LEARNED | LEARNED_LOG);
        boolean noise = p.needsNoise();
        boolean knownNoise = o.mask != null && p.knownSigma != 0;
        boolean drawn = (noise && o.noise == null) || (knownNoise && o.knownNoise == null);
        int given = flag(p.needsX(previewed), X) | flag(output, OUTPUT)
                | flag(output && p.has(StepParams.GUIDED), UNCOND)
                | flag(noise && o.noise != null, NOISE) | flag(knownNoise && o.knownNoise != null, KNOWN_NOISE)
                | flag(p.has(StepParams.STORE), STORE) | flag(p.has(H0), FIRST) | flag(p.has(H1), SECOND)
                | flag(p.has(H2), THIRD);
        write(given, o, drawn ? seeds(o.seeds, o.samples) : 0);
    }

    /** Writes what all rows of a table share: the outputs, seeds by their address, and what is optional. */
    void writeShared(StepOperands o, long seedsAddress) {
        write(OUTPUT | flag(o.uncond != null, UNCOND), o, seedsAddress);
    }

    private void write(int given, StepOperands o, long seedsAddress) {
        boolean previewed = o.preview != null;
        boolean masked = o.mask != null;
        DType state = o.out.dtype();
        MemorySegment s = operands;
        s.set(LONG, 0, o.elements);
        s.set(LONG, 8, (given & OUTPUT) != 0 ? o.outputOffset : 0);
        s.set(LONG, 16, (given & UNCOND) != 0 ? o.uncondOffset : 0);
        s.set(LONG, 24, (given & OUTPUT) != 0 ? o.outputStride : o.elements);
        s.set(INT, 32, o.samples);
        s.set(INT, 36, o.draw);
        s.set(INT, 40, o.input == null ? 1 : o.inputCopies);
        s.set(INT, 44, state.ordinal());
        s.set(INT, 48, type((given & OUTPUT) != 0, o.output, state));
        s.set(INT, 52, type(previewed, o.preview, state));
        s.set(INT, 56, type(o.input != null, o.input, state));
        s.set(INT, 60, type((given & NOISE) != 0, o.noise, state));
        s.set(INT, 64, type((given & KNOWN_NOISE) != 0, o.knownNoise, state));
        s.set(INT, 68, 0);
        s.set(LONG, 72, address((given & X) != 0, "x", o.x));
        s.set(LONG, 80, address(true, "out", o.out));
        s.set(LONG, 88, address((given & OUTPUT) != 0, "output", o.output));
        s.set(LONG, 96, address((given & UNCOND) != 0, "uncond", o.uncond));
        s.set(LONG, 104, address((given & FIRST) != 0, "h0", o.h0));
        s.set(LONG, 112, address((given & SECOND) != 0, "h1", o.h1));
        s.set(LONG, 120, address((given & THIRD) != 0, "h2", o.h2));
        s.set(LONG, 128, address((given & STORE) != 0, "store", o.store));
        s.set(LONG, 136, address((given & NOISE) != 0, "noise", o.noise));
        s.set(LONG, 144, address(previewed, "preview", o.preview));
        s.set(LONG, 152, address(o.input != null, "input", o.input));
        s.set(LONG, 160, address(masked, "mask", o.mask));
        s.set(LONG, 168, address(masked, "known", o.known));
        s.set(LONG, 176, address((given & KNOWN_NOISE) != 0, "knownNoise", o.knownNoise));
        s.set(LONG, 184, seedsAddress);
        s.set(DOUBLE, 192, o.inputScale);
    }

    /** Seeds rarely change, and a device must be sent them only when they do. */
    private long seeds(long[] values, int count) {
        boolean changed = !seedsWritten;
        for (int i = 0; i < count; i++) {
            changed |= seeds.getAtIndex(LONG, i) != values[i];
            seeds.setAtIndex(LONG, i, values[i]);
        }
        if (changed && there != null) {
            owner.check("send the seeds", Alphabar.alphabar_copy(owner.context().address(), readSeeds, seeds.address(),
                    samples * LONG.byteSize(), stream));
        }
        seedsWritten = true;
        return readSeeds;
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
            if (there != null) {
                there.run();
            }
        }
    }
}
