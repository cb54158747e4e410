// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.tensor;

/**
 * Element types. F16 and BF16 are storage formats: values are widened exactly, computed in binary32 and rounded once, to nearest
 * even. F64 is for research and parity on the host backends.
 */
public enum DType {
    /** IEEE binary32. */
    F32(4),
    /** IEEE binary16. */
    F16(2),
    /** bfloat16: the upper half of a binary32. */
    BF16(2),
    /** IEEE binary64. */
    F64(8);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /**
     * The size of an element.
     *
     * @return 2, 4 or 8
     */
    public int bytes() {
        return bytes;
    }

    /**
     * A type by its name.
     *
     * @param name
     *            {@code f32}, {@code f16}, {@code bf16} or {@code f64}, in any case
     * @return the type
     */
    public static DType parse(String name) {
        try {
            return valueOf(name.strip().toUpperCase(java.util.Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("Unknown dtype '" + name + "'; the dtypes are f32, f16, bf16 and f64.",
                    e);
        }
    }

    /**
     * Widens a bfloat16.
     *
     * @param bits
     *            its 16 bits
     * @return the same value
     */
    public static float bf16ToFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /**
     * Rounds to bfloat16, to nearest even; a NaN stays a quiet NaN.
     *
     * @param value
     *            any float
     * @return 16 bits
     */
    public static short floatToBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if ((bits & 0x7fffffff) > 0x7f800000) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }
}
