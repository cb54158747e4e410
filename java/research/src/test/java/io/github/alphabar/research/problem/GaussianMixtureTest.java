// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.problem;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.plan.Prediction;
import io.github.alphabar.schedule.FlowSchedule;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.schedule.VpLinearSchedule;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GaussianMixtureTest {
    private static final GaussianMixture THREE = new GaussianMixture(new double[] {1, 2, 0.5},
            new double[][] {{-0.8, 0.3}, {0.9, -0.2}, {0, 1.1}}, new double[][] {{0.3, 0.6}, {0.5, 0.2}, {0.4, 0.4}});

    static Stream<Level> levels() {
        return Stream.of(new VpLinearSchedule(), new FlowSchedule(), TabulatedSchedule.ddpmLinear(),
                TabulatedSchedule.stableDiffusion().zeroTerminalSnr())
                .flatMap(s -> Stream.concat(times(s), Stream.of(Level.clean(s.cleanestTime()))));
    }

    private static Stream<Level> times(NoiseSchedule s) {
        double span = s.noisiestTime() - s.cleanestTime();
        return Stream.of(0.0, 0.3, 0.7, 1.0).map(u -> s.level(s.cleanestTime() + u * span));
    }

    private static double[] output(Prediction prediction, Level at, double... x) {
        double[] out = new double[2];
        THREE.at(at).output(prediction, x, 0, out, 0);
        return out;
    }

    /** The identities between what networks return, in numbers of size 1: a few roundings. */
    @ParameterizedTest
    @MethodSource("levels")
    void thePredictionsAgreeWithEachOther(Level at) {
        Random random = new Random(11);
        for (int i = 0; i < 50; i++) {
            double[] x = {2 * random.nextGaussian(), 2 * random.nextGaussian()};
            double[] x0 = output(Prediction.SAMPLE, at, x);
            double[] eps = output(Prediction.EPSILON, at, x);
            double[] v = output(Prediction.V_PREDICTION, at, x);
            double[] flow = output(Prediction.FLOW, at, x);
            double[] score = THREE.at(at).score(x);
            for (int j = 0; j < 2; j++) {
                assertEquals(x[j], at.alpha() * x0[j] + at.sigma() * eps[j], 1e-13);
                assertEquals(at.alpha() * eps[j] - at.sigma() * x0[j], v[j], 1e-13);
                assertEquals(eps[j] - x0[j], flow[j], 1e-13);
                assertEquals(eps[j], -at.sigma() * score[j], 1e-12);
            }
        }
    }

    /** The score is the slope of the log density, which is written out here; the error of the difference is h^2 = 1e-8. */
    @ParameterizedTest
    @MethodSource("levels")
    void theScoreIsTheSlopeOfTheLogDensity(Level at) {
        Random random = new Random(12);
        double h = 1e-4;
        for (int i = 0; i < 20; i++) {
            double[] x = {random.nextGaussian(), random.nextGaussian()};
            double[] score = THREE.at(at).score(x);
            for (int j = 0; j < 2; j++) {
                double[] above = x.clone();
                double[] below = x.clone();
                above[j] += h;
                below[j] -= h;
                assertEquals((logDensity(at, above) - logDensity(at, below)) / (2 * h), score[j],
                        1e-6 * Math.max(1, Math.pow(Math.abs(score[j]), 3)));
            }
        }
    }

    private static double logDensity(Level at, double[] x) {
        double sum = 0;
        for (int k = 0; k < 3; k++) {
            double p = THREE.weight(k);
            for (int j = 0; j < 2; j++) {
                double variance = Math.pow(at.alpha() * THREE.deviation(k, j), 2) + Math.pow(at.sigma(), 2);
                double off = x[j] - at.alpha() * THREE.mean(k, j);
                p *= Math.exp(-off * off / (2 * variance)) / Math.sqrt(2 * Math.PI * variance);
            }
            sum += p;
        }
        return Math.log(sum);
    }

    @Test
    void aGaussianIsThePosteriorMeanOfTheTextbook() {
        GaussianMixture one = GaussianMixture.gaussian(new double[] {0.3}, new double[] {0.5});
        Level at = new VpLinearSchedule().level(0.4);
        double[] out = new double[1];
        one.at(at).output(Prediction.SAMPLE, new double[] {0.7}, 0, out, 0);
        double v = at.alpha() * at.alpha() * 0.25 + at.sigma() * at.sigma();
        assertEquals(0.3 + at.alpha() * 0.25 * (0.7 - at.alpha() * 0.3) / v, out[0], 1e-15);
    }

    /** 200,000 draws: the mean is off by 1 / sqrt(n) = 0.0022 deviations, the variance by sqrt(2 / n) = 0.0032; four of each. */
    @Test
    void samplesHaveTheMomentsOfTheMarginal() {
        Level at = new VpLinearSchedule().level(0.3);
        GaussianMixture marginal = THREE.marginal(at);
        double[] clean = THREE.sample(200_000, 1);
        Random random = new Random(2);
        for (int j = 0; j < 2; j++) {
            double sum = 0;
            double square = 0;
            for (int i = j; i < clean.length; i += 2) {
                double x = at.alpha() * clean[i] + at.sigma() * random.nextGaussian();
                sum += x;
                square += x * x;
            }
            double mean = sum / 200_000;
            double variance = square / 200_000 - mean * mean;
            assertEquals(marginal.mean()[j], mean, 0.009 * Math.sqrt(marginal.variance()[j]));
            assertEquals(marginal.variance()[j], variance, 0.013 * marginal.variance()[j]);
        }
        assertArrayEquals(THREE.sample(5, 3), THREE.sample(5, 3));
    }

    @Test
    void whatIsNoMixtureIsRefused() {
        String message = assertThrows(IllegalArgumentException.class,
                () -> GaussianMixture.gaussian(new double[1], new double[1])).getMessage();
        assertTrue(message.contains("Standard deviations are positive"), message);
        assertThrows(IllegalArgumentException.class,
                () -> new GaussianMixture(new double[] {1, 1}, new double[1][1], new double[1][1]));
    }
}
