// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

/**
 * MT19937 (Matsumoto and Nishimura 1998, "Mersenne Twister", ACM TOMACS 8(1)), seeded as in their revision of 2002. Mutable; for
 * one thread.
 */
final class MersenneTwister {
    private static final int N = 624;
    private static final int M = 397;
    private static final int TWIST = 0x9908b0df;

    private final int[] words = new int[N];
    private int next = N;

    /** Seeds with 32 bits. */
    MersenneTwister(int seed) {
        words[0] = seed;
        for (int i = 1; i < N; i++) {
            words[i] = 1812433253 * (words[i - 1] ^ (words[i - 1] >>> 30)) + i;
        }
    }

    /** 32 uniform bits. */
    int nextInt() {
        if (next == N) {
            for (int i = 0; i < N; i++) {
                int joined = (words[i] & 0x80000000) | (words[(i + 1) % N] & 0x7fffffff);
                words[i] = words[(i + M) % N] ^ (joined >>> 1) ^ ((joined & 1) * TWIST);
            }
            next = 0;
        }
        int y = words[next++];
        y ^= y >>> 11;
        y ^= (y << 7) & 0x9d2c5680;
        y ^= (y << 15) & 0xefc60000;
        return y ^ (y >>> 18);
    }

    /** 64 uniform bits, the first word above the second, as in ATen. */
    long nextLong() {
        long high = nextInt();
        return (high << 32) | (nextInt() & 0xffffffffL);
    }
}
