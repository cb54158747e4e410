// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;

/**
 * What a vector kernel is specialised on: the terms of the row, the optional outputs, the width.
 *
 * @param key
 *            {@link StepParams#terms} and the optional operands, packed
 * @param lanes
 *            the width
 */
record RowKind(long key, Lanes lanes) {
    private static final long PREVIEW = 1L << 32;
    private static final long INPUT = 1L << 33;
    private static final long INPUT_TWICE = 1L << 34;
    private static final long MASK = 1L << 35;
    private static final long KNOWN_NOISE = 1L << 36;

    static long key(StepParams p, StepOperands o) {
        long key = p.terms;
        if (o.preview != null) {
            key |= PREVIEW;
        }
        if (o.input != null) {
            // A two-byte input is narrowed from one block of floats, as often as it is wanted.
            key |= o.inputCopies == 2 && o.input.dtype() == DType.F32 ? INPUT | INPUT_TWICE : INPUT;
        }
        if (o.mask != null) {
            key |= p.knownSigma != 0 ? MASK | KNOWN_NOISE : MASK;
        }
        return key;
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
}
