// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class BetasTest {

    @Test
    void linearBetasRunFromStartToEnd() {
        double[] beta = Betas.linear(1000, 1e-4, 0.02);
        assertEquals(1e-4, beta[0]);
        assertEquals(0.02, beta[999]);
        // Equal spacing up to the rounding of one product and one sum of numbers below 0.02: 2 * 2^-53 * 0.02 < 1e-17.
        double step = (0.02 - 1e-4) / 999;
        for (int i = 1; i < 1000; i++) {
            assertEquals(step, beta[i] - beta[i - 1], 1e-17);
        }
    }

    @Test
    void scaledLinearBetasHaveEquallySpacedRoots() {
        double[] beta = Betas.scaledLinear(1000, 0.00085, 0.012);
        // The ends are squares of rounded roots: one ulp and a half.
        assertEquals(0.00085, beta[0], 2 * Math.ulp(0.00085));
        assertEquals(0.012, beta[999], 2 * Math.ulp(0.012));
        double step = (Math.sqrt(0.012) - Math.sqrt(0.00085)) / 999;
        for (int i = 1; i < 1000; i++) {
            // Roots below 0.11, each within two ulp of 2^-56.
            assertEquals(step, Math.sqrt(beta[i]) - Math.sqrt(beta[i - 1]), 8 * 0x1p-56);
        }
    }

    @Test
    void cosineBetasGrowAndAreCapped() {
        double[] beta = Betas.cosine(1000);
        for (int i = 1; i < 1000; i++) {
            assertTrue(beta[i] > beta[i - 1], "beta[" + i + "]");
        }
        assertEquals(0.999, beta[999]);
        assertTrue(beta[998] < 0.999, "only the last is capped at 1000 steps, but beta[998] = " + beta[998]);
    }

    @Test
    void sigmoidBetasLieBetweenTheirAsymptotesAndAreSymmetric() {
        double[] beta = Betas.sigmoid(1001, 1e-4, 0.02);
        // The logistic curve at 0 is one half.
        assertEquals((1e-4 + 0.02) / 2, beta[500], 1e-16);
        for (int i = 0; i <= 500; i++) {
            assertEquals(1e-4 + 0.02, beta[i] + beta[1000 - i], 1e-16, "beta[" + i + "]");
        }
    }

    @Test
    void oneStepHasTheStartBeta() {
        assertEquals(0.3, Betas.linear(1, 0.3, 0.5)[0]);
        assertEquals(0.3, Betas.scaledLinear(1, 0.3, 0.5)[0], Math.ulp(0.3));
        assertEquals(1, Betas.cosine(1).length);
    }

    @Test
    void badArgumentsAreNamed() {
        assertSays("at least 1 training step, but got 0", () -> Betas.linear(0, 1e-4, 0.02));
        assertSays("at least 1 training step, but got -5", () -> Betas.cosine(-5));
        assertSays("start=0.0", () -> Betas.scaledLinear(10, 0, 0.02));
        assertSays("end=1.0", () -> Betas.sigmoid(10, 1e-4, 1));
        assertSays("start=NaN", () -> Betas.linear(10, Double.NaN, 0.5));
    }

    private static void assertSays(String part, Runnable call) {
        String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
        assertTrue(message.contains(part), message);
    }
}
