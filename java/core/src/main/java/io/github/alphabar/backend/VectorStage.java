// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.random.Elementary;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Blocks of F16 and BF16 to and from floats, and learned standard deviations. Each conversion is exact or rounds once to nearest
 * even, as the scalar ones do. Counts are whole vectors. Every loop is one method without calls of its own, for the reason given at
 * {@link VectorNormals}.
 */
final class VectorStage implements VectorBackend.StageKernel {
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    /** 2^112: moves the exponent of a binary16, read as binary32 bits, to where it belongs; exact for subnormals too. */
    private static final float F16_SCALE = 0x1p112f;
    private static final Lanes LANES = Template.data(MethodHandles.lookup(), Lanes.class, Lanes.PREFERRED);
    private static final VectorSpecies<Float> FLOATS = LANES.floats();
    private static final VectorSpecies<Integer> INTS = LANES.ints();
    private static final VectorSpecies<Short> SHORTS = LANES.shorts();

    private VectorStage() {
    }

    static VectorBackend.StageKernel of(Lanes lanes) {
        return (VectorBackend.StageKernel) Template.copy(MethodHandles.lookup(), lanes);
    }

    @Override
    public void widen(HostTensor source, long start, MemorySegment target, int count) {
        MemorySegment segment = source.segment();
        switch (source.dtype()) {
            case F16 -> widenF16(segment, start << 1, target, count);
            case BF16 -> widenBf16(segment, start << 1, target, count);
            default -> copy(segment, start << 2, target, count);
        }
    }

    @Override
    public void narrow(MemorySegment source, HostTensor target, long start, int count) {
        MemorySegment segment = target.segment();
        if (target.dtype() == DType.F16) {
            narrowF16(source, segment, start << 1, count);
        } else {
            narrowBf16(source, segment, start << 1, count);
        }
    }

    private static void copy(MemorySegment segment, long start, MemorySegment target, int count) {
        for (int i = 0; i < count; i += FLOATS.length()) {
            FloatVector.fromMemorySegment(FLOATS, segment, start + 4L * i, ORDER)
                    .intoMemorySegment(target, 4L * i, ORDER);
        }
    }

    private static void widenBf16(MemorySegment segment, long start, MemorySegment target, int count) {
        for (int i = 0; i < count; i += FLOATS.length()) {
            IntVector h = (IntVector) ShortVector.fromMemorySegment(SHORTS, segment, start + 2L * i, ORDER)
                    .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
            h.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoMemorySegment(target, 4L * i, ORDER);
        }
    }

    private static void widenF16(MemorySegment segment, long start, MemorySegment target, int count) {
        for (int i = 0; i < count; i += FLOATS.length()) {
            IntVector h = (IntVector) ShortVector.fromMemorySegment(SHORTS, segment, start + 2L * i, ORDER)
                    .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
            IntVector magnitude = h.and(0x7fff);
            IntVector moved = magnitude.lanewise(VectorOperators.LSHL, 13);
            IntVector finite = moved.reinterpretAsFloats().mul(F16_SCALE).reinterpretAsInts();
            IntVector value = finite.blend(moved.or(0x7f800000), magnitude.compare(VectorOperators.GE, 0x7c00));
            value.or(h.and(0x8000).lanewise(VectorOperators.LSHL, 16))
                    .reinterpretAsFloats()
                    .intoMemorySegment(target, 4L * i, ORDER);
        }
    }

    private static void narrowBf16(MemorySegment source, MemorySegment segment, long start, int count) {
        for (int i = 0; i < count; i += FLOATS.length()) {
            IntVector bits = FloatVector.fromMemorySegment(FLOATS, source, 4L * i, ORDER).reinterpretAsInts();
            IntVector high = bits.lanewise(VectorOperators.LSHR, 16);
            IntVector rounded = bits.add(0x7fff).add(high.and(1)).lanewise(VectorOperators.LSHR, 16);
            IntVector value = rounded.blend(high.or(0x40),
                    bits.and(0x7fffffff).compare(VectorOperators.GT, 0x7f800000));
            ((ShortVector) value.convertShape(VectorOperators.I2S, SHORTS, 0)).intoMemorySegment(segment,
                    start + 2L * i, ORDER);
        }
    }

