// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.problem;

import java.util.Arrays;
import java.util.Random;
import org.hipparchus.special.Erf;

/**
 * The sliced 2-Wasserstein distance between samples and a mixture: samples are projected on random directions, and on each the
 * sorted projections are held against the quantiles of the projected mixture, {@code q((i + 1/2) / n)}, which are computed, not
 * drawn. The distance is the root of the mean square over all.
 *
 * <p>
 * It depends on n: even exact samples are not at 0. Immutable.
 */
public final class SlicedWasserstein {
    private final double[][] directions;
    private final double[][] quantiles;

    /**
     * Prepares the quantiles.
     *
     * @param target
     *            the distribution
     * @param samples
     *            n, the samples each set will have
     * @param slices
     *            how many directions
     * @param seed
     *            of the directions
     */
    public SlicedWasserstein(GaussianMixture target, int samples, int slices, long seed) {
        if (samples < 1 || slices < 1) {
            throw new IllegalArgumentException("A distance needs samples and directions, but got " + samples
                    + " samples and " + slices + " directions.");
        }
        Random random = new Random(seed);
        int d = target.dimension();
        directions = new double[slices][d];
        quantiles = new double[slices][];
        for (int l = 0; l < slices; l++) {
            double square = 0;
            for (int j = 0; j < d; j++) {
                directions[l][j] = random.nextGaussian();
                square += directions[l][j] * directions[l][j];
            }
            for (int j = 0; j < d; j++) {
                directions[l][j] /= Math.sqrt(square);
            }
            quantiles[l] = new Line(target, directions[l]).quantiles(samples);
        }
    }

    /**
     * The distance of a set of samples.
     *
     * @param x
     *            n samples, one after the other
     * @param from
     *            where the first begins
     * @return the distance, in the units of the data
     */
    public double distance(double[] x, int from) {
        double square = 0;
        int n = quantiles[0].length;
        double[] line = new double[n];
        for (int l = 0; l < directions.length; l++) {
            double[] theta = directions[l];
            for (int i = 0; i < n; i++) {
                double sum = 0;
                for (int j = 0; j < theta.length; j++) {
                    sum += theta[j] * x[from + i * theta.length + j];
                }
                line[i] = sum;
            }
            Arrays.sort(line);
            for (int i = 0; i < n; i++) {
                double off = line[i] - quantiles[l][i];
                square += off * off;
            }
        }
        return Math.sqrt(square / ((double) n * directions.length));
    }

    /** A mixture on a line. */
    private static final class Line {
        private final double[] weights;
        private final double[] means;
        private final double[] deviations;

        Line(GaussianMixture mixture, double[] theta) {
            int k = mixture.components();
            weights = new double[k];
            means = new double[k];
            deviations = new double[k];
            for (int i = 0; i < k; i++) {
                weights[i] = mixture.weight(i);
                double variance = 0;
                for (int j = 0; j < theta.length; j++) {
                    means[i] += theta[j] * mixture.mean(i, j);
                    double s = theta[j] * mixture.deviation(i, j);
                    variance += s * s;
                }
                deviations[i] = Math.sqrt(variance);
            }
        }

        private double cumulative(double x) {
            double sum = 0;
            for (int i = 0; i < weights.length; i++) {
                sum += weights[i] * 0.5 * Erf.erfc(-(x - means[i]) / (deviations[i] * Math.sqrt(2)));
            }
            return sum;
        }

        private double density(double x) {
            double sum = 0;
            for (int i = 0; i < weights.length; i++) {
                double u = (x - means[i]) / deviations[i];
                sum += weights[i] * StrictMath.exp(-0.5 * u * u) / (deviations[i] * Math.sqrt(2 * Math.PI));
            }
            return sum;
        }

        double[] quantiles(int n) {
            double low = Double.POSITIVE_INFINITY;
            double high = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < means.length; i++) {
                // Beyond 9 deviations no (i + 1/2) / n of a possible n lies.
                low = Math.min(low, means[i] - 9 * deviations[i]);
                high = Math.max(high, means[i] + 9 * deviations[i]);
            }
            double[] q = new double[n];
            double x = low;
            for (int i = 0; i < n; i++) {
                x = solve((i + 0.5) / n, x, high);
                q[i] = x;
            }
            return q;
        }

        /** Newton's method, kept between bounds by bisection; quantiles rise, so that the last one is a bound. */
        private double solve(double p, double low, double high) {
            double a = low;
            double b = high;
            double x = a;
            for (int i = 0; i < 200 && b - a > 1e-14 * (1 + Math.abs(x)); i++) {
                double f = cumulative(x) - p;
                if (Math.abs(f) < 1e-13) {
                    break;
                }
                if (f > 0) {
                    b = x;
                } else {
                    a = x;
                }
                double slope = density(x);
                double next = slope > 0 ? x - f / slope : Double.NaN;
                x = next > a && next < b ? next : 0.5 * (a + b);
            }
            return x;
        }
    }
}
