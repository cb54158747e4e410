// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.random.Elementary;
import io.github.alphabar.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Loads, stores and the exponential over lanes; every conversion is exact or rounds once to nearest even, as the scalar ones do. */
final class VectorTypes {
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    /** 2^112: moves the exponent of a binary16, read as binary32 bits, to where it belongs; exact for subnormals too. */
    private static final float F16_SCALE = 0x1p112f;

    private VectorTypes() {
    }

    static FloatVector load(VectorSpecies<Float> floats, DType dtype, MemorySegment segment, long start, int k) {
        if (dtype == DType.F32) {
            return FloatVector.fromMemorySegment(floats, segment, (start + k) << 2, ORDER);
        }
        IntVector bits = (IntVector) ShortVector.fromMemorySegment(shorts(floats), segment, (start + k) << 1, ORDER)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, ints(floats), 0);
        return dtype == DType.BF16 ? bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats() : widenF16(bits);
    }

    static void store(VectorSpecies<Float> floats, DType dtype, MemorySegment segment, long start, int k,
            FloatVector v) {
        if (dtype == DType.F32) {
            v.intoMemorySegment(segment, (start + k) << 2, ORDER);
            return;
        }
        IntVector bits = dtype == DType.BF16 ? narrowBf16(v) : narrowF16(v);
        ((ShortVector) bits.convertShape(VectorOperators.I2S, shorts(floats), 0)).intoMemorySegment(segment,
                (start + k) << 1,
                ORDER);
    }

    private static VectorSpecies<Integer> ints(VectorSpecies<Float> floats) {
        return floats.withLanes(int.class);
    }

    private static VectorSpecies<Short> shorts(VectorSpecies<Float> floats) {
        return VectorSpecies.of(short.class, VectorShape.forBitSize(floats.vectorBitSize() / 2));
    }

    private static FloatVector widenF16(IntVector h) {
        IntVector magnitude = h.and(0x7fff);
        FloatVector finite = magnitude.lanewise(VectorOperators.LSHL, 13).reinterpretAsFloats().mul(F16_SCALE);
        IntVector bits = finite.reinterpretAsInts();
        VectorMask<Integer> special = magnitude.compare(VectorOperators.GE, 0x7c00);
        IntVector value = bits.blend(magnitude.lanewise(VectorOperators.LSHL, 13).or(0x7f800000), special);
        return value.or(h.and(0x8000).lanewise(VectorOperators.LSHL, 16)).reinterpretAsFloats();
    }

    private static IntVector narrowF16(FloatVector v) {
        IntVector bits = v.reinterpretAsInts();
        IntVector magnitude = bits.and(0x7fffffff);
        // Normal: subtract the exponents' difference and round by adding just under half, plus the last kept bit.
        IntVector odd = magnitude.lanewise(VectorOperators.LSHR, 13).and(1);
        IntVector normal = magnitude.add(0xc8000fff).add(odd).lanewise(VectorOperators.LSHR, 13).min(0x7c00);
        // Subnormal: the ulp of 1/2 is the smallest binary16, so the addition itself rounds.
        IntVector small = magnitude.reinterpretAsFloats().add(0.5f).reinterpretAsInts().sub(0x3f000000);
        IntVector value = normal.blend(small, magnitude.compare(VectorOperators.LT, 0x38800000));
        // From 65520 up everything rounds to infinity; the sum above may overflow there.
        value = value.blend(0x7c00, magnitude.compare(VectorOperators.GE, 0x477ff000));
        value = value.blend(0x7e00, magnitude.compare(VectorOperators.GT, 0x7f800000));
        return value.or(bits.lanewise(VectorOperators.LSHR, 16).and(0x8000));
    }

    private static IntVector narrowBf16(FloatVector v) {
        IntVector bits = v.reinterpretAsInts();
        IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
        IntVector rounded = bits.add(0x7fff).add(odd).lanewise(VectorOperators.LSHR, 16);
        IntVector quiet = bits.lanewise(VectorOperators.LSHR, 16).or(0x40);
        return rounded.blend(quiet, bits.and(0x7fffffff).compare(VectorOperators.GT, 0x7f800000));
    }

    /** {@link Elementary#exp(float)} over lanes. */
    static FloatVector exp(VectorSpecies<Float> floats, FloatVector x) {
        FloatVector v = x.blend(Elementary.EXP_LOWEST, x.compare(VectorOperators.LT, Elementary.EXP_LOWEST));
        v = v.blend(Elementary.EXP_HIGHEST, x.compare(VectorOperators.GT, Elementary.EXP_HIGHEST));
        FloatVector rounder = FloatVector.broadcast(floats, Elementary.ROUNDER);
        FloatVector n = v.fma(FloatVector.broadcast(floats, Elementary.LOG2_E), rounder).sub(rounder);
        FloatVector minus = n.neg();
        FloatVector r = minus.fma(FloatVector.broadcast(floats, Elementary.LN2_HIGH), v);
        r = minus.fma(FloatVector.broadcast(floats, Elementary.LN2_LOW), r);
        FloatVector p = FloatVector.broadcast(floats, Elementary.EXP[4]);
        for (int i = 3; i >= 0; i--) {
            p = p.fma(r, FloatVector.broadcast(floats, Elementary.EXP[i]));
        }
        FloatVector e = r.mul(r).fma(p, r).add(1);
        IntVector exponent = ((IntVector) n.convertShape(VectorOperators.F2I, ints(floats), 0)).add(127)
                .lanewise(VectorOperators.LSHL, 23);
        return e.mul(exponent.reinterpretAsFloats());
    }
}
