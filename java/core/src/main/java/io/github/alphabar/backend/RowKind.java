// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * What a vector kernel is specialised on: the terms of the row, the optional outputs, the type of each tensor, the lane width.
 *
 * @param key
 *            {@link StepParams#terms}, optional operands and types, packed
 * @param lanes
 *            the lane width and what kernels of that width share
 */
record RowKind(long key, LaneKernels lanes) {
    private static final long PREVIEW = 1L << 34;
    private static final long INPUT = 1L << 35;
    private static final long INPUT_TWICE = 1L << 36;
    private static final long MASK = 1L << 37;
    private static final long KNOWN_NOISE = 1L << 38;
    private static final int STATE = 40;
    private static final int OUTPUT = 42;
    private static final int NOISE = 44;
    private static final int PREVIEW_TYPE = 46;
    private static final int INPUT_TYPE = 48;
    private static final int KNOWN_NOISE_TYPE = 50;

    /** Where each group of operands lies: 2 bits each, see {@link Memory}. */
    private static final int STATE_MEMORY = 20;
    private static final int OUTPUT_MEMORY = 22;
    private static final int NOISE_MEMORY = 24;
    private static final int KNOWN_MEMORY = 26;
    private static final int KNOWN_NOISE_MEMORY = 28;
    private static final int PREVIEW_MEMORY = 30;
    private static final int INPUT_MEMORY = 32;

    /**
     * Where memory lies. A kernel that knows the class of a segment reads it without a call; what the JIT has seen of other
     * kernels' segments cannot tell it.
     */
    private enum Memory {
        FLOATS(MemorySegment.ofArray(new float[0]).getClass()), SHORTS(MemorySegment.ofArray(new short[0]).getClass()),
        NATIVE(MemorySegment.NULL.getClass()), OTHER(null);

        private static final Memory[] ALL = values();
        private final Class<? extends MemorySegment> type;

        Memory(Class<? extends MemorySegment> type) {
            this.type = type;
        }

        static Memory of(Tensor tensor) {
            MemorySegment segment = ((HostTensor) tensor).segment();
            if (segment.isNative()) {
                return NATIVE;
            }
            Class<?> type = segment.getClass();
            return type == FLOATS.type ? FLOATS : type == SHORTS.type ? SHORTS : OTHER;
        }
    }

    static long key(StepParams p, StepOperands o) {
        long key = p.terms;
        key |= type(o.out, STATE) | type(o.output, OUTPUT) | type(o.noise, NOISE) | type(o.preview, PREVIEW_TYPE)
                | type(o.input, INPUT_TYPE) | type(o.knownNoise, KNOWN_NOISE_TYPE);
        Memory state = join(join(join(null, o.x), o.out), o.store);
        state = join(join(join(state, o.h0), o.h1), o.h2);
        key |= memory(state, STATE_MEMORY) | memory(join(join(null, o.output), o.uncond), OUTPUT_MEMORY)
                | memory(join(null, o.noise), NOISE_MEMORY) | memory(join(join(null, o.mask), o.known), KNOWN_MEMORY)
                | memory(join(null, o.knownNoise), KNOWN_NOISE_MEMORY) | memory(join(null, o.preview), PREVIEW_MEMORY)
                | memory(join(null, o.input), INPUT_MEMORY);
        if (o.preview != null) {
            key |= PREVIEW;
        }
        if (o.input != null) {
            key |= o.inputCopies == 2 ? INPUT | INPUT_TWICE : INPUT;
        }
        if (o.mask != null) {
            key |= p.knownSigma != 0 ? MASK | KNOWN_NOISE : MASK;
        }
        return key;
    }

    /** Absent tensors count as F32, the type of noise drawn here. */
    private static long type(Tensor tensor, int shift) {
        return tensor == null ? 0 : (long) tensor.dtype().ordinal() << shift;
    }

    private static Memory join(Memory seen, Tensor tensor) {
        if (tensor == null) {
            return seen;
        }
        Memory memory = Memory.of(tensor);
        return seen == null || seen == memory ? memory : Memory.OTHER;
    }

    /** Absent tensors count as arrays of floats, the place of noise drawn here. */
    private static long memory(Memory memory, int shift) {
        return memory == null ? 0 : (long) memory.ordinal() << shift;
    }

    /** The class of the segments of a group, or null where they are of several. */
    private Class<? extends MemorySegment> segments(int shift) {
        return Memory.ALL[(int) (key >>> shift & 3)].type;
    }

    /** The class of a block's segment. */
    static Class<? extends MemorySegment> arrays() {
        return Memory.FLOATS.type;
    }

    Class<? extends MemorySegment> stateSegments() {
        return segments(STATE_MEMORY);
    }

    Class<? extends MemorySegment> outputSegments() {
        return segments(OUTPUT_MEMORY);
    }

    Class<? extends MemorySegment> noiseSegments() {
        return segments(NOISE_MEMORY);
    }

    Class<? extends MemorySegment> knownSegments() {
        return segments(KNOWN_MEMORY);
    }

    Class<? extends MemorySegment> knownNoiseSegments() {
        return segments(KNOWN_NOISE_MEMORY);
    }

    Class<? extends MemorySegment> previewSegments() {
        return segments(PREVIEW_MEMORY);
    }

    Class<? extends MemorySegment> inputSegments() {
        return segments(INPUT_MEMORY);
    }

    boolean has(int anyOf) {
        return (key & anyOf) != 0;
    }

    boolean preview() {
        return (key & PREVIEW) != 0;
    }

    boolean input() {
        return (key & INPUT) != 0;
    }

    boolean inputTwice() {
        return (key & INPUT_TWICE) != 0;
    }

    boolean mask() {
        return (key & MASK) != 0;
    }

    boolean knownNoise() {
        return (key & KNOWN_NOISE) != 0;
    }

    private DType dtype(int shift) {
        return DType.values()[(int) (key >>> shift & 3)];
    }

    DType state() {
        return dtype(STATE);
    }

    DType output() {
        return dtype(OUTPUT);
    }

    DType noise() {
        return dtype(NOISE);
    }

    DType previewType() {
        return dtype(PREVIEW_TYPE);
    }

    DType inputType() {
        return dtype(INPUT_TYPE);
    }

    DType knownNoiseType() {
        return dtype(KNOWN_NOISE_TYPE);
    }
}
