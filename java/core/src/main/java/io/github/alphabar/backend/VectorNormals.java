// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

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
        for (int done = 0; done < count; done += 2 * n) {
            LongVector block = lanes.add(firstBlock + (done >>> 2));
            LongVector c0 = block.and(LOW);
            LongVector c1 = block.lanewise(VectorOperators.LSHR, 32);
            LongVector c2 = LongVector.broadcast(LONGS, draw & LOW);
            LongVector c3 = LongVector.broadcast(LONGS, stream);
            int k0 = (int) seed;
            int k1 = (int) (seed >>> 32);
            for (int round = 0; round < Philox.ROUNDS; round++) {
                // Both factors masked here, where the multiplication is: the JIT then knows it for a product of 32-bit words.
                // The upper halves of the words are noise of their own until then.
                LongVector p0 = c0.and(LOW).mul(m0.and(LOW));
                LongVector p1 = c2.and(LOW).mul(m1.and(LOW));
                c0 = p1.lanewise(VectorOperators.LSHR, 32)
                        .lanewise(VectorOperators.XOR, c1)
                        .lanewise(VectorOperators.XOR, k0 & LOW);
                c2 = p0.lanewise(VectorOperators.LSHR, 32)
                        .lanewise(VectorOperators.XOR, c3)
                        .lanewise(VectorOperators.XOR, k1 & LOW);
                c1 = p1;
                c3 = p0;
                k0 += Philox.W0;
                k1 += Philox.W1;
            }
            c0.and(LOW)
                    .or(c2.lanewise(VectorOperators.LSHL, 32))
                    .reinterpretAsFloats()
                    .intoArray(target, offset + done);
            c1.and(LOW)
                    .or(c3.lanewise(VectorOperators.LSHL, 32))
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

            FloatVector u = ((FloatVector) radii.lanewise(VectorOperators.LSHR, 1)
                    .convertShape(VectorOperators.I2F, FLOATS, 0)).add(0.5f).mul(0x1p-31f);
            IntVector bits = u.reinterpretAsInts();
            IntVector exponent = bits.sub(Elementary.SQRT_HALF_BITS).lanewise(VectorOperators.ASHR, 23);
            FloatVector f = bits.sub(exponent.lanewise(VectorOperators.LSHL, 23)).reinterpretAsFloats().sub(1);
            FloatVector z = f.mul(f);
            FloatVector p = FloatVector.broadcast(FLOATS, Elementary.LOG[8]);
            p = p.fma(f, FloatVector.broadcast(FLOATS, Elementary.LOG[7]));
            p = p.fma(f, FloatVector.broadcast(FLOATS, Elementary.LOG[6]));
            p = p.fma(f, FloatVector.broadcast(FLOATS, Elementary.LOG[5]));
            p = p.fma(f, FloatVector.broadcast(FLOATS, Elementary.LOG[4]));
            p = p.fma(f, FloatVector.broadcast(FLOATS, Elementary.LOG[3]));
            p = p.fma(f, FloatVector.broadcast(FLOATS, Elementary.LOG[2]));
            p = p.fma(f, FloatVector.broadcast(FLOATS, Elementary.LOG[1]));
            p = p.fma(f, FloatVector.broadcast(FLOATS, Elementary.LOG[0]));
            FloatVector tail = FloatVector.broadcast(FLOATS, -0.5f).fma(z, f.mul(z).mul(p));
            FloatVector log = ((FloatVector) exponent.convertShape(VectorOperators.I2F, FLOATS, 0))
                    .fma(FloatVector.broadcast(FLOATS, Elementary.LN2), f.add(tail));
            FloatVector radius = log.mul(-2).sqrt();

            IntVector quadrant = angles.add(0x20000000).lanewise(VectorOperators.LSHR, 30);
            FloatVector y = ((FloatVector) angles.lanewise(VectorOperators.LSHL, 2)
                    .convertShape(VectorOperators.I2F, FLOATS, 0)).mul(Elementary.QUARTER_TURN);
            FloatVector w = y.mul(y);
            FloatVector s = FloatVector.broadcast(FLOATS, Elementary.SIN[3]);
            s = s.fma(w, FloatVector.broadcast(FLOATS, Elementary.SIN[2]));
            s = s.fma(w, FloatVector.broadcast(FLOATS, Elementary.SIN[1]));
            s = s.fma(w, FloatVector.broadcast(FLOATS, Elementary.SIN[0]));
            s = y.mul(w).fma(s, y);
            FloatVector c = FloatVector.broadcast(FLOATS, Elementary.COS[2]);
            c = c.fma(w, FloatVector.broadcast(FLOATS, Elementary.COS[1]));
            c = c.fma(w, FloatVector.broadcast(FLOATS, Elementary.COS[0]));
            c = w.mul(w).fma(c, FloatVector.broadcast(FLOATS, -0.5f).fma(w, FloatVector.broadcast(FLOATS, 1)));

            VectorMask<Float> swap = quadrant.and(1).compare(VectorOperators.NE, 0).cast(FLOATS);
            IntVector cosSign = quadrant.add(1).and(2).lanewise(VectorOperators.LSHL, 30);
            IntVector sinSign = quadrant.and(2).lanewise(VectorOperators.LSHL, 30);
            FloatVector cos = radius.mul(
                    c.blend(s, swap).reinterpretAsInts().lanewise(VectorOperators.XOR, cosSign).reinterpretAsFloats());
            FloatVector sin = radius.mul(
                    s.blend(c, swap).reinterpretAsInts().lanewise(VectorOperators.XOR, sinSign).reinterpretAsFloats());
            low.selectFrom(cos, sin).intoArray(target, offset + done);
            high.selectFrom(cos, sin).intoArray(target, offset + done + n);
        }
    }
}
