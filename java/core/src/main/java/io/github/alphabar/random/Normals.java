// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.random;

import io.github.alphabar.tensor.HostTensor;

/**
 * Standard normal noise. Element e of a draw comes from the Philox block
 *
 * <pre>
 * key     = the sample's 64-bit seed
 * counter = (low word of e div 4, high word of e div 4, draw, stream)
 * </pre>
 *
 * whose words (r0, r1, r2, r3) give elements 4b .. 4b + 3 by Box and Muller: with {@code u = (float(r0 >>> 1) + 1/2) 2^-31} and
 * {@code theta = 2 pi r1 / 2^32} they are {@code sqrt(-2 log u) cos theta} and {@code sqrt(-2 log u) sin theta}, and likewise from
 * r2 and r3. The largest magnitude is {@code sqrt(64 log 2)}, about 6.66 standard deviations.
 *
 * <p>
 * Nothing else enters: not the batch, the device, the thread or the order of calls.
 */
public final class Normals {

    /** What a draw is for; part of the counter, so that different uses of a seed never share noise. */
    public enum Stream {
        /** The initial sample. */
        INITIAL,
        /** The noise of a step; the draw is its absolute row number. */
        STEP,
        /** The noise of the known region when inpainting. */
        INPAINT,
        /** Forward noising q(x_t | x_0). */
        FORWARD
    }

    private Normals() {
    }

    /**
     * Fills a range of one sample's draw.
     *
     * @param seed
     *            the sample's seed
     * @param draw
     *            the draw
     * @param stream
     *            what it is for
     * @param from
     *            the first element, at least 0
     * @param target
     *            receives the noise
     * @param offset
     *            where in the target
     * @param count
     *            how many elements
     */
    public static void fill(long seed, int draw, Stream stream, long from, float[] target, int offset, int count) {
        fill(seed, draw, stream, from, HostTensor.of(target), offset, count, new int[4], new float[4]);
    }

    /**
     * The same without allocating.
     *
     * @param seed
     *            the sample's seed
     * @param draw
     *            the draw
     * @param stream
     *            what it is for
     * @param from
     *            the first element, at least 0
     * @param target
     *            receives the noise
     * @param offset
     *            where in the target
     * @param count
     *            how many elements
     * @param words
     *            room for 4 words
     * @param four
     *            room for 4 floats
     */
    public static void fill(long seed, int draw, Stream stream, long from, HostTensor target, int offset, int count,
            int[] words,
            float[] four) {
        long element = from;
        int done = 0;
        while (done < count) {
            long block = element >>> 2;
            Philox.block(seed, (int) block, (int) (block >>> 32), draw, stream.ordinal(), words);
            pair(words[0], words[1], four, 0);
            pair(words[2], words[3], four, 2);
            for (int lane = (int) (element & 3); lane < 4 && done < count; lane++) {
                target.setFloat(offset + done++, four[lane]);
                element++;
            }
        }
    }

    private static void pair(int r0, int r1, float[] out, int at) {
        float u = ((float) (r0 >>> 1) + 0.5f) * 0x1p-31f;
        float radius = (float) Math.sqrt(-2 * Elementary.log(u));
        int quadrant = (r1 + 0x20000000) >>> 30;
        float y = (float) (r1 << 2) * Elementary.QUARTER_TURN;
        float s = Elementary.sinQuarter(y);
        float c = Elementary.cosQuarter(y);
        boolean swap = (quadrant & 1) != 0;
        float cos = swap ? s : c;
        float sin = swap ? c : s;
        out[at] = radius * flip(cos, (quadrant + 1) & 2);
        out[at + 1] = radius * flip(sin, quadrant & 2);
    }

    /** Changes the sign where bit is 2. */
    private static float flip(float value, int bit) {
        return Float.intBitsToFloat(Float.floatToRawIntBits(value) ^ (bit << 30));
    }
}
