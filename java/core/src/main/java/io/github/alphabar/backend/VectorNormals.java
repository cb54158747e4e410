// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import io.github.alphabar.random.Elementary;
import io.github.alphabar.random.Normals;
import io.github.alphabar.random.Philox;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Normals} over lanes. Each 64-bit lane runs one Philox block with its words in the low halves, so that a product of two
 * words is one lane operation; the four words are then paired into 32-bit lanes for Box and Muller. Two passes over a block in the
 * first-level cache, because one loop with both needs more registers than there are. A template, see {@link HiddenCopy}: one copy
 * for each lane width. {@link Elementary} is repeated here lane for lane, not called.
 */
final class VectorNormals implements LaneKernels.Noise {
    private static final VectorSpecies<Float> FLOATS = species();
    private static final VectorSpecies<Long> LONGS = FLOATS.withLanes(long.class);
    private static final float[] LOW_INDEX = index(0);
    private static final float[] HIGH_INDEX = index(FLOATS.length());
    // Constants of their own, which an array's elements are not for the JIT: it would read them again for every vector.
    private static final float LOG0 = 2 * Elementary.LOG[0];
    private static final float LOG1 = 2 * Elementary.LOG[1];
    private static final float LOG2 = 2 * Elementary.LOG[2];
    private static final float LOG3 = 2 * Elementary.LOG[3];
    private static final float LOG4 = 2 * Elementary.LOG[4];
    private static final float LOG5 = 2 * Elementary.LOG[5];
    private static final float LOG6 = 2 * Elementary.LOG[6];
    private static final float LOG7 = 2 * Elementary.LOG[7];
    private static final float LOG8 = 2 * Elementary.LOG[8];
    private static final float SIN0 = Elementary.SIN[0];
    private static final float SIN1 = Elementary.SIN[1];
    private static final float SIN2 = Elementary.SIN[2];
    private static final float SIN3 = Elementary.SIN[3];
    private static final float COS0 = Elementary.COS[0];
    private static final float COS1 = Elementary.COS[1];
    private static final float COS2 = Elementary.COS[2];
    private static final int SIGN = 0x80000000;
    private static final long LOW = 0xffffffffL;

    private VectorNormals() {
    }

    /** Takes lanes of two vectors by turns; an index from n up names the second. */
    private static float[] index(int first) {
        int n = FLOATS.length();
        float[] lanes = new float[n];
        for (int i = 0; i < n; i++) {
            int pair = (first + i) >> 1;
            lanes[i] = (i & 1) == 0 ? pair : n + pair;
        }
        return lanes;
    }

    @SuppressWarnings("unchecked")
    private static VectorSpecies<Float> species() {
        VectorSpecies<Float> given = HiddenCopy.constant(MethodHandles.lookup(), VectorSpecies.class);
        return given == null ? FloatVector.SPECIES_PREFERRED : given;
    }

    static LaneKernels.Noise of(VectorSpecies<Float> species) {
        return (LaneKernels.Noise) HiddenCopy.of(MethodHandles.lookup(), species);
    }

    @Override
    public int fill(long seed, int draw, Normals.Stream stream, long from, float[] target, int offset, int count) {
        int whole = count - count % (4 * LONGS.length());
        words(seed, draw, stream.ordinal(), from >>> 2, target, offset, whole);
        boxMuller(target, offset, whole);
        return whole;
    }

