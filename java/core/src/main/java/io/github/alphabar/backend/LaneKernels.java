// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.random.Normals;
import io.github.alphabar.tensor.DType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.VectorSpecies;

/**
 * What kernels of one lane width share: passes over a block that stays in the first-level cache. Each pass is a loop of its own
 * and calls nothing but the Vector API: a helper that the JIT compiled before its caller is not inlined any more, and its vectors
 * become objects.
 *
 * @param species
 *            the lanes
 * @param types
 *            conversions
 * @param normals
 *            noise
 */
record LaneKernels(VectorSpecies<Float> species, Types types, Noise normals) {

    static LaneKernels of(VectorSpecies<Float> species) {
        return new LaneKernels(species, VectorTypes.of(species), VectorNormals.of(species));
    }

    /** Passes over whole vectors; counts are multiples of the lanes. */
    interface Types {
        /** Widens F16 or BF16 exactly; copies F32. */
        void widen(DType dtype, MemorySegment source, long start, Block target, int count);

        /** Rounds to F16 or BF16, once, to nearest even. */
        void narrow(DType dtype, Block source, MemorySegment target, long start, int count);

        /** Replaces v by exp(factor v + offset). */
        void exp(float factor, float offset, float[] v, int count);
    }

    /** Standard normals. */
    interface Noise {
        /** Fills whole vectors from an element divisible by 4; returns how many elements were written. */
        int fill(long seed, int draw, Normals.Stream stream, long from, float[] target, int offset, int count);
    }

    /** The widened operands of a block, one for each thread. */
    static final class Blocks {
        /** A first-level cache of 48 KiB holds the 7 operands of the longest row at this size; half or twice as much is slower. */
        static final int SIZE = 1024;

        final Block x = new Block();
        final Block output = new Block();
        final Block uncond = new Block();
        final Block variance = new Block();
        final Block h0 = new Block();
        final Block h1 = new Block();
        final Block h2 = new Block();
        final Block noise = new Block();
        final Block mask = new Block();
        final Block known = new Block();
        final Block knownNoise = new Block();
        final Block out = new Block();
        final Block store = new Block();
        final Block preview = new Block();
        final Block input = new Block();
    }

    /** One operand, widened, and the room its two-byte form passes through. */
    static final class Block {
        final float[] values = new float[Blocks.SIZE];
        final short[] halves = new short[Blocks.SIZE];
        final MemorySegment segment = MemorySegment.ofArray(values);
    }
}
