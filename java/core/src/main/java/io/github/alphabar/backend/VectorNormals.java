// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.random.Elementary;
import io.github.alphabar.random.Normals;
import io.github.alphabar.random.Philox;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Normals} over lanes. Each 64-bit lane runs one Philox block with its words in the low halves, so that a product of two
 * words is one lane operation; the four words are then paired into 32-bit lanes for Box and Muller.
 */
final class VectorNormals {
    private static final long LOW = 0xffffffffL;

    private final VectorSpecies<Float> floats;
    private final VectorSpecies<Integer> ints;
    private final VectorSpecies<Long> longs;
    private final long[] lane;
    private final VectorShuffle<Float> lowHalves;
    private final VectorShuffle<Float> highHalves;

    private VectorNormals(VectorSpecies<Float> floats) {
        this.floats = floats;
        this.ints = floats.withLanes(int.class);
        this.longs = floats.withLanes(long.class);
        this.lane = new long[longs.length()];
        for (int i = 0; i < lane.length; i++) {
            lane[i] = i;
        }
        int n = floats.length();
        // Two-vector shuffles: an index from -n up names the second vector.
        lowHalves = VectorShuffle.fromOp(floats, i -> (i & 1) == 0 ? i >> 1 : (i >> 1) - n);
        highHalves = VectorShuffle.fromOp(floats, i -> (i & 1) == 0 ? (n + i) >> 1 : ((n + i) >> 1) - n);
    }

    static VectorNormals of(VectorSpecies<Float> floats) {
        return new VectorNormals(floats);
    }

    /** Fills whole vectors from an element divisible by 4; returns how many elements were written. */
    int fill(long seed, int draw, Normals.Stream stream, long from, float[] target, int offset, int count) {
        int blocks = longs.length();
        int stride = 4 * blocks;
        int n = floats.length();
        int done = 0;
        LongVector lanes = LongVector.fromArray(longs, lane, 0);
        for (; done + stride <= count; done += stride) {
            LongVector block = lanes.add((from + done) >>> 2);
            LongVector c0 = block.and(LOW);
            LongVector c1 = block.lanewise(VectorOperators.LSHR, 32);
            LongVector c2 = LongVector.broadcast(longs, draw & LOW);
            LongVector c3 = LongVector.broadcast(longs, stream.ordinal());
            int k0 = (int) seed;
            int k1 = (int) (seed >>> 32);
            for (int round = 0; round < Philox.ROUNDS; round++) {
                // Both factors masked here, where the multiplication is: the JIT then knows it for a product of 32-bit words.
                LongVector p0 = c0.and(LOW).mul(LongVector.broadcast(longs, Philox.M0 & LOW).and(LOW));
                LongVector p1 = c2.and(LOW).mul(LongVector.broadcast(longs, Philox.M1 & LOW).and(LOW));
                LongVector n0 = p1.lanewise(VectorOperators.LSHR, 32)
                        .lanewise(VectorOperators.XOR, c1)
                        .lanewise(VectorOperators.XOR, k0 & LOW);
                LongVector n2 = p0.lanewise(VectorOperators.LSHR, 32)
                        .lanewise(VectorOperators.XOR, c3)
                        .lanewise(VectorOperators.XOR, k1 & LOW);
                c1 = p1.and(LOW);
                c3 = p0.and(LOW);
                c0 = n0;
                c2 = n2;
                k0 += Philox.W0;
                k1 += Philox.W1;
            }
            // 32-bit lanes: words 0 and 2 of each block give the radii, words 1 and 3 the angles.
            IntVector radii = c0.or(c2.lanewise(VectorOperators.LSHL, 32)).reinterpretAsInts();
            IntVector angles = c1.or(c3.lanewise(VectorOperators.LSHL, 32)).reinterpretAsInts();
            FloatVector radius = radius(radii);
            IntVector quadrant = angles.add(0x20000000).lanewise(VectorOperators.LSHR, 30);
            FloatVector y = ((FloatVector) angles.lanewise(VectorOperators.LSHL, 2)
                    .convertShape(VectorOperators.I2F, floats, 0))
                    .mul(Elementary.QUARTER_TURN);
            FloatVector s = sin(y);
            FloatVector c = cos(y);
            var swap = quadrant.and(1).compare(VectorOperators.NE, 0).cast(floats);
            FloatVector cos = radius.mul(flip(c.blend(s, swap), quadrant.add(1)));
            FloatVector sin = radius.mul(flip(s.blend(c, swap), quadrant));
            cos.rearrange(lowHalves, sin).intoArray(target, offset + done);
            cos.rearrange(highHalves, sin).intoArray(target, offset + done + n);
        }
        return done;
    }

    private FloatVector all(float value) {
        return FloatVector.broadcast(floats, value);
    }

    private FloatVector radius(IntVector r0) {
        FloatVector u = ((FloatVector) r0.lanewise(VectorOperators.LSHR, 1)
                .convertShape(VectorOperators.I2F, floats, 0)).add(0.5f)
                .mul(0x1p-31f);
        return log(u).mul(-2).sqrt();
    }

    private FloatVector log(FloatVector u) {
        IntVector bits = u.reinterpretAsInts();
        IntVector exponent = bits.sub(Elementary.SQRT_HALF_BITS).lanewise(VectorOperators.ASHR, 23);
        FloatVector f = bits.sub(exponent.lanewise(VectorOperators.LSHL, 23)).reinterpretAsFloats().sub(1);
        FloatVector z = f.mul(f);
        FloatVector p = all(Elementary.LOG[8]);
        for (int i = 7; i >= 0; i--) {
            p = p.fma(f, all(Elementary.LOG[i]));
        }
        FloatVector y = all(-0.5f).fma(z, f.mul(z).mul(p));
        FloatVector e = (FloatVector) exponent.convertShape(VectorOperators.I2F, floats, 0);
        return e.fma(all(Elementary.LN2), f.add(y));
    }

    private FloatVector sin(FloatVector y) {
        FloatVector z = y.mul(y);
        FloatVector p = all(Elementary.SIN[3]).fma(z, all(Elementary.SIN[2]))
                .fma(z, all(Elementary.SIN[1]))
                .fma(z,
                        all(Elementary.SIN[0]));
        return y.mul(z).fma(p, y);
    }

    private FloatVector cos(FloatVector y) {
        FloatVector z = y.mul(y);
        FloatVector p = all(Elementary.COS[2]).fma(z, all(Elementary.COS[1])).fma(z, all(Elementary.COS[0]));
        return z.mul(z).fma(p, all(-0.5f).fma(z, all(1)));
    }

    private static FloatVector flip(FloatVector value, IntVector bit) {
        return value.reinterpretAsInts()
                .lanewise(VectorOperators.XOR, bit.and(2).lanewise(VectorOperators.LSHL, 30))
                .reinterpretAsFloats();
    }
}
