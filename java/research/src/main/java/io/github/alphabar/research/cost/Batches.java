// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

import io.github.alphabar.research.problem.GaussianMixture;
import io.github.alphabar.research.problem.SlicedWasserstein;
import java.util.function.IntToDoubleFunction;

/**
 * Statistics of samples against an exact distribution, each with an interval from 8 independent batches: the mean of the batches,
 * and Student's t with 7 degrees of freedom at 95% times their standard error.
 */
final class Batches {
    static final int COUNT = 8;
    /** The least samples of a batch: the distance of fewer says little. */
    static final int LEAST = 16;
    private static final double T7 = 2.3646;
    private static final int SLICES = 32;
    private static final long SEED = 20260102;

    private final GaussianMixture exact;
    private final int each;
    private final SlicedWasserstein distance;
    private final double floor;

    Batches(GaussianMixture exact, int samples) {
        this.exact = exact;
        each = samples / COUNT;
        distance = new SlicedWasserstein(exact, each, SLICES, SEED);
        double[] drawn = exact.sample(each * COUNT, SEED + 1);
        floor = wasserstein(drawn).mean();
    }

    /** A mean and the half width of its interval. */
    record Estimate(double mean, double ci) {
    }

    private static Estimate over(IntToDoubleFunction batch) {
        double sum = 0;
        double square = 0;
        double[] values = new double[COUNT];
        for (int b = 0; b < COUNT; b++) {
            values[b] = batch.applyAsDouble(b);
            sum += values[b];
        }
        double mean = sum / COUNT;
        for (double v : values) {
            square += (v - mean) * (v - mean);
        }
        return new Estimate(mean, T7 * Math.sqrt(square / (COUNT - 1) / COUNT));
    }

    Estimate wasserstein(double[] x) {
        return over(b -> distance.distance(x, b * each * exact.dimension()));
    }

    double floor() {
        return floor;
    }

    Estimate meanBias(double[] x) {
        double[] mean = exact.mean();
        double[] variance = exact.variance();
        return over(b -> {
            double bias = 0;
            for (int j = 0; j < mean.length; j++) {
                bias += (moment(x, b, j, 0, 1) - mean[j]) / Math.sqrt(variance[j]) / mean.length;
            }
            return bias;
        });
    }

    Estimate varianceBias(double[] x) {
        double[] mean = exact.mean();
        double[] variance = exact.variance();
        return over(b -> {
            double bias = 0;
            for (int j = 0; j < mean.length; j++) {
                bias += (moment(x, b, j, mean[j], 2) / variance[j] - 1) / mean.length;
            }
            return bias;
        });
    }

    private double moment(double[] x, int batch, int j, double about, int power) {
        double sum = 0;
        int d = exact.dimension();
        for (int i = batch * each; i < (batch + 1) * each; i++) {
            double off = x[i * d + j] - about;
            sum += power == 1 ? off : off * off;
        }
        return sum / each;
    }
}
