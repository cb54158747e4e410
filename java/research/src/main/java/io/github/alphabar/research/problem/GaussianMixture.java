// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.problem;

import io.github.alphabar.plan.Prediction;
import io.github.alphabar.schedule.Level;
import java.util.Random;

/**
 * Data distributed as a mixture of Gaussians with diagonal covariances, for which a perfect network is known: with
 * {@code v_k = alpha^2 s_k^2 + sigma^2} and the share {@code r_k} of component k in the density at x,
 *
 * <pre>
 * E[x0  | x] = sum_k r_k (m_k + alpha s_k^2 (x - alpha m_k) / v_k)
 * E[eps | x] = sum_k r_k sigma (x - alpha m_k) / v_k = -sigma score(x)
 * </pre>
 *
 * Any other Gaussian is one of these in other axes, and the solvers treat all axes alike. One component is a Gaussian. All
 * functions are {@link StrictMath}'s: the same bits on every machine. Immutable.
 */
public final class GaussianMixture {
    private final double[] weights;
    private final double[][] means;
    private final double[][] deviations;

    /**
     * A mixture.
     *
     * @param weights
     *            K shares, positive; scaled to sum to 1
     * @param means
     *            K means of d numbers
     * @param deviations
     *            K times d standard deviations, positive
     */
    public GaussianMixture(double[] weights, double[][] means, double[][] deviations) {
        int k = weights.length;
        if (k == 0 || means.length != k || deviations.length != k || means[0].length == 0) {
            throw new IllegalArgumentException("A mixture needs as many means and deviations as weights, but got "
                    + k + " weights, " + means.length + " means and " + deviations.length + " deviations.");
        }
        double sum = 0;
        for (int i = 0; i < k; i++) {
            if (!(weights[i] > 0) || means[i].length != means[0].length
                    || deviations[i].length != means[0].length) {
                throw new IllegalArgumentException("Component " + i + " needs a positive weight and "
                        + means[0].length + " means and deviations.");
            }
            for (double s : deviations[i]) {
                if (!(s > 0 && Double.isFinite(s))) {
                    throw new IllegalArgumentException(
                            "Standard deviations are positive, but component " + i + " has " + s + ".");
                }
            }
            sum += weights[i];
        }
        this.weights = new double[k];
        this.means = new double[k][];
        this.deviations = new double[k][];
        for (int i = 0; i < k; i++) {
            this.weights[i] = weights[i] / sum;
            this.means[i] = means[i].clone();
            this.deviations[i] = deviations[i].clone();
        }
    }

    /**
     * A Gaussian.
     *
     * @param mean
     *            d numbers
     * @param deviation
     *            d standard deviations, positive
     * @return a mixture of one component
     */
    public static GaussianMixture gaussian(double[] mean, double[] deviation) {
        return new GaussianMixture(new double[] {1}, new double[][] {mean}, new double[][] {deviation});
    }

    /**
     * The number of dimensions.
     *
     * @return d
     */
    public int dimension() {
        return means[0].length;
    }

    /**
     * The number of components.
     *
     * @return K
     */
    public int components() {
        return weights.length;
    }

    double weight(int k) {
        return weights[k];
    }

    double mean(int k, int j) {
        return means[k][j];
    }

    double deviation(int k, int j) {
        return deviations[k][j];
    }

    /**
     * The distribution of {@code alpha x0 + sigma eps}: what an exact sampler's states have at a level.
     *
     * @param at
     *            the level; its sigma may be 0
     * @return a mixture with the same weights
     */
    public GaussianMixture marginal(Level at) {
        double[][] m = new double[components()][dimension()];
        double[][] s = new double[components()][dimension()];
        for (int k = 0; k < components(); k++) {
            for (int j = 0; j < dimension(); j++) {
                m[k][j] = at.alpha() * means[k][j];
                s[k][j] = Math.sqrt(variance(at, k, j));
            }
        }
        return new GaussianMixture(weights, m, s);
    }

    private double variance(Level at, int k, int j) {
        double a = at.alpha() * deviations[k][j];
        return a * a + at.sigma() * at.sigma();
    }

    /**
     * The mean in each dimension.
     *
     * @return d numbers
     */
    public double[] mean() {
        double[] all = new double[dimension()];
        for (int k = 0; k < components(); k++) {
            for (int j = 0; j < all.length; j++) {
                all[j] += weights[k] * means[k][j];
            }
        }
        return all;
    }

