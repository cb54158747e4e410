// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.backend.LaneKernels.Block;
import io.github.alphabar.random.Elementary;
import io.github.alphabar.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Conversions and the exponential over lanes; every conversion is exact or rounds once to nearest even, as the scalar ones do. A
 * template, see {@link HiddenCopy}: one copy for each lane width.
 */
final class VectorTypes implements LaneKernels.Types {
    private static final VectorSpecies<Float> FLOATS = species();
    private static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
    private static final VectorSpecies<Short> SHORTS = VectorSpecies.of(short.class,
            VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    private VectorTypes() {
    }

    @SuppressWarnings("unchecked")
    private static VectorSpecies<Float> species() {
        VectorSpecies<Float> given = HiddenCopy.constant(MethodHandles.lookup(), VectorSpecies.class);
        return given == null ? FloatVector.SPECIES_PREFERRED : given;
    }

    static LaneKernels.Types of(VectorSpecies<Float> species) {
        return (LaneKernels.Types) HiddenCopy.of(MethodHandles.lookup(), species);
    }

    @Override
    public void widen(DType dtype, MemorySegment source, long start, Block target, int count) {
        switch (dtype) {
            case F16 -> {
                MemorySegment.copy(source, SHORT, start << 1, target.halves, 0, count);
                widenF16(target.halves, target.values, count);
            }
            case BF16 -> {
                MemorySegment.copy(source, SHORT, start << 1, target.halves, 0, count);
                widenBf16(target.halves, target.values, count);
            }
            default -> MemorySegment.copy(source, ValueLayout.JAVA_FLOAT_UNALIGNED, start << 2, target.values, 0,
                    count);
        }
    }

    @Override
    public void narrow(DType dtype, Block source, MemorySegment target, long start, int count) {
        if (dtype == DType.F16) {
            narrowF16(source.values, source.halves, count);
        } else {
            narrowBf16(source.values, source.halves, count);
        }
        MemorySegment.copy(source.halves, 0, target, SHORT, start << 1, count);
    }

    private static void widenBf16(short[] source, float[] target, int count) {
        for (int k = 0; k < count; k += FLOATS.length()) {
            IntVector bits = (IntVector) ShortVector.fromArray(SHORTS, source, k)
                    .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
            bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(target, k);
        }
    }

    /** A plain loop: the JIT vectorises it with the processor's own conversion, which the Vector API does not offer. */
    private static void widenF16(short[] source, float[] target, int count) {
        for (int k = 0; k < count; k++) {
            target[k] = Float.float16ToFloat(source[k]);
        }
    }

    private static void narrowF16(float[] source, short[] target, int count) {
        for (int k = 0; k < count; k++) {
            target[k] = Float.floatToFloat16(source[k]);
        }
    }

    private static void narrowBf16(float[] source, short[] target, int count) {
        for (int k = 0; k < count; k += FLOATS.length()) {
            IntVector bits = FloatVector.fromArray(FLOATS, source, k).reinterpretAsInts();
            IntVector high = bits.lanewise(VectorOperators.LSHR, 16);
            IntVector rounded = bits.add(0x7fff).add(high.and(1)).lanewise(VectorOperators.LSHR, 16);
            IntVector value = rounded.blend(high.or(0x40),
                    bits.and(0x7fffffff).compare(VectorOperators.GT, 0x7f800000));
            ((ShortVector) value.convertShape(VectorOperators.I2S, SHORTS, 0)).intoArray(target, k);
        }
    }

    /** {@link Elementary#exp(float)} over lanes. */
    @Override
    public void exp(float factor, float offset, float[] values, int count) {
        for (int k = 0; k < count; k += FLOATS.length()) {
            FloatVector x = FloatVector.broadcast(FLOATS, factor)
                    .fma(FloatVector.fromArray(FLOATS, values, k), FloatVector.broadcast(FLOATS, offset));
            FloatVector v = x.blend(Elementary.EXP_LOWEST, x.compare(VectorOperators.LT, Elementary.EXP_LOWEST));
            v = v.blend(Elementary.EXP_HIGHEST, x.compare(VectorOperators.GT, Elementary.EXP_HIGHEST));
            FloatVector rounder = FloatVector.broadcast(FLOATS, Elementary.ROUNDER);
            FloatVector n = v.fma(FloatVector.broadcast(FLOATS, Elementary.LOG2_E), rounder).sub(rounder);
            FloatVector minus = n.neg();
            FloatVector r = minus.fma(FloatVector.broadcast(FLOATS, Elementary.LN2_HIGH), v);
            r = minus.fma(FloatVector.broadcast(FLOATS, Elementary.LN2_LOW), r);
            FloatVector p = FloatVector.broadcast(FLOATS, Elementary.EXP[4]);
            p = p.fma(r, FloatVector.broadcast(FLOATS, Elementary.EXP[3]));
            p = p.fma(r, FloatVector.broadcast(FLOATS, Elementary.EXP[2]));
            p = p.fma(r, FloatVector.broadcast(FLOATS, Elementary.EXP[1]));
            p = p.fma(r, FloatVector.broadcast(FLOATS, Elementary.EXP[0]));
            FloatVector e = r.mul(r).fma(p, r).add(1);
            IntVector exponent = ((IntVector) n.convertShape(VectorOperators.F2I, INTS, 0)).add(127)
                    .lanewise(VectorOperators.LSHL, 23);
            e.mul(exponent.reinterpretAsFloats()).intoArray(values, k);
        }
    }
}
