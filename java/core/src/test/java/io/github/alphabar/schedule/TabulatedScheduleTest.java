// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class TabulatedScheduleTest {
    /** Half the distance of doubles at 1: the bound of one rounding. */
    private static final double U = 0x1p-53;
    private static final long SEED = 7301;

    /** alphaBar at six times, recorded from the double tables of diffusers 0.40.0.dev0, commit 58eb52c0. */
    static Stream<Arguments> recorded() {
        return Stream.of(
                Arguments.of("linear", TabulatedSchedule.ddpmLinear(),
                        new double[] {0.9999, 0.997806572507846, 0.5214230306185275, 0.07779665836502389,
                            0.0033001583615694255, 4.035829765375676e-05}),
                Arguments.of("scaled_linear, Stable Diffusion", TabulatedSchedule.stableDiffusion(),
                        new double[] {0.99915, 0.9904313091142859, 0.6737926252333216, 0.2763326838229747,
                            0.05616984800293731, 0.004660098513077241}),
                Arguments.of("scaled_linear, DDPM range",
                        TabulatedSchedule.ofBetas(Betas.scaledLinear(1000, 1e-4, 0.02)),
                        new double[] {0.9999, 0.9987493400364414, 0.8200102359123052, 0.33127457951725564,
                            0.038149657375526835, 0.000733412459580815}),
                Arguments.of("squaredcos_cap_v2", TabulatedSchedule.ofBetas(Betas.cosine(1000)),
                        new double[] {0.999958715775178, 0.9992789037733427, 0.8458879864968832, 0.49228517244880304,
                            0.14317864642609812, 2.4287669070348567e-09}),
                Arguments.of("sigmoid", TabulatedSchedule.ofBetas(Betas.sigmoid(1000, 1e-4, 0.02)),
                        new double[] {0.9998507947991829, 0.9983261901423058, 0.9027989162246408, 0.29888762784675893,
                            0.005622918576075452, 3.968181990533208e-05}),
                Arguments.of("scaled_linear, zero terminal SNR", TabulatedSchedule.stableDiffusion().zeroTerminalSnr(),
                        new double[] {0.99915, 0.9897937330126813, 0.6524570153414772, 0.24101878275731586,
                            0.03279911812874219, 0}),
                Arguments.of("linear, zero terminal SNR", TabulatedSchedule.ddpmLinear().zeroTerminalSnr(),
                        new double[] {0.9999000000000002, 0.9977931947008823, 0.5188605367916812, 0.07524621570432673,
                            0.002644105922212106, 0}));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("recorded")
    void theTablesAreThePublishedOnes(String name, TabulatedSchedule schedule, double[] alphaBar) {
        int[] times = {0, 10, 250, 500, 750, 999};
        for (int i = 0; i < times.length; i++) {
            // Two orders of up to 1000 roundings: 1000 U on the product there, and as much on the sum of logarithms here,
            // whose absolute error is its relative one times |log alphaBar| < 20.
            assertEquals(alphaBar[i], schedule.alphaBar(times[i]), 2e-12 * alphaBar[i], name + " at " + times[i]);
        }
    }

    @Test
    void theEndsHaveTheNoiseRatiosOfTheField() {
        TabulatedSchedule sd = TabulatedSchedule.stableDiffusion();
        // To the digits usually quoted. The 0.0291675 often seen is that of a float32 table; exactly it is sqrt(b / (1 - b)).
        assertEquals(14.6146, sd.level(999).noiseRatio(), 5e-5);
        assertEquals(Math.sqrt(0.00085 / 0.99915), sd.level(0).noiseRatio(), 8 * U * 0.03);
        assertEquals(0.0291675, sd.level(0).noiseRatio(), 5e-7);
        assertEquals(4.0358e-5, TabulatedSchedule.ddpmLinear().alphaBar(999), 5e-10);
        // The capped cosine's last beta leaves a ratio two orders above that of linear betas.
        assertEquals(20291, TabulatedSchedule.ofBetas(Betas.cosine(1000)).level(999).noiseRatio(), 1);
    }

    static Stream<Arguments> betas() {
        return Stream.of(Arguments.of("linear", Betas.linear(1000, 1e-4, 0.02)),
                Arguments.of("scaled linear", Betas.scaledLinear(1000, 0.00085, 0.012)),
                Arguments.of("cosine", Betas.cosine(1000)), Arguments.of("tiny", Betas.linear(50, 1e-12, 1e-9)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("betas")
    void bothVariancesKeepTheirPrecisionAtBothEnds(String name, double[] betas) {
        TabulatedSchedule schedule = TabulatedSchedule.ofBetas(betas);
        MathContext digits = new MathContext(60);
        BigDecimal product = BigDecimal.ONE;
        for (int i = 0; i < betas.length; i++) {
            product = product.multiply(BigDecimal.ONE.subtract(new BigDecimal(betas[i])), digits);
            double alphaBar = product.doubleValue();
            double variance = BigDecimal.ONE.subtract(product).doubleValue();
            Level level = schedule.level(i);
            // i additions of terms of one sign, each logarithm within an ulp: the sum S is within (i + 3) U of itself.
            double sum = (i + 3) * U;
            // alphaBar = e^S turns a relative error of S into |S| times as much; exp, sqrt and the square here add 5 U.
            assertEquals(alphaBar, level.alpha() * level.alpha(),
                    (sum * -Math.log(alphaBar) + 5 * U) * alphaBar, name + ", alpha at " + i);
            // 1 - e^S has a condition number below 1; expm1, sqrt and the square here add 5 U.
            assertEquals(variance, level.sigma() * level.sigma(), (sum + 5 * U) * variance, name + ", sigma at " + i);
            assertEquals(0.5 * Math.log(alphaBar / variance), level.lambda(),
                    sum * (1 - Math.log(alphaBar)) + 8 * U * (1 + Math.abs(level.lambda())), name + ", lambda at " + i);
        }
    }

    static Stream<Arguments> schedules() {
        return Stream.of(Arguments.of("linear", TabulatedSchedule.ddpmLinear()),
                Arguments.of("Stable Diffusion", TabulatedSchedule.stableDiffusion()),
                Arguments.of("cosine", TabulatedSchedule.ofBetas(Betas.cosine(1000))),
                Arguments.of("zero terminal SNR", TabulatedSchedule.stableDiffusion().zeroTerminalSnr()),
                Arguments.of("short", TabulatedSchedule.ofAlphaBar(0.9, 0.5, 0.01)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("schedules")
    void timeAtLambdaInvertsTheLevelAtAnyTime(String name, TabulatedSchedule schedule) {
        SplittableRandom random = new SplittableRandom(SEED);
        double last = schedule.noisiestTime();
        boolean terminal = schedule.level(last).alpha() == 0;
        for (int k = 0; k < 5000; k++) {
            // Past the last but one level of a zero-SNR table log(alpha) has no line to lie on.
            double t = k <= last ? k : random.nextDouble() * (terminal ? last - 1 : last);
            Level level = schedule.level(t);
            double back = schedule.timeAtLambda(level.lambda());
            if (level.alpha() == 0) {
                assertEquals(t, back, name);
                continue;
            }
            // log alphaBar is recovered to 4 U (1 + |lambda|) absolute; the slope of its line at t turns that into time.
            int i = (int) Math.min(t, last - (terminal ? 2 : 1));
            double slope = Math.log(schedule.alphaBar(i) / schedule.alphaBar(i + 1));
            double tolerance = 2 * U * (1 + t) + 16 * U * (1 + Math.abs(level.lambda()) * (1 + level.sigma())) / slope;
            assertEquals(t, back, tolerance, name + ", seed " + SEED + ", t=" + t);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("schedules")
    void noiseGrowsWithTimeBetweenTheTableEntriesToo(String name, TabulatedSchedule schedule) {
        double last = schedule.noisiestTime();
        double before = Double.POSITIVE_INFINITY;
        for (int k = 0; k <= 4 * last; k++) {
            Level level = schedule.level(k / 4.0);
            assertTrue(level.lambda() < before || level.alpha() == 0, name + " at " + k / 4.0);
            assertEquals(1, Math.hypot(level.alpha(), level.sigma()), 4 * U, name + " at " + k / 4.0);
            before = level.lambda();
        }
    }

    @Test
    void logAlphaIsLinearBetweenTheTableEntries() {
        TabulatedSchedule schedule = TabulatedSchedule.stableDiffusion();
        SplittableRandom random = new SplittableRandom(SEED);
        for (int k = 0; k < 1000; k++) {
            int i = random.nextInt(999);
            double f = random.nextDouble();
            double expected = (1 - f) * Math.log(schedule.level(i).alpha())
                    + f * Math.log(schedule.level(i + 1).alpha());
            // Logarithms up to 2.7; forming i + f rounds f by 2^-44, worth up to 0.006 of slope.
            assertEquals(expected, Math.log(schedule.level(i + f).alpha()), 4e-15, "seed " + SEED + ", t=" + (i + f));
        }
    }

    @Test
    void lambdasBeyondTheEndsAreClamped() {
        TabulatedSchedule schedule = TabulatedSchedule.stableDiffusion();
        assertEquals(0, schedule.timeAtLambda(100));
        assertEquals(0, schedule.timeAtLambda(Double.POSITIVE_INFINITY));
        assertEquals(999, schedule.timeAtLambda(-100));
        assertEquals(999, schedule.timeAtLambda(Double.NEGATIVE_INFINITY));
    }

    @Test
    void zeroTerminalSnrKeepsTheFirstLevelAndEndsInPureNoise() {
        for (TabulatedSchedule schedule : new TabulatedSchedule[] {TabulatedSchedule.ddpmLinear(),
            TabulatedSchedule.stableDiffusion(), TabulatedSchedule.ofBetas(Betas.cosine(1000)),
            TabulatedSchedule.ofAlphaBar(0.9, 0.1)}) {
            TabulatedSchedule rescaled = schedule.zeroTerminalSnr();
            double last = schedule.noisiestTime();
            assertEquals(schedule.level(0), rescaled.level(0));
            assertEquals(0.0, rescaled.alphaBar(last));
            assertEquals(new Level(last, 0, 1, Double.NEGATIVE_INFINITY), rescaled.level(last));
            double a0 = schedule.level(0).alpha();
            double aT = schedule.level(last).alpha();
            for (int t = 1; t < last; t++) {
                // The shift and the scale of the paper's algorithm 1; the difference from aT carries the roundings.
                double expected = (schedule.level(t).alpha() - aT) * a0 / (a0 - aT);
                assertEquals(expected, rescaled.level(t).alpha(), 16 * U, "t=" + t);
            }
        }
    }

    @Test
    void theSameTableGivesTheSameScheduleHoweverItWasMade() {
        assertEquals(TabulatedSchedule.stableDiffusion(), TabulatedSchedule.stableDiffusion());
        assertEquals(TabulatedSchedule.stableDiffusion().hashCode(), TabulatedSchedule.stableDiffusion().hashCode());
        assertNotEquals(TabulatedSchedule.stableDiffusion(), TabulatedSchedule.ddpmLinear());
        TabulatedSchedule schedule = TabulatedSchedule.ddpmLinear();
        double[] alphaBar = new double[1000];
        for (int t = 0; t < 1000; t++) {
            alphaBar[t] = schedule.alphaBar(t);
        }
        TabulatedSchedule again = TabulatedSchedule.ofAlphaBar(alphaBar);
        for (int t = 0; t < 1000; t++) {
            assertEquals(schedule.alphaBar(t), again.alphaBar(t), 30 * U * schedule.alphaBar(t));
        }
    }

    @Test
    void aTableOwnsItsNumbers() {
        double[] betas = {0.1, 0.2};
        TabulatedSchedule schedule = TabulatedSchedule.ofBetas(betas);
        double before = schedule.alphaBar(1);
        betas[1] = 0.9;
        assertEquals(before, schedule.alphaBar(1));
    }

    @Test
    void badTablesAndTimesAreNamed() {
        assertSays("table is empty", () -> TabulatedSchedule.ofBetas());
        assertSays("beta[1] is 0.0", () -> TabulatedSchedule.ofBetas(0.1, 0));
        assertSays("beta[0] is NaN", () -> TabulatedSchedule.ofBetas(Double.NaN));
        assertSays("beta[0] is 1.5", () -> TabulatedSchedule.ofBetas(1.5));
        assertSays("alphaBar[2]", () -> TabulatedSchedule.ofAlphaBar(0.9, 0.5, 0.5));
        assertSays("alphaBar[0] is 1.0", () -> TabulatedSchedule.ofAlphaBar(1.0));
        assertSays("alphaBar[0] is -0.1", () -> TabulatedSchedule.ofAlphaBar(-0.1));
        assertSays("at least 2 training steps", () -> TabulatedSchedule.ofBetas(0.1).zeroTerminalSnr());
        TabulatedSchedule sd = TabulatedSchedule.stableDiffusion();
        assertSays("times 0 to 999, but got t=1000.0", () -> sd.level(1000));
        assertSays("got t=-1.0", () -> sd.level(-1));
        assertSays("got t=NaN", () -> sd.level(Double.NaN));
        // A beta of 1 anywhere but at the end leaves nothing for the next to take away.
        assertSays("alphaBar[1]", () -> TabulatedSchedule.ofBetas(1, 0.5));
    }

    private static void assertSays(String part, Runnable call) {
        String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
        assertTrue(message.contains(part), message);
    }
}
