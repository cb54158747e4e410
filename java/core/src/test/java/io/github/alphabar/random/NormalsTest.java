// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.random;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.random.Normals.Stream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

/** All seeds are fixed: a bound here is met or not, for ever. It is derived all the same, so that another seed would do as well. */
class NormalsTest {
    private static final int N = 1_000_000;

    private static float[] draw(long seed, int draw, Stream stream, int count) {
        float[] z = new float[count];
        Normals.fill(seed, draw, stream, 0, z, 0, count);
        return z;
    }

    @Test
    void theFirstMomentsAreThoseOfTheStandardNormal() {
        double[] sums = new double[5];
        for (float z : draw(2026, 0, Stream.STEP, N)) {
            for (int k = 1; k <= 4; k++) {
                sums[k] += Math.pow(z, k);
            }
        }
        // The k-th sample moment has variance (E z^2k - (E z^k)^2) / N: 1, 2, 15 and 96 over N. Five standard deviations.
        double five = 5 / Math.sqrt(N);
        assertEquals(0, sums[1] / N, five);
        assertEquals(1, sums[2] / N, five * Math.sqrt(2));
        assertEquals(0, sums[3] / N, five * Math.sqrt(15));
        assertEquals(3, sums[4] / N, five * Math.sqrt(96));
    }

    @Test
    void theDistributionIsTheNormalByKolmogorovsDistance() {
        float[] z = draw(7, 3, Stream.INITIAL, N);
        Arrays.sort(z);
        double distance = 0;
        for (int i = 0; i < N; i++) {
            double phi = cumulative(z[i]);
            distance = Math.max(distance, Math.max(phi - (double) i / N, (i + 1.0) / N - phi));
        }
        // P(sqrt(N) D > 2.23) = 2 exp(-2 2.23^2) = 1e-4.
        assertTrue(distance * Math.sqrt(N) < 2.23, "sqrt(N) D = " + distance * Math.sqrt(N));
    }

    /** The series of Marsaglia 2004: 1/2 + phi(x) (x + x^3/3 + x^5/(3 5) + ...). */
    private static double cumulative(double x) {
        double sum = x;
        double term = x;
        for (int k = 3; Math.abs(term) > 1e-17; k += 2) {
            term *= x * x / k;
            sum += term;
        }
        return 0.5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    }

    @Test
    void theTailsReachBeyondFiveSigmaButNotBeyondTheirEnd() {
        int beyond = 0;
        int count = 16 * N;
        double largest = 0;
        float[] z = new float[N];
        for (int part = 0; part < 16; part++) {
            Normals.fill(99, part, Stream.STEP, 0, z, 0, N);
            for (float v : z) {
                double magnitude = Math.abs(v);
                largest = Math.max(largest, magnitude);
                beyond += magnitude > 5 ? 1 : 0;
            }
        }
        // P(|z| > 5) = 5.73e-7, so 9.2 are expected; a Poisson count of that mean is in [1, 24] but for 1 in 7,000.
        assertTrue(beyond >= 1 && beyond <= 24, beyond + " beyond 5 of " + count);
        assertTrue(largest <= 6.67, "largest " + largest);
    }

    @Test
    void valuesAreTheFormulaOfTheirWords() {
        float[] z = draw(5, 1, Stream.FORWARD, 40_000);
        int[] w = new int[4];
        for (int block = 0; block < z.length / 4; block++) {
            Philox.block(5, block, 0, 1, Stream.FORWARD.ordinal(), w);
            for (int pair = 0; pair < 2; pair++) {
                float u = ((float) (w[2 * pair] >>> 1) + 0.5f) * 0x1p-31f;
                double radius = Math.sqrt(-2 * StrictMath.log(u));
                double theta = 2 * Math.PI * (w[2 * pair + 1] & 0xffffffffL) * 0x1p-32;
                // The radius has a relative error of 2^-23 by log's 2 ulp and 2^-24 by the root, at most 1.2e-6 at 6.66. The
                // angle has 3 roundings of 2^-24 below pi/4 and the polynomials 2^-24: 1.3e-7, times 6.66 is 9e-7.
                assertEquals(radius * StrictMath.cos(theta), z[4 * block + 2 * pair], 2.1e-6);
                assertEquals(radius * StrictMath.sin(theta), z[4 * block + 2 * pair + 1], 2.1e-6);
            }
        }
    }

