// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import io.github.alphabar.tensor.DType;
import java.util.Optional;

/** The element types of safetensors files, by the names that the files use. Elements are little-endian. */
public enum ElementType {
    /** IEEE binary64. */
    F64(8),
    /** IEEE binary32. */
    F32(4),
    /** IEEE binary16. */
    F16(2),
    /** bfloat16. */
    BF16(2),
    /** 64-bit signed integer. */
    I64(8),
    /** 32-bit signed integer. */
    I32(4),
    /** 16-bit signed integer. */
    I16(2),
    /** 8-bit signed integer. */
    I8(1),
    /** 64-bit unsigned integer. */
    U64(8),
    /** 32-bit unsigned integer. */
    U32(4),
    /** 16-bit unsigned integer. */
    U16(2),
    /** 8-bit unsigned integer. */
    U8(1),
    /** A byte, 0 or 1. */
    BOOL(1),
    /** 8-bit float with 4 bits of exponent; its bytes only. */
    F8_E4M3(1),
    /** 8-bit float with 5 bits of exponent; its bytes only. */
    F8_E5M2(1);

    private final int bytes;

    ElementType(int bytes) {
        this.bytes = bytes;
    }

    /**
     * The size of an element.
     *
     * @return 1, 2, 4 or 8
     */
    public int bytes() {
        return bytes;
    }

    /**
     * The tensor type with the same elements.
     *
     * @return a type for F64, F32, F16 and BF16; empty for all others
     */
    public Optional<DType> dtype() {
        return switch (this) {
            case F64 -> Optional.of(DType.F64);
            case F32 -> Optional.of(DType.F32);
            case F16 -> Optional.of(DType.F16);
            case BF16 -> Optional.of(DType.BF16);
            default -> Optional.empty();
        };
    }

    /**
     * The type of a tensor's elements.
     *
     * @param dtype
     *            the tensor type
     * @return the type of the same name
     */
    public static ElementType of(DType dtype) {
        return valueOf(dtype.name());
    }

    /** The lowest value of an integer type; 0 where this is not one. */
    long lowest() {
        return switch (this) {
            case I64, U64 -> Long.MIN_VALUE;
            case I32 -> Integer.MIN_VALUE;
            case I16 -> Short.MIN_VALUE;
            case I8 -> Byte.MIN_VALUE;
            default -> 0;
        };
    }

    /** The highest value of an integer type; -1 where this is not one. U64 holds any 64 bits. */
    long highest() {
        return switch (this) {
            case I64, U64 -> Long.MAX_VALUE;
            case I32 -> Integer.MAX_VALUE;
            case I16 -> Short.MAX_VALUE;
            case I8 -> Byte.MAX_VALUE;
            case U32 -> 0xffffffffL;
            case U16 -> 0xffff;
            case U8 -> 0xff;
            case BOOL -> 1;
            default -> -1;
        };
    }
}