    private static void narrowF16(MemorySegment source, MemorySegment segment, long start, int count) {
        for (int i = 0; i < count; i += FLOATS.length()) {
            IntVector bits = FloatVector.fromMemorySegment(FLOATS, source, 4L * i, ORDER).reinterpretAsInts();
            IntVector magnitude = bits.and(0x7fffffff);
            // Normal: subtract the exponents' difference and round by adding just under half, plus the last kept bit.
            IntVector odd = magnitude.lanewise(VectorOperators.LSHR, 13).and(1);
            IntVector normal = magnitude.add(0xc8000fff).add(odd).lanewise(VectorOperators.LSHR, 13);
            // Subnormal: the ulp of 1/2 is the smallest binary16, so the addition itself rounds.
            IntVector small = magnitude.reinterpretAsFloats().add(0.5f).reinterpretAsInts().sub(0x3f000000);
            IntVector value = normal.blend(small, magnitude.compare(VectorOperators.LT, 0x38800000));
            // From 65520 up everything rounds to infinity.
            value = value.blend(0x7c00, magnitude.compare(VectorOperators.GE, 0x477ff000));
            value = value.blend(0x7e00, magnitude.compare(VectorOperators.GT, 0x7f800000));
            value = value.or(bits.lanewise(VectorOperators.LSHR, 16).and(0x8000));
            ((ShortVector) value.convertShape(VectorOperators.I2S, SHORTS, 0)).intoMemorySegment(segment,
                    start + 2L * i, ORDER);
        }
    }

    @Override
    public void sqrt(MemorySegment values, int count) {
        for (int i = 0; i < count; i += FLOATS.length()) {
            FloatVector.fromMemorySegment(FLOATS, values, 4L * i, ORDER)
                    .sqrt()
                    .intoMemorySegment(values, 4L * i, ORDER);
        }
    }

    /** {@link Elementary#exp(float)} of a line. */
    @Override
    public void expLine(MemorySegment values, int count, float factor, float offset) {
        for (int i = 0; i < count; i += FLOATS.length()) {
            FloatVector x = FloatVector.fromMemorySegment(FLOATS, values, 4L * i, ORDER)
                    .lanewise(VectorOperators.FMA, factor, offset);
            FloatVector v = x.blend(Elementary.EXP_LOWEST, x.compare(VectorOperators.LT, Elementary.EXP_LOWEST));
            v = v.blend(Elementary.EXP_HIGHEST, x.compare(VectorOperators.GT, Elementary.EXP_HIGHEST));
            FloatVector n = v.lanewise(VectorOperators.FMA, Elementary.LOG2_E, Elementary.ROUNDER)
                    .sub(Elementary.ROUNDER);
            FloatVector minus = n.neg();
            FloatVector r = minus.lanewise(VectorOperators.FMA, FloatVector.broadcast(FLOATS, Elementary.LN2_HIGH), v);
            r = minus.lanewise(VectorOperators.FMA, FloatVector.broadcast(FLOATS, Elementary.LN2_LOW), r);
            FloatVector p = r.lanewise(VectorOperators.FMA, Elementary.EXP_4, Elementary.EXP_3);
            p = p.lanewise(VectorOperators.FMA, r, FloatVector.broadcast(FLOATS, Elementary.EXP_2));
            p = p.lanewise(VectorOperators.FMA, r, FloatVector.broadcast(FLOATS, Elementary.EXP_1));
            p = p.lanewise(VectorOperators.FMA, r, FloatVector.broadcast(FLOATS, Elementary.EXP_0));
            FloatVector e = r.mul(r).lanewise(VectorOperators.FMA, p, r).add(1);
            IntVector exponent = ((IntVector) n.convertShape(VectorOperators.F2I, INTS, 0)).add(127)
                    .lanewise(VectorOperators.LSHL, 23);
            e.mul(exponent.reinterpretAsFloats()).intoMemorySegment(values, 4L * i, ORDER);
        }
    }
}