    @Test
    void seedsDrawsStreamsAndNeighboursAreUncorrelated() {
        int n = 1 << 18;
        float[] z = draw(11, 4, Stream.STEP, n);
        for (float[] other : new float[][] {draw(12, 4, Stream.STEP, n), draw(11L | 1L << 32, 4, Stream.STEP, n),
            draw(11, 5, Stream.STEP, n), draw(11, 4, Stream.INITIAL, n), draw(11, 4, Stream.INPAINT, n),
            draw(11, 4, Stream.FORWARD, n)}) {
            assertUncorrelated(z, other, 0);
        }
        // Box and Muller make pairs from one radius: lags 1 to 4, of the values and of their squares.
        for (int lag = 1; lag <= 4; lag++) {
            assertUncorrelated(z, z, lag);
        }
    }

    private static void assertUncorrelated(float[] a, float[] b, int lag) {
        double values = 0;
        double squares = 0;
        int n = a.length - lag;
        for (int i = 0; i < n; i++) {
            double x = a[i];
            double y = b[i + lag];
            values += x * y;
            squares += (x * x - 1) * (y * y - 1) / 2;
        }
        // Both means are of independent terms of variance 1 with mean 0: five standard deviations.
        double five = 5 / Math.sqrt(n);
        assertEquals(0, values / n, five, "values at lag " + lag);
        assertEquals(0, squares / n, five, "squares at lag " + lag);
    }

    @Test
    void anElementIsTheSameFromAnyStartOffsetAndCount() {
        float[] whole = draw(31, 2, Stream.STEP, 5_000);
        for (int seed = 0; seed < 2_000; seed++) {
            SplittableRandom r = new SplittableRandom(seed);
            int from = r.nextInt(4_000);
            int count = r.nextInt(40);
            int offset = r.nextInt(9);
            float[] part = new float[offset + count + 3];
            Arrays.fill(part, 42);
            Normals.fill(31, 2, Stream.STEP, from, part, offset, count);
            for (int i = 0; i < part.length; i++) {
                float want = i < offset || i >= offset + count ? 42 : whole[from + i - offset];
                assertEquals(Float.floatToRawIntBits(want), Float.floatToRawIntBits(part[i]),
                        "seed " + seed + ", element " + (from + i - offset));
            }
        }
    }

    @Test
    void elementsBeyondTwoToTheThirtyFourHaveTheHighCounterWord() {
        // Block 2^32 is the first whose number needs the second counter word.
        float[] z = new float[4];
        Normals.fill(3, 0, Stream.STEP, 1L << 34, z, 0, 4);
        int[] w = new int[4];
        Philox.block(3, 0, 1, 0, Stream.STEP.ordinal(), w);
        float u = ((float) (w[0] >>> 1) + 0.5f) * 0x1p-31f;
        double theta = 2 * Math.PI * (w[1] & 0xffffffffL) * 0x1p-32;
        assertEquals(Math.sqrt(-2 * StrictMath.log(u)) * StrictMath.cos(theta), z[0], 2.1e-6);
    }

    @Test
    void theBitsOfTheFirstValuesNeverChange() {
        float[] z = draw(0x0123456789abcdefL, 7, Stream.STEP, 65_536);
        ByteBuffer bytes = ByteBuffer.allocate(4 * z.length);
        for (float v : z) {
            bytes.putInt(Float.floatToRawIntBits(v));
        }
        CRC32 crc = new CRC32();
        crc.update(bytes.array());
        String first = "";
        for (int i = 0; i < 8; i++) {
            first += Integer.toHexString(Float.floatToRawIntBits(z[i])) + " ";
        }
        assertEquals("be44d272 3f437577 be8702f0 3f5b4415 bdc792a1 3fa061f8 bde1f37d 3d2bcf40 ffb4789d",
                first + Long.toHexString(crc.getValue()));
    }
}
