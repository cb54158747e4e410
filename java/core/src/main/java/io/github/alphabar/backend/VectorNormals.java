// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.backend.HostBackend.NoiseKernel;
import io.github.alphabar.random.Elementary;
import io.github.alphabar.random.Normals;
import io.github.alphabar.random.Philox;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import java.util.stream.LongStream;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Normals} over lanes, in two passes over a block that stays in the first-level cache. Philox runs one block in each 64-bit
 * lane, its words in the low halves, so that a product of two words is one lane operation; Box and Muller then takes the words as
 * 32-bit lanes. Each pass is one method without calls of its own: the JIT compiles a small hot method by itself first, and then
 * refuses to inline it, which would put every vector on the heap.
 */
final class VectorNormals implements NoiseKernel {
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final long LOW = 0xffffffffL;
    private static final Lanes LANES = Template.data(MethodHandles.lookup(), Lanes.class, Lanes.PREFERRED);
    private static final VectorSpecies<Float> FLOATS = LANES.floats();
    private static final VectorSpecies<Integer> INTS = LANES.ints();
    private static final VectorSpecies<Long> LONGS = LANES.longs();
    private static final long[] INDEX = LongStream.range(0, LONGS.length()).toArray();
    /** Two-vector shuffles that interleave: an index from -n up names the second vector. */
    private static final VectorShuffle<Float> LOW_HALVES = interleave(0);
    private static final VectorShuffle<Float> HIGH_HALVES = interleave(FLOATS.length());

    private VectorNormals() {
    }

    static NoiseKernel of(Lanes lanes) {
        return (NoiseKernel) Template.copy(MethodHandles.lookup(), lanes);
    }

    private static VectorShuffle<Float> interleave(int first) {
        int n = FLOATS.length();
        int[] source = new int[n];
        for (int i = 0; i < n; i++) {
            int pair = (first + i) >> 1;
            source[i] = (i & 1) == 0 ? pair : pair - n;
        }
        return VectorShuffle.fromValues(FLOATS, source);
    }

    @Override
    public int fill(long seed, int draw, Normals.Stream stream, long from, MemorySegment target, long offset, int count,
            MemorySegment words) {
        int whole = count - count % (4 * LONGS.length());
        philox(seed, draw, stream.ordinal(), from >>> 2, words, whole);
        boxMuller(words, target, offset, whole);
        return whole;
    }

    /** Words 0 and 2 of the blocks in turn at the even vectors (they give radii), words 1 and 3 at the odd ones (angles). */
    private static void philox(long seed, int draw, int stream, long firstBlock, MemorySegment words, int count) {
        int n = INTS.length();
        LongVector lane = LongVector.fromArray(LONGS, INDEX, 0);
        LongVector m0 = LongVector.broadcast(LONGS, Philox.M0 & LOW);
        LongVector m1 = LongVector.broadcast(LONGS, Philox.M1 & LOW);
        for (int done = 0; done < count; done += 2 * n) {
            LongVector block = lane.add(firstBlock + (done >>> 2));
            LongVector c0 = block.and(LOW);
            LongVector c1 = block.lanewise(VectorOperators.LSHR, 32);
            LongVector c2 = LongVector.broadcast(LONGS, draw & LOW);
            LongVector c3 = LongVector.broadcast(LONGS, stream);
            int k0 = (int) seed;
            int k1 = (int) (seed >>> 32);
            for (int round = 0; round < Philox.ROUNDS; round++) {
                // Both factors masked where the multiplication is: the JIT then knows it for a product of 32-bit words.
                LongVector p0 = c0.and(LOW).mul(m0.and(LOW));
                LongVector p1 = c2.and(LOW).mul(m1.and(LOW));
                c0 = p1.lanewise(VectorOperators.LSHR, 32)
                        .lanewise(VectorOperators.XOR, c1)
                        .lanewise(VectorOperators.XOR, k0 & LOW);
                c2 = p0.lanewise(VectorOperators.LSHR, 32)
                        .lanewise(VectorOperators.XOR, c3)
                        .lanewise(VectorOperators.XOR, k1 & LOW);
                c1 = p1.and(LOW);
                c3 = p0.and(LOW);
                k0 += Philox.W0;
                k1 += Philox.W1;
            }
            c0.or(c2.lanewise(VectorOperators.LSHL, 32)).reinterpretAsInts().intoMemorySegment(words, 4L * done, ORDER);
            c1.or(c3.lanewise(VectorOperators.LSHL, 32))
                    .reinterpretAsInts()
                    .intoMemorySegment(words, 4L * (done + n), ORDER);
        }
    }

