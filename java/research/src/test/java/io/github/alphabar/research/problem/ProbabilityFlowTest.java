// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.problem;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.alphabar.schedule.FlowSchedule;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.schedule.VpCosineSchedule;
import io.github.alphabar.schedule.VpLinearSchedule;
import java.util.stream.Stream;
import org.hipparchus.special.Erf;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ProbabilityFlowTest {
    private static final double[] WEIGHTS = {0.4, 0.6};
    private static final double[] MEANS = {-0.8, 0.9};
    private static final double[] DEVIATIONS = {0.3, 0.5};
    private static final GaussianMixture LINE = new GaussianMixture(WEIGHTS, new double[][] {{-0.8}, {0.9}},
            new double[][] {{0.3}, {0.5}});

    static Stream<NoiseSchedule> schedules() {
        return Stream.of(new VpLinearSchedule(), new VpCosineSchedule(), TabulatedSchedule.ddpmLinear(),
                TabulatedSchedule.stableDiffusion().zeroTerminalSnr(), new FlowSchedule());
    }

    private static double cumulative(Level at, double x) {
        double sum = 0;
        for (int k = 0; k < 2; k++) {
            double deviation = Math.hypot(at.alpha() * DEVIATIONS[k], at.sigma());
            sum += WEIGHTS[k] * 0.5 * Erf.erfc(-(x - at.alpha() * MEANS[k]) / (deviation * Math.sqrt(2)));
        }
        return sum;
    }

    /**
     * On a line the flow cannot change the order of samples: it carries every quantile to the same quantile. The integrator's
     * tolerance is 1e-12 for each of some hundred steps, and the density is below 1.
     */
    @ParameterizedTest
    @MethodSource("schedules")
    void aMixtureOnALineKeepsItsQuantiles(NoiseSchedule schedule) {
        Level from = schedule.level(schedule.noisiestTime());
        for (Level to : new Level[] {schedule.level(schedule.cleanestTime()), Level.clean(schedule.cleanestTime()),
            schedule.level((schedule.cleanestTime() + schedule.noisiestTime()) / 2)}) {
            double[] x = {-2.2, -0.7, 0, 0.05, 1.1, 2.5};
            double[] end = new ProbabilityFlow(LINE).end(from, to, x);
            for (int i = 0; i < x.length; i++) {
                assertEquals(cumulative(from, x[i]), cumulative(to, end[i]), 1e-10, "x = " + x[i] + " to " + to);
            }
        }
    }

    /** Two equal components are one Gaussian: integrated on the one hand, in closed form on the other. */
    @ParameterizedTest
    @MethodSource("schedules")
    void theIntegratedEndOfAGaussianIsItsClosedForm(NoiseSchedule schedule) {
        double[] mean = {0.3, -0.5, 0.1};
        double[] deviation = {0.5, 1.5, 0.2};
        GaussianMixture twice = new GaussianMixture(new double[] {1, 1}, new double[][] {mean, mean},
                new double[][] {deviation, deviation});
        GaussianMixture once = GaussianMixture.gaussian(mean, deviation);
        Level from = schedule.level(schedule.noisiestTime());
        Level to = Level.clean(schedule.cleanestTime());
        double[] x = {1.2, -0.4, 0.9, 0, 2, -1};
        assertArrayEquals(new ProbabilityFlow(once).end(from, to, x), new ProbabilityFlow(twice).end(from, to, x),
                1e-10);
    }

    @Test
    void theFlowBackBringsASampleHome() {
        Level noisy = new VpLinearSchedule().level(1);
        Level clean = Level.clean(1e-3);
        double[] x = {-1.3, 0.2, 1.9};
        ProbabilityFlow flow = new ProbabilityFlow(LINE);
        // Forth multiplies the distance of neighbours by up to 5, which the way back undoes.
        assertArrayEquals(x, flow.end(clean, noisy, flow.end(noisy, clean, x)), 1e-9);
        assertArrayEquals(x, flow.end(noisy, noisy, x));
    }

    /** Along the drift without noise, (x - alpha m) / alpha of a Gaussian moves by the square of the flow's factor. */
    @Test
    void theDriftOfAGaussianIsKnown() {
        GaussianMixture one = GaussianMixture.gaussian(new double[] {0.3}, new double[] {0.7});
        Level from = new VpLinearSchedule().level(1);
        Level to = new VpLinearSchedule().level(0.01);
        double factor = Math.hypot(0.7, to.noiseRatio()) / Math.hypot(0.7, from.noiseRatio());
        double u = (1.1 - from.alpha() * 0.3) / from.alpha();
        assertEquals(to.alpha() * (0.3 + u * factor * factor),
                new ProbabilityFlow(one).drift(from, to, new double[] {1.1})[0], 1e-9);
    }

    @Test
    void partsOfASampleAreRefused() {
        GaussianMixture two = GaussianMixture.gaussian(new double[2], new double[] {1, 1});
        Level at = Level.clean(0);
        assertThrows(IllegalArgumentException.class, () -> new ProbabilityFlow(two).end(at, at, new double[3]));
    }
}