    /**
     * The words of the blocks, where the noise will be: words 0 and 2 of each block in turn fill the even vectors and give radii,
     * words 1 and 3 the odd ones and give angles.
     */
    private static void words(long seed, int draw, int stream, long firstBlock, float[] target, int offset, int count) {
        int n = FLOATS.length();
        LongVector lanes = LongVector.zero(LONGS).addIndex(1);
        LongVector m0 = LongVector.broadcast(LONGS, Philox.M0 & LOW);
        LongVector m1 = LongVector.broadcast(LONGS, Philox.M1 & LOW);
        int k0 = (int) seed;
        int k1 = (int) (seed >>> 32);
        LongVector c3 = LongVector.broadcast(LONGS, stream);
        for (int done = 0; done < count; done += 2 * n) {
            LongVector block = lanes.add(firstBlock + (done >>> 2));
            LongVector c0 = block;
            LongVector c1 = block.lanewise(LSHR, 32);
            LongVector c2 = LongVector.broadcast(LONGS, draw);
            // All rounds written out: of a loop over them the JIT unrolls a part, and loses what it knows of the products.
            // Both factors are masked where the multiplication is, by which it knows it for one of 32-bit words. The upper
            // halves of the words are noise of their own until then.
            LongVector p0 = c0.and(LOW).mul(m0.and(LOW));
            LongVector p1 = c2.and(LOW).mul(m1.and(LOW));
            c0 = p1.lanewise(LSHR, 32).lanewise(XOR, c1).lanewise(XOR, k0 & LOW);
            c2 = p0.lanewise(LSHR, 32).lanewise(XOR, c3).lanewise(XOR, k1 & LOW);

            LongVector q0 = c0.and(LOW).mul(m0.and(LOW));
            LongVector q1 = c2.and(LOW).mul(m1.and(LOW));
            c0 = q1.lanewise(LSHR, 32).lanewise(XOR, p1).lanewise(XOR, k0 + Philox.W0 & LOW);
            c2 = q0.lanewise(LSHR, 32).lanewise(XOR, p0).lanewise(XOR, k1 + Philox.W1 & LOW);

            p0 = c0.and(LOW).mul(m0.and(LOW));
            p1 = c2.and(LOW).mul(m1.and(LOW));
            c0 = p1.lanewise(LSHR, 32).lanewise(XOR, q1).lanewise(XOR, k0 + 2 * Philox.W0 & LOW);
            c2 = p0.lanewise(LSHR, 32).lanewise(XOR, q0).lanewise(XOR, k1 + 2 * Philox.W1 & LOW);

            q0 = c0.and(LOW).mul(m0.and(LOW));
            q1 = c2.and(LOW).mul(m1.and(LOW));
            c0 = q1.lanewise(LSHR, 32).lanewise(XOR, p1).lanewise(XOR, k0 + 3 * Philox.W0 & LOW);
            c2 = q0.lanewise(LSHR, 32).lanewise(XOR, p0).lanewise(XOR, k1 + 3 * Philox.W1 & LOW);

            p0 = c0.and(LOW).mul(m0.and(LOW));
            p1 = c2.and(LOW).mul(m1.and(LOW));
            c0 = p1.lanewise(LSHR, 32).lanewise(XOR, q1).lanewise(XOR, k0 + 4 * Philox.W0 & LOW);
            c2 = p0.lanewise(LSHR, 32).lanewise(XOR, q0).lanewise(XOR, k1 + 4 * Philox.W1 & LOW);

            q0 = c0.and(LOW).mul(m0.and(LOW));
            q1 = c2.and(LOW).mul(m1.and(LOW));
            c0 = q1.lanewise(LSHR, 32).lanewise(XOR, p1).lanewise(XOR, k0 + 5 * Philox.W0 & LOW);
            c2 = q0.lanewise(LSHR, 32).lanewise(XOR, p0).lanewise(XOR, k1 + 5 * Philox.W1 & LOW);

            p0 = c0.and(LOW).mul(m0.and(LOW));
            p1 = c2.and(LOW).mul(m1.and(LOW));
            c0 = p1.lanewise(LSHR, 32).lanewise(XOR, q1).lanewise(XOR, k0 + 6 * Philox.W0 & LOW);
            c2 = p0.lanewise(LSHR, 32).lanewise(XOR, q0).lanewise(XOR, k1 + 6 * Philox.W1 & LOW);

            q0 = c0.and(LOW).mul(m0.and(LOW));
            q1 = c2.and(LOW).mul(m1.and(LOW));
            c0 = q1.lanewise(LSHR, 32).lanewise(XOR, p1).lanewise(XOR, k0 + 7 * Philox.W0 & LOW);
            c2 = q0.lanewise(LSHR, 32).lanewise(XOR, p0).lanewise(XOR, k1 + 7 * Philox.W1 & LOW);

            p0 = c0.and(LOW).mul(m0.and(LOW));
            p1 = c2.and(LOW).mul(m1.and(LOW));
            c0 = p1.lanewise(LSHR, 32).lanewise(XOR, q1).lanewise(XOR, k0 + 8 * Philox.W0 & LOW);
            c2 = p0.lanewise(LSHR, 32).lanewise(XOR, q0).lanewise(XOR, k1 + 8 * Philox.W1 & LOW);

            q0 = c0.and(LOW).mul(m0.and(LOW));
            q1 = c2.and(LOW).mul(m1.and(LOW));
            c0 = q1.lanewise(LSHR, 32).lanewise(XOR, p1).lanewise(XOR, k0 + 9 * Philox.W0 & LOW);
            c2 = q0.lanewise(LSHR, 32).lanewise(XOR, p0).lanewise(XOR, k1 + 9 * Philox.W1 & LOW);

            c0.and(LOW)
                    .or(c2.lanewise(LSHL, 32))
                    .reinterpretAsFloats()
                    .intoArray(target, offset + done);
            q1.and(LOW)
                    .or(q0.lanewise(LSHL, 32))
                    .reinterpretAsFloats()
                    .intoArray(target, offset + done + n);
        }
    }