    /** {@link Normals} states the formula; {@link Elementary} the polynomials, repeated here term by term. */
    private static void boxMuller(MemorySegment words, MemorySegment target, long offset, int count) {
        int n = INTS.length();
        for (int done = 0; done < count; done += 2 * n) {
            IntVector radii = IntVector.fromMemorySegment(INTS, words, 4L * done, ORDER);
            FloatVector u = ((FloatVector) radii.lanewise(VectorOperators.LSHR, 1)
                    .convertShape(VectorOperators.I2F, FLOATS, 0))
                    .add(0.5f)
                    .mul(0x1p-31f);
            IntVector bits = u.reinterpretAsInts();
            IntVector exponent = bits.sub(Elementary.SQRT_HALF_BITS).lanewise(VectorOperators.ASHR, 23);
            FloatVector f = bits.sub(exponent.lanewise(VectorOperators.LSHL, 23)).reinterpretAsFloats().sub(1);
            FloatVector z = f.mul(f);
            FloatVector p = f.lanewise(VectorOperators.FMA, Elementary.LOG_8, Elementary.LOG_7);
            p = p.lanewise(VectorOperators.FMA, f, FloatVector.broadcast(FLOATS, Elementary.LOG_6));
            p = p.lanewise(VectorOperators.FMA, f, FloatVector.broadcast(FLOATS, Elementary.LOG_5));
            p = p.lanewise(VectorOperators.FMA, f, FloatVector.broadcast(FLOATS, Elementary.LOG_4));
            p = p.lanewise(VectorOperators.FMA, f, FloatVector.broadcast(FLOATS, Elementary.LOG_3));
            p = p.lanewise(VectorOperators.FMA, f, FloatVector.broadcast(FLOATS, Elementary.LOG_2));
            p = p.lanewise(VectorOperators.FMA, f, FloatVector.broadcast(FLOATS, Elementary.LOG_1));
            p = p.lanewise(VectorOperators.FMA, f, FloatVector.broadcast(FLOATS, Elementary.LOG_0));
            FloatVector y = z.lanewise(VectorOperators.FMA, FloatVector.broadcast(FLOATS, -0.5f), f.mul(z).mul(p));
            FloatVector e = (FloatVector) exponent.convertShape(VectorOperators.I2F, FLOATS, 0);
            FloatVector log = e.lanewise(VectorOperators.FMA, FloatVector.broadcast(FLOATS, Elementary.LN2), f.add(y));
            FloatVector radius = log.mul(-2).sqrt();

            IntVector angles = IntVector.fromMemorySegment(INTS, words, 4L * (done + n), ORDER);
            IntVector quadrant = angles.add(0x20000000).lanewise(VectorOperators.LSHR, 30);
            FloatVector t = ((FloatVector) angles.lanewise(VectorOperators.LSHL, 2)
                    .convertShape(VectorOperators.I2F, FLOATS, 0))
                    .mul(Elementary.QUARTER_TURN);
            FloatVector w = t.mul(t);
            FloatVector s = w.lanewise(VectorOperators.FMA, Elementary.SIN_3, Elementary.SIN_2);
            s = s.lanewise(VectorOperators.FMA, w, FloatVector.broadcast(FLOATS, Elementary.SIN_1));
            s = s.lanewise(VectorOperators.FMA, w, FloatVector.broadcast(FLOATS, Elementary.SIN_0));
            s = t.mul(w).lanewise(VectorOperators.FMA, s, t);
            FloatVector c = w.lanewise(VectorOperators.FMA, Elementary.COS_2, Elementary.COS_1);
            c = c.lanewise(VectorOperators.FMA, w, FloatVector.broadcast(FLOATS, Elementary.COS_0));
            c = w.mul(w).lanewise(VectorOperators.FMA, c, w.lanewise(VectorOperators.FMA, -0.5f, 1f));

            VectorMask<Float> swap = quadrant.and(1).compare(VectorOperators.NE, 0).cast(FLOATS);
            IntVector cosSign = quadrant.add(1).and(2).lanewise(VectorOperators.LSHL, 30);
            IntVector sinSign = quadrant.and(2).lanewise(VectorOperators.LSHL, 30);
            FloatVector cos = radius
                    .mul(c.blend(s, swap)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.XOR, cosSign)
                            .reinterpretAsFloats());
            FloatVector sin = radius
                    .mul(s.blend(c, swap)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.XOR, sinSign)
                            .reinterpretAsFloats());
            cos.rearrange(LOW_HALVES, sin).intoMemorySegment(target, offset + 4L * done, ORDER);
            cos.rearrange(HIGH_HALVES, sin).intoMemorySegment(target, offset + 4L * (done + n), ORDER);
        }
    }
}
