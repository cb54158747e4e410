// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LevelTest {
    private static final double U = 0x1p-53;
    private static final long SEED = 7303;

    @Test
    void aLevelIsTheSameByItsRatioAndByItsAlphaBar() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int k = 0; k < 2000; k++) {
            double ratio = Math.exp(random.nextDouble(-10, 10));
            Level byRatio = Level.ofNoiseRatio(3, ratio);
            Level byLog = Level.ofLogAlphaBar(3, -Math.log1p(ratio * ratio));
            String where = "seed " + SEED + ", ratio=" + ratio;
            // |log alphaBar| < 21 carries its rounding into alpha; sigma's condition number is below 1.
            assertEquals(byRatio.alpha(), byLog.alpha(), 24 * U * byRatio.alpha(), where);
            assertEquals(byRatio.sigma(), byLog.sigma(), 24 * U * byRatio.sigma(), where);
            assertEquals(byRatio.lambda(), byLog.lambda(), 48 * U, where);
            assertEquals(ratio, byRatio.noiseRatio(), 4 * U * ratio, where);
            assertEquals(-Math.log(ratio), Level.of(3, byRatio.alpha(), byRatio.sigma()).lambda(), 48 * U, where);
        }
    }

    @Test
    void theEndsAreLimits() {
        assertEquals(new Level(7, 1, 0, Double.POSITIVE_INFINITY), Level.clean(7));
        assertEquals(Level.clean(7), Level.ofNoiseRatio(7, 0));
        assertEquals(Level.clean(7), Level.of(7, 1, 0));
        assertEquals(Level.clean(7), Level.ofLogAlphaBar(7, 0));
        assertEquals(new Level(7, 0, 1, Double.NEGATIVE_INFINITY), Level.ofLogAlphaBar(7, Double.NEGATIVE_INFINITY));
        assertEquals(Double.POSITIVE_INFINITY, Level.of(7, 0, 1).noiseRatio());
    }

    @Test
    void theScaleIsOneWhereVarianceIsPreserved() {
        // 0.6^2 + 0.8^2 = 1 up to rounding, which must not reach the initial noise.
        assertEquals(1, Level.of(0, 0.6, 0.8).scale());
        assertEquals(Math.sqrt(0.5), Level.of(0, 0.5, 0.5).scale(), U);
        assertEquals(0.5, Level.of(0, 0.5, 0.5).alphaBar());
    }

    @Test
    void aTimeCanBeReplaced() {
        Level level = TabulatedSchedule.stableDiffusion().level(10);
        assertEquals(new Level(99, level.alpha(), level.sigma(), level.lambda()), level.withTime(99));
    }

    @Test
    void impossibleLevelsAreNamed() {
        assertSays("alpha=0.0, sigma=0.0", () -> Level.of(0, 0, 0));
        assertSays("alpha=-1.0", () -> Level.of(0, -1, 1));
        assertSays("sigma=Infinity", () -> new Level(0, 1, Double.POSITIVE_INFINITY, 0));
        assertSays("t=NaN", () -> Level.of(Double.NaN, 1, 1));
        assertSays("lambda=NaN", () -> new Level(0, 1, 1, Double.NaN));
    }

    private static void assertSays(String part, Runnable call) {
        String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
        assertTrue(message.contains(part), message);
    }
}
