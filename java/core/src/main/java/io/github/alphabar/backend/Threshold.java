// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import java.util.Arrays;

/**
 * The threshold of one sample: the quantile of |p| with linear interpolation between order statistics, clamped to [1, maximum]
 * (Saharia et al. 2022, arXiv:2205.11487, section 2.3). Order statistics are exact, so any way of finding them gives the same bits;
 * here the bits of |p| are searched from the top, eleven at a time, and |p| is computed again in each pass instead of being kept.
 */
final class Threshold {
    private static final int RADIX_BITS = 11;

    private final long[] counts = new long[1 << RADIX_BITS];

    double of(StepParams p, StepOperands o, HostBackend.Chunk c) {
        boolean wide = o.out.dtype() == DType.F64;
        long n = o.elements;
        if (n == 0) {
            return 1;
        }
        // The position and the weight are taken in the type of the arithmetic, as the reference does.
        double position = wide ? p.quantile * (n - 1) : (float) p.quantile * (float) (n - 1);
        long below = rank(position, n);
        double weight = wide ? position - below : (float) position - (float) below;
        long bits = wide ? 63 : 31;
        long lowKey = select(p, o, c, wide, below, bits);
        if (lowKey < 0) {
            return Double.NaN;
        }
        double low = value(lowKey, wide);
        double s = low;
        if (weight > 0) {
            double high = value(select(p, o, c, wide, Math.min(below + 1, n - 1), bits), wide);
            s = wide ? lerp(low, high, weight) : lerp((float) low, (float) high, (float) weight);
        }
        double atLeastOne = s < 1 ? 1 : s;
        return atLeastOne > p.maximum ? p.maximum : atLeastOne;
    }

    /** The order statistic at or below a position; beyond 2^24 elements the float nearest to n - 1 may be n. */
    static long rank(double position, long n) {
        return Math.min((long) Math.floor(position), n - 1);
    }

    private static double lerp(double low, double high, double weight) {
        return weight < 0.5 ? Math.fma(weight, high - low, low) : Math.fma(weight - 1, high - low, high);
    }

    private static float lerp(float low, float high, float weight) {
        return weight < 0.5f ? Math.fma(weight, high - low, low) : Math.fma(weight - 1, high - low, high);
    }

    private static double value(long key, boolean wide) {
        return wide ? Double.longBitsToDouble(key) : Float.intBitsToFloat((int) key);
    }

    /** The bits of the rank-th smallest |p|, or -1 where a NaN is among them. */
    private long select(StepParams p, StepOperands o, HostBackend.Chunk c, boolean wide, long rank, long bits) {
        long prefix = 0;
        long left = rank;
        long shift = bits;
        long infinity = wide ? 0x7ff0000000000000L : 0x7f800000L;
        boolean first = true;
        while (shift > 0) {
            long digit = Math.min(RADIX_BITS, shift);
            shift -= digit;
            Arrays.fill(counts, 0);
            for (long e = 0; e < o.elements; e++) {
                long key = wide ? Double.doubleToRawLongBits(ScalarRow.predicted64(p, o, c, e)) & Long.MAX_VALUE
                        : Float.floatToRawIntBits(ScalarRow.predicted32(p, o, c, e)) & 0x7fffffffL;
                if (first && key > infinity) {
                    return -1;
                }
                if (first || key >>> (shift + digit) == prefix) {
                    counts[(int) (key >>> shift & ((1L << digit) - 1))]++;
                }
            }
            int bucket = 0;
            while (left >= counts[bucket]) {
                left -= counts[bucket++];
            }
            prefix = prefix << digit | bucket;
            first = false;
        }
        return prefix;
    }
}
