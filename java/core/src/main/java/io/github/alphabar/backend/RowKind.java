// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.Tensor;
import jdk.incubator.vector.VectorSpecies;

/**
 * What a vector kernel is specialised on: the terms of the row, the optional outputs, the type of each tensor, the lane width.
 *
 * @param key
 *            {@link StepParams#terms}, optional operands and types, packed
 * @param species
 *            the lanes
 */
record RowKind(long key, VectorSpecies<Float> species) {
    private static final long PREVIEW = 1L << 32;
    private static final long INPUT = 1L << 33;
    private static final long INPUT_TWICE = 1L << 34;
    private static final long MASK = 1L << 35;
    private static final long KNOWN_NOISE = 1L << 36;
    private static final int STATE = 40;
    private static final int OUTPUT = 42;
    private static final int NOISE = 44;
    private static final int PREVIEW_TYPE = 46;
    private static final int INPUT_TYPE = 48;
    private static final int KNOWN_NOISE_TYPE = 50;

    static long key(StepParams p, StepOperands o) {
        long key = p.terms;
        key |= type(o.out, STATE) | type(o.output, OUTPUT) | type(o.noise, NOISE) | type(o.preview, PREVIEW_TYPE)
                | type(o.input, INPUT_TYPE) | type(o.knownNoise, KNOWN_NOISE_TYPE);
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