    /** Box and Muller in place. */
    private static void boxMuller(float[] target, int offset, int count) {
        int n = FLOATS.length();
        FloatVector low = FloatVector.fromArray(FLOATS, LOW_INDEX, 0);
        FloatVector high = FloatVector.fromArray(FLOATS, HIGH_INDEX, 0);
        for (int done = 0; done < count; done += 2 * n) {
            IntVector radii = FloatVector.fromArray(FLOATS, target, offset + done).reinterpretAsInts();
            IntVector angles = FloatVector.fromArray(FLOATS, target, offset + done + n).reinterpretAsInts();

            // (v + 1/2) 2^-31: both ways are exact but for the addition's rounding.
            FloatVector u = ((FloatVector) radii.lanewise(LSHR, 1)
                    .convertShape(VectorOperators.I2F, FLOATS, 0))
                    .fma(FloatVector.broadcast(FLOATS, 0x1p-31f), FloatVector.broadcast(FLOATS, 0x1p-32f));
            IntVector bits = u.reinterpretAsInts();
            IntVector exponent = bits.sub(Elementary.SQRT_HALF_BITS).lanewise(VectorOperators.ASHR, 23);
            FloatVector f = bits.sub(exponent.lanewise(LSHL, 23)).reinterpretAsFloats().sub(1);
            FloatVector z = f.mul(f);
            // 2 log(u), in which every coefficient is doubled: exact. Its sign changes last, so that log(1) = 0 gives -0.
            FloatVector p = FloatVector.broadcast(FLOATS, LOG8);
            p = p.fma(f, FloatVector.broadcast(FLOATS, LOG7));
            p = p.fma(f, FloatVector.broadcast(FLOATS, LOG6));
            p = p.fma(f, FloatVector.broadcast(FLOATS, LOG5));
            p = p.fma(f, FloatVector.broadcast(FLOATS, LOG4));
            p = p.fma(f, FloatVector.broadcast(FLOATS, LOG3));
            p = p.fma(f, FloatVector.broadcast(FLOATS, LOG2));
            p = p.fma(f, FloatVector.broadcast(FLOATS, LOG1));
            p = p.fma(f, FloatVector.broadcast(FLOATS, LOG0));
            FloatVector tail = f.mul(z).mul(p).sub(z);
            FloatVector log = ((FloatVector) exponent.convertShape(VectorOperators.I2F, FLOATS, 0))
                    .fma(FloatVector.broadcast(FLOATS, 2 * Elementary.LN2),
                            f.fma(FloatVector.broadcast(FLOATS, 2), tail));
            FloatVector radius = log.neg().sqrt();

            // Bit 31 is the sign of the sine, bit 30 says which polynomial is which.
            IntVector turned = angles.add(0x20000000);
            FloatVector y = ((FloatVector) angles.lanewise(LSHL, 2)
                    .convertShape(VectorOperators.I2F, FLOATS, 0)).mul(Elementary.QUARTER_TURN);
            FloatVector w = y.mul(y);
            FloatVector s = FloatVector.broadcast(FLOATS, SIN3);
            s = s.fma(w, FloatVector.broadcast(FLOATS, SIN2));
            s = s.fma(w, FloatVector.broadcast(FLOATS, SIN1));
            s = s.fma(w, FloatVector.broadcast(FLOATS, SIN0));
            s = y.mul(w).fma(s, y);
            FloatVector c = FloatVector.broadcast(FLOATS, COS2);
            c = c.fma(w, FloatVector.broadcast(FLOATS, COS1));
            c = c.fma(w, FloatVector.broadcast(FLOATS, COS0));
            c = w.mul(w).fma(c, FloatVector.broadcast(FLOATS, -0.5f).fma(w, FloatVector.broadcast(FLOATS, 1)));

            VectorMask<Float> swap = turned.and(0x40000000).compare(VectorOperators.NE, 0).cast(FLOATS);
            FloatVector cos = radius.mul(c.blend(s, swap)
                    .reinterpretAsInts()
                    .lanewise(XOR, turned.add(0x40000000).and(SIGN))
                    .reinterpretAsFloats());
            FloatVector sin = radius.mul(s.blend(c, swap)
                    .reinterpretAsInts()
                    .lanewise(XOR, turned.and(SIGN))
                    .reinterpretAsFloats());
            low.selectFrom(cos, sin).intoArray(target, offset + done);
            high.selectFrom(cos, sin).intoArray(target, offset + done + n);
        }
    }
}
