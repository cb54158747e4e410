// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.random;

/**
 * Philox4x32-10, the counter-based generator of Salmon et al. 2011 ("Parallel random numbers: as easy as 1, 2, 3"): a pure
 * function from a 64-bit key and a 128-bit counter to four 32-bit words.
 */
public final class Philox {
    /** Multiplier of the first word. */
    public static final int M0 = 0xD2511F53;
    /** Multiplier of the third word. */
    public static final int M1 = 0xCD9E8D57;
    /** Key increment, the golden ratio. */
    public static final int W0 = 0x9E3779B9;
    /** Key increment, sqrt(3) - 1. */
    public static final int W1 = 0xBB67AE85;
    /** Rounds. */
    public static final int ROUNDS = 10;

    private Philox() {
    }

    /**
     * Computes one block.
     *
     * @param key
     *            the 64-bit key, its low word first in the algorithm
     * @param c0
     *            counter word 0
     * @param c1
     *            counter word 1
     * @param c2
     *            counter word 2
     * @param c3
     *            counter word 3
     * @param block
     *            receives four words
     */
    public static void block(long key, int c0, int c1, int c2, int c3, int[] block) {
        int k0 = (int) key;
        int k1 = (int) (key >>> 32);
        for (int round = 0; round < ROUNDS; round++) {
            long p0 = (M0 & 0xffffffffL) * (c0 & 0xffffffffL);
            long p1 = (M1 & 0xffffffffL) * (c2 & 0xffffffffL);
            c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
            c1 = (int) p1;
            c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
            c3 = (int) p0;
            k0 += W0;
            k1 += W1;
        }
        block[0] = c0;
        block[1] = c1;
        block[2] = c2;
        block[3] = c3;
    }
}