    /**
     * The variance in each dimension.
     *
     * @return d numbers
     */
    public double[] variance() {
        double[] mean = mean();
        double[] all = new double[dimension()];
        for (int k = 0; k < components(); k++) {
            for (int j = 0; j < all.length; j++) {
                double off = means[k][j] - mean[j];
                all[j] += weights[k] * (deviations[k][j] * deviations[k][j] + off * off);
            }
        }
        return all;
    }

    /**
     * Draws samples.
     *
     * @param count
     *            how many
     * @param seed
     *            the same seed gives the same samples
     * @return count times d numbers, sample after sample
     */
    public double[] sample(int count, long seed) {
        Random random = new Random(seed);
        int d = dimension();
        double[] out = new double[Math.multiplyExact(count, d)];
        for (int i = 0; i < count; i++) {
            double u = random.nextDouble();
            int k = 0;
            while (k + 1 < components() && u >= weights[k]) {
                u -= weights[k++];
            }
            for (int j = 0; j < d; j++) {
                out[i * d + j] = means[k][j] + deviations[k][j] * random.nextGaussian();
            }
        }
        return out;
    }

    /**
     * The perfect network at one level; the sums that do not depend on x are made here. For one thread at a time.
     *
     * @param level
     *            any level, the two ends included
     * @return the network
     */
    public Network at(Level level) {
        return new Network(level);
    }

    /** The perfect network at one level. For one thread at a time. */
    public final class Network {
        private final double alpha;
        private final double sigma;
        private final double[] logWeights;
        private final double[][] precisions;
        private final double[] share;

        private Network(Level level) {
            this(level.alpha(), level.sigma());
        }

        Network(double alpha, double sigma) {
            this.alpha = alpha;
            this.sigma = sigma;
            logWeights = new double[components()];
            precisions = new double[components()][dimension()];
            share = new double[components()];
            for (int k = 0; k < components(); k++) {
                double log = StrictMath.log(weights[k]);
                for (int j = 0; j < dimension(); j++) {
                    double a = alpha * deviations[k][j];
                    double v = a * a + sigma * sigma;
                    precisions[k][j] = 1 / v;
                    log -= 0.5 * StrictMath.log(v);
                }
                logWeights[k] = log;
            }
        }

        private void shares(double[] x, int from) {
            double most = Double.NEGATIVE_INFINITY;
            for (int k = 0; k < share.length; k++) {
                double square = 0;
                for (int j = 0; j < dimension(); j++) {
                    double off = x[from + j] - alpha * means[k][j];
                    square += off * off * precisions[k][j];
                }
                share[k] = logWeights[k] - 0.5 * square;
                most = Math.max(most, share[k]);
            }
            double sum = 0;
            for (int k = 0; k < share.length; k++) {
                share[k] = StrictMath.exp(share[k] - most);
                sum += share[k];
            }
            for (int k = 0; k < share.length; k++) {
                share[k] /= sum;
            }
        }

        /**
         * What a perfect network that predicts so returns for one sample.
         *
         * @param prediction
         *            what it predicts
         * @param x
         *            states; d numbers are read
         * @param from
         *            where the sample begins in x
         * @param out
         *            receives d numbers
         * @param to
         *            where they go in out
         */
        public void output(Prediction prediction, double[] x, int from, double[] out, int to) {
            shares(x, from);
            for (int j = 0; j < dimension(); j++) {
                double x0 = 0;
                double eps = 0;
                for (int k = 0; k < share.length; k++) {
                    double m = means[k][j];
                    double pull = (x[from + j] - alpha * m) * precisions[k][j];
                    x0 += share[k] * (m + alpha * deviations[k][j] * deviations[k][j] * pull);
                    eps += share[k] * sigma * pull;
                }
                out[to + j] = switch (prediction) {
                    case EPSILON -> eps;
                    case SAMPLE -> x0;
                    case V_PREDICTION -> alpha * eps - sigma * x0;
                    case FLOW -> eps - x0;
                };
            }
        }

        /**
         * The gradient of the log density.
         *
         * @param x
         *            one sample, d numbers
         * @return the score
         */
        public double[] score(double... x) {
            shares(x, 0);
            double[] score = new double[dimension()];
            for (int k = 0; k < share.length; k++) {
                for (int j = 0; j < score.length; j++) {
                    score[j] -= share[k] * (x[j] - alpha * means[k][j]) * precisions[k][j];
                }
            }
            return score;
        }
    }
}
