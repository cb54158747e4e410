// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.random;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

/** The bounds the Javadoc states, over every so-manieth float of the range; the strides are odd, so that all low bits occur. */
class ElementaryTest {

    private interface FloatFunction {
        float at(float x);
    }

    /** The largest error over floats from bits to bits, in ulp of the exact value's float. */
    private static double worst(int from, int to, int stride, FloatFunction f, DoubleUnaryOperator exact) {
        double worst = 0;
        for (long bits = from; bits <= to; bits += stride) {
            float x = Float.intBitsToFloat((int) bits);
            double want = exact.applyAsDouble(x);
            double error = Math.abs(f.at(x) - want) / Math.ulp((float) want);
            worst = Math.max(worst, Double.isNaN(error) ? Double.POSITIVE_INFINITY : error);
        }
        return worst;
    }

    private static int bits(float x) {
        return Float.floatToRawIntBits(x);
    }

    private static void assertWithin(double bound, double worst) {
        assertTrue(worst <= bound, worst + " ulp, more than " + bound);
    }

    @Test
    void logIsWithinTwoUlpOfEveryNormalNumber() {
        // 2^31 positive floats, every 127th: 17 million.
        assertWithin(2, worst(bits(Float.MIN_NORMAL), bits(Float.MAX_VALUE), 127, Elementary::log, StrictMath::log));
    }

    @Test
    void logIsWithinTwoUlpWhereNormalsUseIt() {
        // [1/2, 1] in full: here the result goes to 0 and an absolute error would show.
        assertWithin(2, worst(bits(0.5f), bits(1), 1, Elementary::log, StrictMath::log));
        assertEquals(0, Elementary.log(1));
    }

    @Test
    void sinIsWithinOneUlpOfAQuarterTurn() {
        assertWithin(1,
                worst(bits(0x1p-40f), bits((float) (Math.PI / 4)), 97, Elementary::sinQuarter, StrictMath::sin));
    }

    @Test
    void cosIsWithinOneAndAHalfUlpOfAQuarterTurn() {
        assertWithin(1.5, worst(0, bits((float) (Math.PI / 4)), 97, Elementary::cosQuarter, StrictMath::cos));
    }

    @Test
    void sinIsOddAndCosIsEven() {
        for (int seed = 0; seed < 10_000; seed++) {
            float y = (float) new SplittableRandom(seed).nextDouble(-Math.PI / 4, Math.PI / 4);
            assertEquals(-Elementary.sinQuarter(y), Elementary.sinQuarter(-y), "seed " + seed);
            assertEquals(Elementary.cosQuarter(y), Elementary.cosQuarter(-y), "seed " + seed);
        }
    }

    @Test
    void expIsWithinTwoUlpBetweenItsEnds() {
        assertWithin(2, worst(0, bits(Elementary.EXP_HIGHEST), 127, Elementary::exp, StrictMath::exp));
        assertWithin(2, worst(bits(-0f), bits(Elementary.EXP_LOWEST), 127, Elementary::exp, StrictMath::exp));
    }

    @Test
    void expSaturatesAndKeepsNaN() {
        assertEquals(Elementary.exp(Elementary.EXP_HIGHEST), Elementary.exp(Float.POSITIVE_INFINITY));
        assertEquals(Elementary.exp(Elementary.EXP_LOWEST), Elementary.exp(Float.NEGATIVE_INFINITY));
        assertTrue(Elementary.exp(Float.NEGATIVE_INFINITY) >= Float.MIN_NORMAL);
        assertTrue(Elementary.exp(Float.POSITIVE_INFINITY) < Float.POSITIVE_INFINITY);
        assertTrue(Float.isNaN(Elementary.exp(Float.NaN)));
        assertEquals(1, Elementary.exp(0f));
        assertEquals(Elementary.exp(700.0), Elementary.exp(Double.POSITIVE_INFINITY));
        assertEquals(Elementary.exp(-700.0), Elementary.exp(Double.NEGATIVE_INFINITY));
        assertTrue(Double.isNaN(Elementary.exp(Double.NaN)));
        assertEquals(1, Elementary.exp(0.0));
    }

    @Test
    void expInDoubleIsWithinTwoUlp() {
        double worst = 0;
        for (int seed = 0; seed < 1_000_000; seed++) {
            // Uniform in x, and as many with |x| small at every scale.
            SplittableRandom r = new SplittableRandom(seed);
            double x = seed % 2 == 0 ? r.nextDouble(-700, 700) : r.nextDouble(-1, 1) * Math.scalb(1.0, -r.nextInt(60));
            double want = StrictMath.exp(x);
            worst = Math.max(worst, Math.abs(Elementary.exp(x) - want) / Math.ulp(want));
        }
        // StrictMath's own error is below 1 ulp; the next test asks an exact reference.
        assertWithin(2, worst);
    }

    @Test
    void expInDoubleIsWithinTwoUlpOfTheExactSeries() {
        MathContext digits = new MathContext(60);
        for (int seed = 0; seed < 2_000; seed++) {
            double x = new SplittableRandom(seed).nextDouble(-700, 700);
            // exp(x) = exp(x / 2^12)^(2^12): 25 terms of x / 4096 < 0.18 are good to 1e-43.
            BigDecimal small = new BigDecimal(x).divide(new BigDecimal(4096), digits);
            BigDecimal sum = BigDecimal.ONE;
            BigDecimal term = BigDecimal.ONE;
            for (int k = 1; k <= 25; k++) {
                term = term.multiply(small, digits).divide(new BigDecimal(k), digits);
                sum = sum.add(term, digits);
            }
            BigDecimal exact = sum.pow(4096, digits);
            double got = Elementary.exp(x);
            double error = new BigDecimal(got).subtract(exact).abs().doubleValue() / Math.ulp(exact.doubleValue());
            assertTrue(error <= 2, "seed " + seed + ": exp(" + x + ") is " + got + ", " + error + " ulp off");
        }
    }
}
