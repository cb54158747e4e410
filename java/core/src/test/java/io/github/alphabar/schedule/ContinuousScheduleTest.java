// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ContinuousScheduleTest {
    private static final double U = 0x1p-53;
    private static final long SEED = 7302;

    static Stream<NoiseSchedule> schedules() {
        return Stream.of(new VpLinearSchedule(), new VpLinearSchedule(1e-3, 1, 1e-5), new VpCosineSchedule(),
                new VpCosineSchedule(0.1, 1e-4, 0.999), new FlowSchedule(), new FlowSchedule(1e-6));
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void timeAtLambdaInvertsTheLevelAtAnyTime(NoiseSchedule schedule) {
        SplittableRandom random = new SplittableRandom(SEED);
        double from = schedule.cleanestTime();
        double to = schedule.noisiestTime();
        for (int k = 0; k < 5000; k++) {
            // Half the times near the clean end, where 1 - alphaBar is small.
            double u = random.nextDouble();
            double t = k % 2 == 0 ? from + u * (to - from) : from * Math.pow(to / from, u);
            Level level = schedule.level(t);
            // lambda has an ulp or two of its own size; a lambda beside the true one by d moves t by d / |dlambda/dt|,
            // where t |dlambda/dt| >= 1/2 for every schedule here. The cosine schedule's angle is t + s: s/t times as much.
            double offset = schedule instanceof VpCosineSchedule c ? c.s() : 0;
            double tolerance = 16 * U * (1 + Math.abs(level.lambda())) * (t + offset);
            if (level.alpha() > 0) {
                assertEquals(t, schedule.timeAtLambda(level.lambda()), tolerance, "seed " + SEED + ", t=" + t);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void lambdasBeyondTheEndsAreClampedToTheTrainedTimes(NoiseSchedule schedule) {
        for (double lambda : new double[] {60, 1e9, Double.POSITIVE_INFINITY}) {
            assertEquals(schedule.cleanestTime(), schedule.timeAtLambda(lambda), "lambda=" + lambda);
        }
        for (double lambda : new double[] {-60, -1e9, Double.NEGATIVE_INFINITY}) {
            assertEquals(schedule.noisiestTime(), schedule.timeAtLambda(lambda), 1e-15, "lambda=" + lambda);
        }
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void noiseGrowsWithTime(NoiseSchedule schedule) {
        double before = Double.POSITIVE_INFINITY;
        for (int k = 0; k <= 1000; k++) {
            double t = k == 1000 ? schedule.noisiestTime()
                    : schedule.cleanestTime() + k * (schedule.noisiestTime() - schedule.cleanestTime()) / 1000;
            double lambda = schedule.level(t).lambda();
            assertTrue(lambda < before, "t=" + t);
            before = lambda;
        }
    }

    @Test
    void vpLinearHasThePublishedEnds() {
        // log alphaBar(1) = -(19.9 / 2 + 0.1) = -10.05 (Song et al. 2021, eq. 33).
        Level end = new VpLinearSchedule().level(1);
        assertEquals(Math.exp(-10.05), end.alphaBar(), 1e-19);
        // sigma^2 = 1 - exp(-z), z = 0.1e-3 + 9.95e-6 at t = 0.001: a series instead of the cancelling difference.
        double z = 1e-4 + 9.95e-6;
        double sigma = new VpLinearSchedule().level(1e-3).sigma();
        assertEquals(z - z * z / 2 + z * z * z / 6 - z * z * z * z / 24, sigma * sigma, 8 * U * z);
    }

    @Test
    void vpCosineKeepsItsVarianceAtTheCleanEnd() {
        VpCosineSchedule schedule = new VpCosineSchedule();
        MathContext digits = new MathContext(50);
        for (double t : new double[] {1e-9, 1e-6, 1e-3, 0.01, 0.1, 0.5, 0.9, 0.9946}) {
            BigDecimal ratio = cos(angle(t, schedule.s()), digits).divide(cos(angle(0, schedule.s()), digits), digits);
            double variance = BigDecimal.ONE.subtract(ratio.multiply(ratio)).doubleValue();
            double sigma = schedule.level(t).sigma();
            // The angle is rounded three times near 0.01 .. 1.57 and t itself enters it exactly: 16 U of the variance.
            assertEquals(variance, sigma * sigma, 16 * U * variance, "t=" + t);
        }
    }

    private static BigDecimal angle(double t, double s) {
        MathContext digits = new MathContext(50);
        BigDecimal pi = new BigDecimal("3.14159265358979323846264338327950288419716939937510582");
        BigDecimal offset = new BigDecimal(s);
        return new BigDecimal(t).add(offset)
                .divide(BigDecimal.ONE.add(offset), digits)
                .multiply(pi)
                .divide(BigDecimal.TWO, digits);
    }

    /** The Taylor series: 40 terms leave 1.6^80 / 80! = 1e-103. */
    private static BigDecimal cos(BigDecimal x, MathContext digits) {
        BigDecimal square = x.multiply(x, digits).negate();
        BigDecimal term = BigDecimal.ONE;
        BigDecimal sum = term;
        for (int k = 1; k <= 40; k++) {
            term = term.multiply(square, digits).divide(BigDecimal.valueOf((2L * k - 1) * 2 * k), digits);
            sum = sum.add(term, digits);
        }
        return sum;
    }

    @Test
    void flowMixesLinearly() {
        FlowSchedule schedule = new FlowSchedule();
        assertEquals(new Level(0.25, 0.75, 0.25, Math.log(0.75) - Math.log(0.25)), schedule.level(0.25));
        assertEquals(new Level(1, 0, 1, Double.NEGATIVE_INFINITY), schedule.level(1));
    }

    @Test
    void badRangesAndTimesAreNamed() {
        assertSays("0 < betaMin < betaMax", () -> new VpLinearSchedule(20, 0.1, 1e-3));
        assertSays("0 < betaMin < betaMax", () -> new VpLinearSchedule(0.1, Double.POSITIVE_INFINITY, 1e-3));
        assertSays("t=0.0", () -> new VpLinearSchedule(0.1, 20, 0));
        assertSays("no signal at t = 1", () -> new VpCosineSchedule(0.008, 1e-3, 1));
        assertSays("offset s in (0, 1), but got 0.0", () -> new VpCosineSchedule(0, 1e-3, 0.99));
        assertSays("(0, 0.5], but got t=0.7", () -> new VpCosineSchedule(0.008, 0.7, 0.5));
        assertSays("(0, 1.0], but got t=1.5", () -> new FlowSchedule().level(1.5));
        assertSays("got t=0.0", () -> new VpLinearSchedule().level(0));
        assertSays("got t=NaN", () -> new FlowSchedule().level(Double.NaN));
    }

    private static void assertSays(String part, Runnable call) {
        String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
        assertTrue(message.contains(part), message);
    }
}
