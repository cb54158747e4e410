// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.grid;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.schedule.Betas;
import io.github.alphabar.schedule.FlowSchedule;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.schedule.VpCosineSchedule;
import io.github.alphabar.schedule.VpLinearSchedule;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SpacingTest {
    private static final TabulatedSchedule SCHEDULE = TabulatedSchedule.ddpmLinear();

    @ParameterizedTest
    @ValueSource(strings = {"leading", "linspace", "trailing", "quadratic", "uniform-lambda", "karras:7", "karras:1"})
    void everyNumberOfStepsGivesThatManyEdgesOfFallingNoise(String name) {
        Spacing spacing = Spacing.parse(name);
        for (FinalLevel end : FinalLevel.values()) {
            for (int n = 1; n <= 1000; n++) {
                TimeGrid grid = spacing.grid(SCHEDULE, n, end);
                String where = name + ", " + end + ", N=" + n;
                assertEquals(n, grid.edges(), where);
                assertEquals(end == FinalLevel.CLEAN ? Level.clean(0) : SCHEDULE.level(0), grid.level(n), where);
                int still = 0;
                for (int i = 0; i < n; i++) {
                    double fall = grid.level(i + 1).lambda() - grid.level(i).lambda();
                    assertTrue(fall >= 0, where + ", edge " + i);
                    if (fall == 0) {
                        still++;
                        // Only where the spacing's own last point is t = 0 and the final level is too: leading and
                        // quadratic always, trailing from 667 steps on. The 1001 points of linspace meet elsewhere.
                        assertTrue(end == FinalLevel.LEAST_NOISE
                                && ((i == n - 1 && grid.level(i).t() == 0) || (name.equals("linspace") && n == 1000)),
                                where + ", edge " + i + " stands still");
                    }
                }
                assertTrue(still <= 1, where + " has " + still + " edges that stand still");
            }
        }
    }

    @Test
    void leadingTakesMultiplesOfTheStride() {
        for (int n = 1; n <= 1000; n++) {
            for (int offset = 0; offset <= 1; offset++) {
                if (offset == 1 && n == 1000) {
                    continue;
                }
                double[] expected = new double[n];
                for (int i = 0; i < n; i++) {
                    expected[i] = (n - 1 - i) * (1000 / n) + offset;
                }
                assertArrayEquals(expected, times(Spacing.leading(offset), n), "N=" + n + ", offset " + offset);
            }
        }
        assertArrayEquals(new double[] {981, 961, 941}, firstTimes(Spacing.leading(1), 50, 3));
        // 1000 = 7 * 142 + 6: the noisiest steps are not reached.
        assertArrayEquals(new double[] {852, 710, 568, 426, 284, 142, 0}, times(Spacing.leading(0), 7));
    }

    @Test
    void leadingRefusesAnOffsetBeyondTheSchedule() {
        assertSays("t=1000.0; choose fewer steps or a smaller offset",
                () -> Spacing.leading(1).grid(SCHEDULE, 1000, FinalLevel.CLEAN));
    }

    @ParameterizedTest
    @EnumSource(FinalLevel.class)
    void linspaceRoundsHalfToEven(FinalLevel end) {
        for (int n = 1; n <= 1000; n++) {
            int gaps = end == FinalLevel.CLEAN ? Math.max(1, n - 1) : n;
            double[] expected = new double[n];
            for (int i = 0; i < n; i++) {
                expected[i] = halfEven(999L * (gaps - i), gaps);
            }
            assertArrayEquals(expected, timesOf(Spacing.linspace().grid(SCHEDULE, n, end)), end + ", N=" + n);
        }
    }

    @Test
    void linspaceTiesGoToTheEvenTimestep() {
        // 999 / 2 = 499.5 and 999 / 6 * k = 166.5 k: numpy's round gives 500, and 166, 500, 832.
        assertArrayEquals(new double[] {999, 500, 0}, times(Spacing.linspace(), 3));
        assertArrayEquals(new double[] {999, 832, 666, 500, 333, 166, 0}, times(Spacing.linspace(), 7));
        // One step samples from the noisiest time.
        assertArrayEquals(new double[] {999}, times(Spacing.linspace(), 1));
    }

    @Test
    void trailingRoundsTheExactQuotient() {
        for (int n = 1; n <= 1000; n++) {
            double[] expected = new double[n];
            for (int i = 0; i < n; i++) {
                expected[i] = halfEven(1000L * (n - i), n) - 1;
            }
            assertArrayEquals(expected, times(Spacing.trailing(), n), "N=" + n);
        }
    }

    /** 16, 32, 48 have ties; at 61, 103, 121 an arange in floating point makes one point too many, t = -1. */
    @ParameterizedTest
    @ValueSource(ints = {16, 32, 48, 61, 103, 121})
    void trailingHasNoFloatingPointSeams(int n) {
        double[] times = times(Spacing.trailing(), n);
        assertEquals(n, times.length);
        assertEquals(999, times[0]);
        assertTrue(times[n - 1] > 0, "last " + times[n - 1]);
        if (n == 16) {
            // 937.5, 875, 812.5: to the even 938 and 812.
            assertArrayEquals(new double[] {999, 937, 874, 811}, firstTimes(Spacing.trailing(), n, 4));
        }
    }

    @Test
    void quadraticTakesTheFloorsOfSquares() {
        // As written in the authors' code for 10 and 15 steps.
        assertArrayEquals(new double[] {800, 632, 483, 355, 246, 158, 88, 39, 9, 0}, times(Spacing.quadratic(), 10));
        assertArrayEquals(new double[] {800, 689, 587, 493, 408, 330, 261, 200, 146, 102, 65, 36, 16, 4, 0},
                times(Spacing.quadratic(), 15));
        assertArrayEquals(new double[] {800}, times(Spacing.quadratic(), 1));
        for (int n = 2; n <= 1000; n++) {
            double[] times = times(Spacing.quadratic(), n);
            long before = -1;
            for (int i = 0; i < n; i++) {
                long square = 800L * i * i / ((long) (n - 1) * (n - 1));
                before = Math.max(square, before + 1);
                assertEquals(before, times[n - 1 - i], "N=" + n + ", point " + i);
            }
        }
    }

    @Test
    void uniformLambdaIsAnEvenSpacingOfLambda() {
        for (FinalLevel end : FinalLevel.values()) {
            TimeGrid grid = Spacing.uniformLambda().grid(SCHEDULE, 40, end);
            int gaps = end == FinalLevel.CLEAN ? 39 : 40;
            double top = SCHEDULE.level(999).lambda();
            double step = (SCHEDULE.level(0).lambda() - top) / gaps;
            for (int i = 0; i <= gaps; i++) {
                // Lambdas within 5.1: a logarithm, an exponential and a logarithm again.
                assertEquals(top + i * step, grid.level(i).lambda(), 1e-14, end + ", level " + i);
                // The network's time is the one that has this lambda; it may lie between two training times.
                assertEquals(grid.level(i).lambda(), SCHEDULE.level(grid.level(i).t()).lambda(), 1e-13);
            }
        }
    }

    @Test
    void karrasIsAnEvenSpacingOfARootOfTheNoiseRatio() {
        for (double rho : new double[] {1, 3, 7}) {
            TimeGrid grid = Spacing.karras(rho).grid(SCHEDULE, 40, FinalLevel.CLEAN);
            double top = Math.pow(SCHEDULE.level(999).noiseRatio(), 1 / rho);
            double step = (Math.pow(SCHEDULE.level(0).noiseRatio(), 1 / rho) - top) / 39;
            for (int i = 0; i < 40; i++) {
                // Roots below 160; the rho-th power and root multiply a rounding by at most rho.
                assertEquals(top + i * step, Math.pow(grid.level(i).noiseRatio(), 1 / rho), 160 * 8 * 0x1p-53,
                        "rho " + rho + ", level " + i);
            }
        }
    }

    @Test
    void karrasAndUniformLambdaStartAndEndAtTheSchedulesOwnLevels() {
        for (Spacing spacing : List.of(Spacing.karras(7), Spacing.uniformLambda())) {
            for (int n : new int[] {2, 3, 10}) {
                TimeGrid grid = spacing.grid(SCHEDULE, n, FinalLevel.CLEAN);
                assertEquals(SCHEDULE.level(999), grid.level(0));
                assertEquals(SCHEDULE.level(0), grid.level(n - 1));
            }
            assertEquals(SCHEDULE.level(999), spacing.grid(SCHEDULE, 1, FinalLevel.CLEAN).level(0));
        }
    }

    @Test
    void sigmasAreTakenVerbatim() {
        TabulatedSchedule sd = TabulatedSchedule.stableDiffusion();
        double[] sigmas = {14.6, 3, 1, 0.0625, 0};
        TimeGrid grid = Spacing.sigmas(sigmas).grid(sd, 4, FinalLevel.CLEAN);
        for (int i = 0; i < 4; i++) {
            Level level = grid.level(i);
            assertEquals(1 / Math.sqrt(1 + sigmas[i] * sigmas[i]), level.alpha());
            assertEquals(sigmas[i] * level.alpha(), level.sigma());
            assertEquals(-Math.log(sigmas[i]), level.lambda());
            assertEquals(sd.timeAtLambda(level.lambda()), level.t());
        }
        assertEquals(Level.clean(0), grid.level(4));
        // Without a 0 at the end the grid ends where the sigmas end, whatever final level is asked for.
        assertEquals(2, Spacing.sigmas(5, 2).grid(sd, 1, FinalLevel.CLEAN).level(1).noiseRatio(), 1e-15);
    }

    @Test
    void sigmasBeyondTheScheduleAskTheNetworkAtTheTrainedEnds() {
        for (NoiseSchedule schedule : List.of(SCHEDULE, new VpLinearSchedule(), new VpCosineSchedule(),
                new FlowSchedule())) {
            TimeGrid grid = Spacing.sigmas(1e9, 1, 1e-9).grid(schedule, 2, FinalLevel.CLEAN);
            assertEquals(schedule.noisiestTime(), grid.level(0).t(), 2e-9);
            assertEquals(schedule.cleanestTime(), grid.level(2).t());
        }
    }

    @Test
    void timestepsAreTakenVerbatim() {
        TimeGrid grid = Spacing.timesteps(999, 500.5, 1).grid(SCHEDULE, 3, FinalLevel.LEAST_NOISE);
        assertArrayEquals(new double[] {999, 500.5, 1}, timesOf(grid));
        assertEquals(SCHEDULE.level(0), grid.level(3));
    }

    @ParameterizedTest
    @ValueSource(strings = {"linspace", "trailing", "quadratic", "uniform-lambda", "karras:7"})
    void continuousSchedulesAreSpacedToo(String name) {
        Spacing spacing = Spacing.parse(name);
        for (NoiseSchedule schedule : List.of(new VpLinearSchedule(), new VpCosineSchedule())) {
            for (FinalLevel end : FinalLevel.values()) {
                for (int n : new int[] {1, 2, 3, 10, 100, 990}) {
                    TimeGrid grid = spacing.grid(schedule, n, end);
                    assertEquals(n, grid.edges());
                    assertEquals(schedule.noisiestTime(), grid.level(0).t());
                    for (int i = 0; i < n; i++) {
                        assertTrue(grid.level(i + 1).lambda() > grid.level(i).lambda(),
                                name + " on " + schedule + ", " + end + ", N=" + n + ", edge " + i);
                    }
                }
            }
        }
    }

    @Test
    void trailingDoesNotPassTheFinalLevel() {
        // 1 / 1001 < 0.001, the cleanest time.
        assertSays("use fewer steps or linspace",
                () -> Spacing.trailing().grid(new VpLinearSchedule(), 1001, FinalLevel.LEAST_NOISE));
    }

    @Test
    void flowIsSpacedInTimeButHasNoFiniteFirstRatio() {
        TimeGrid grid = Spacing.trailing().grid(new FlowSchedule(), 4, FinalLevel.CLEAN);
        assertArrayEquals(new double[] {1, 0.75, 0.5, 0.25}, timesOf(grid));
        assertSays("use trailing or linspace",
                () -> Spacing.karras(7).grid(new FlowSchedule(), 4, FinalLevel.CLEAN));
        assertSays("use trailing or linspace", () -> Spacing.uniformLambda()
                .grid(SCHEDULE.zeroTerminalSnr(), 4, FinalLevel.CLEAN));
    }

    @Test
    void namesParseToTheirSpacings() {
        assertEquals(Spacing.leading(0), Spacing.parse("leading"));
        assertEquals(Spacing.leading(1), Spacing.parse(" leading:1 "));
        assertEquals(Spacing.linspace(), Spacing.parse("linspace"));
        assertEquals(Spacing.trailing(), Spacing.parse("trailing"));
        assertEquals(Spacing.quadratic(), Spacing.parse("quadratic"));
        assertEquals(Spacing.uniformLambda(), Spacing.parse("uniform-lambda"));
        assertEquals(Spacing.exponential(), Spacing.parse("exponential"));
        assertEquals(Spacing.karras(7), Spacing.parse("karras"));
        assertEquals(Spacing.karras(5.5), Spacing.parse("karras:5.5"));
        assertEquals(Spacing.timesteps(999, 500.5, 0), Spacing.parse("timesteps:999, 500.5, 0"));
        assertEquals(Spacing.sigmas(14.6, 2, 0), Spacing.parse("sigmas:14.6,2,0"));
        for (String example : Spacing.names().values()) {
            Spacing.parse(example);
        }
    }

    @Test
    void unknownNamesListTheKnownOnes() {
        String message = assertThrows(IllegalArgumentException.class, () -> Spacing.parse("snail")).getMessage();
        for (String name : Spacing.names().keySet()) {
            assertTrue(message.contains(name), message);
        }
        assertSays("needs a number after the colon, as in karras:7", () -> Spacing.parse("karras:x"));
        assertSays("as in leading:1", () -> Spacing.parse("leading:1.5"));
        assertSays("as in sigmas", () -> Spacing.parse("sigmas"));
        assertSays("as in timesteps", () -> Spacing.parse("timesteps:"));
        assertSays("Unknown spacing ''", () -> Spacing.parse(""));
    }

    @Test
    void parametersOnANameThatTakesNoneAreRefused() {
        assertSays("linspace:3", () -> Spacing.parse("linspace:3"));
        assertSays("trailing:", () -> Spacing.parse("trailing:"));
        assertSays("uniform-lambda:2", () -> Spacing.parse("uniform-lambda:2"));
    }

    @Test
    void badNumbersAreNamed() {
        assertSays("1 to 1000, the training steps of the schedule, but got 0", () -> grid(Spacing.linspace(), 0));
        assertSays("but got 1001", () -> grid(Spacing.trailing(), 1001));
        assertSays("but got -1", () -> grid(Spacing.karras(7), -1));
        assertSays("but got 0", () -> Spacing.linspace().grid(new VpLinearSchedule(), 0, FinalLevel.CLEAN));
        assertSays("at least 0, but got -1", () -> Spacing.leading(-1));
        assertSays("rho >= 1", () -> Spacing.karras(0.5));
        assertSays("rho >= 1", () -> Spacing.karras(Double.NaN));
        assertSays("value 1 is 5.0 after 5.0", () -> Spacing.timesteps(5, 5));
        assertSays("value 1 is 6.0 after 5.0", () -> Spacing.sigmas(5, 6));
        assertSays("NaN", () -> Spacing.sigmas(5, Double.NaN));
        assertSays("at least 2 values, but got 1", () -> Spacing.sigmas(5));
        assertSays("at least 1 values, but got 0", () -> Spacing.timesteps());
        assertSays("at least 0", () -> Spacing.sigmas(5, -1));
        assertSays("make 2 steps, but 3 were asked for; ask for 2", () -> grid(Spacing.sigmas(5, 2, 1), 3));
        assertSays("make 2 steps, but 1 were asked for; ask for 2", () -> grid(Spacing.timesteps(5, 2), 1));
        assertSays("0 to 999, but got t=1000.0", () -> grid(Spacing.timesteps(1000), 1));
        assertSays("use linspace, trailing or uniform-lambda",
                () -> Spacing.leading(0).grid(new VpLinearSchedule(), 10, FinalLevel.CLEAN));
    }

    @Test
    void oneTrainingStepIsEnough() {
        TabulatedSchedule one = TabulatedSchedule.ofBetas(Betas.linear(1, 0.5, 0.5));
        for (String name : List.of("leading", "linspace", "trailing", "quadratic", "uniform-lambda", "karras")) {
            TimeGrid grid = Spacing.parse(name).grid(one, 1, FinalLevel.CLEAN);
            assertEquals(List.of(one.level(0), Level.clean(0)), grid.levels(), name);
        }
    }

    private static double halfEven(long numerator, long denominator) {
        return BigDecimal.valueOf(numerator)
                .divide(BigDecimal.valueOf(denominator), 0, RoundingMode.HALF_EVEN)
                .doubleValue();
    }

    private static TimeGrid grid(Spacing spacing, int steps) {
        return TimeGrid.of(SCHEDULE, spacing, steps);
    }

    private static double[] times(Spacing spacing, int steps) {
        return timesOf(grid(spacing, steps));
    }

    private static double[] firstTimes(Spacing spacing, int steps, int count) {
        return java.util.Arrays.copyOf(times(spacing, steps), count);
    }

    private static double[] timesOf(TimeGrid grid) {
        return grid.levels().stream().limit(grid.edges()).mapToDouble(Level::t).toArray();
    }

    private static void assertSays(String part, Runnable call) {
        String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
        assertTrue(message.contains(part), message);
    }
}
