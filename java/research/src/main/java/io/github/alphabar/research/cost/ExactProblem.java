// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

import io.github.alphabar.plan.Prediction;
import io.github.alphabar.research.problem.GaussianMixture;
import io.github.alphabar.research.problem.ProbabilityFlow;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.tensor.HostTensor;
import java.util.Random;

/**
 * Data whose perfect network is known: {@code gaussian[:D]} and {@code mixture[:D[:K]]}.
 *
 * <p>
 * The Gaussian has means between -0.5 and 0.5 and standard deviations from 0.2 to 1.5. The mixture (2 dimensions and 8
 * components unless said) has K centres drawn uniformly from [-1, 1]^D, deviations between 0.1 and 0.3 and weights between 1 and 2
 * before scaling: in two dimensions the modes overlap. In many they do not, and a sample near the watershed between two ends in
 * one or the other however small the error of a step: its error is then the distance of the modes. Both are drawn from a fixed seed: the same name is the same data everywhere.
 *
 * @param name
 *            the name
 * @param data
 *            the distribution
 */
public record ExactProblem(String name, GaussianMixture data) implements Problem {
    private static final long SEED = 20260101;
    private static final int MOST = 4096;

    /**
     * A problem by its name.
     *
     * @param text
     *            {@code gaussian}, {@code gaussian:2}, {@code mixture}, {@code mixture:16}, {@code mixture:16:8}
     * @return the problem
     * @throws IllegalArgumentException
     *             for an unknown name, listing the known ones
     */
    public static ExactProblem parse(String text) {
        String[] parts = text.strip().split(":", -1);
        boolean mixture = parts[0].equals("mixture");
        if (!mixture && !parts[0].equals("gaussian") || parts.length > (mixture ? 3 : 2)) {
            throw new IllegalArgumentException("Unknown problem '" + text
                    + "'; the problems are gaussian[:D], mixture[:D[:K]] and digits.");
        }
        int d = number(text, parts, 1, mixture ? 2 : 16);
        int k = mixture ? number(text, parts, 2, 8) : 1;
        return mixture ? mixture(d, k) : gaussian(d);
    }

    private static int number(String text, String[] parts, int index, int otherwise) {
        if (parts.length <= index) {
            return otherwise;
        }
        try {
            int value = Integer.parseInt(parts[index]);
            if (value >= 1 && value <= MOST) {
                return value;
            }
        } catch (NumberFormatException e) {
            // told below
        }
        throw new IllegalArgumentException("Problem '" + text + "' needs whole numbers from 1 to " + MOST
                + " after the colons, as in mixture:16:8.");
    }

    private static ExactProblem gaussian(int d) {
        double[] mean = new double[d];
        double[] deviation = new double[d];
        for (int j = 0; j < d; j++) {
            double u = d == 1 ? 0.5 : j / (d - 1.0);
            // Means and deviations do not rise together: (j * 7) mod d walks the same values in another order.
            mean[j] = (d == 1 ? 0.5 : (j * 7 % d) / (d - 1.0)) - 0.5;
            deviation[j] = 0.2 + 1.3 * u;
        }
        return new ExactProblem("gaussian:" + d, GaussianMixture.gaussian(mean, deviation));
    }

    private static ExactProblem mixture(int d, int k) {
        Random random = new Random(SEED);
        double[] weights = new double[k];
        double[][] means = new double[k][d];
        double[][] deviations = new double[k][d];
        for (int i = 0; i < k; i++) {
            weights[i] = 1 + random.nextDouble();
            for (int j = 0; j < d; j++) {
                means[i][j] = 2 * random.nextDouble() - 1;
                deviations[i][j] = 0.1 + 0.2 * random.nextDouble();
            }
        }
        return new ExactProblem("mixture:" + d + ":" + k, new GaussianMixture(weights, means, deviations));
    }

    @Override
    public int dimension() {
        return data.dimension();
    }

    @Override
    public NoiseSchedule schedule() {
        return null;
    }

    @Override
    public void evaluate(HostTensor input, Level at, Prediction prediction, HostTensor output) {
        double[] x = input.toDoubleArray();
        double[] g = new double[x.length];
        GaussianMixture.Network network = data.at(at);
        for (int i = 0; i < x.length; i += dimension()) {
            network.output(prediction, x, i, g, i);
        }
        output.copyFrom(HostTensor.of(g));
    }

    @Override
    public double[] end(Level from, Level to, double[] x) {
        return new ProbabilityFlow(data).end(from, to, x);
    }

    @Override
    public double[] samples(Level at, int count, long seed) {
        return data.marginal(at).sample(count, seed);
    }

    @Override
    public void close() {
        // holds nothing
    }
}
