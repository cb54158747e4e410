// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.schedule;

/**
 * The beta tables of the field: {@code beta_t} is the variance of the noise added at training step t, and
 * {@code alphaBar_t = prod (1 - beta_s)} (Ho et al. 2020, arXiv:2006.11239, eq. 4).
 */
public final class Betas {
    private Betas() {
    }

    /**
     * Equally spaced betas (Ho et al. 2020, section 4).
     *
     * @param steps
     *            T, at least 1
     * @param start
     *            beta_0, in (0, 1)
     * @param end
     *            beta_{T-1}, in (0, 1)
     * @return T betas
     */
    public static double[] linear(int steps, double start, double end) {
        checkEnds(steps, start, end);
        double[] beta = new double[steps];
        for (int i = 0; i < steps; i++) {
            beta[i] = point(i, steps, start, end);
        }
        return beta;
    }

    /**
     * Betas whose square roots are equally spaced: the schedule of latent diffusion and Stable Diffusion.
     *
     * @param steps
     *            T, at least 1
     * @param start
     *            beta_0, in (0, 1)
     * @param end
     *            beta_{T-1}, in (0, 1)
     * @return T betas
     */
    public static double[] scaledLinear(int steps, double start, double end) {
        checkEnds(steps, start, end);
        double[] beta = linearUnchecked(steps, Math.sqrt(start), Math.sqrt(end));
        for (int i = 0; i < steps; i++) {
            beta[i] *= beta[i];
        }
        return beta;
    }

    /**
     * The capped squared-cosine schedule, {@code squaredcos_cap_v2} (Nichol and Dhariwal 2021, arXiv:2102.09672, eq. 17).
     *
     * @param steps
     *            T, at least 1
     * @return T betas, none above 0.999
     */
    public static double[] cosine(int steps) {
        checkSteps(steps);
        double[] beta = new double[steps];
        for (int i = 0; i < steps; i++) {
            beta[i] = Math.min(1 - cosineAlphaBar((i + 1.0) / steps) / cosineAlphaBar((double) i / steps), 0.999);
        }
        return beta;
    }

    /**
     * Betas on a logistic curve over [-6, 6], as used by GeoDiff.
     *
     * @param steps
     *            T, at least 1
     * @param start
     *            the lower asymptote, in (0, 1)
     * @param end
     *            the upper asymptote, in (0, 1)
     * @return T betas
     */
    public static double[] sigmoid(int steps, double start, double end) {
        checkEnds(steps, start, end);
        double[] beta = linearUnchecked(steps, -6, 6);
        for (int i = 0; i < steps; i++) {
            beta[i] = (end - start) / (1 + Math.exp(-beta[i])) + start;
        }
        return beta;
    }

    private static double cosineAlphaBar(double t) {
        double c = Math.cos((t + 0.008) / 1.008 * Math.PI / 2);
        return c * c;
    }

    private static double[] linearUnchecked(int steps, double start, double end) {
        double[] v = new double[steps];
        for (int i = 0; i < steps; i++) {
            v[i] = point(i, steps, start, end);
        }
        return v;
    }

    private static double point(int i, int steps, double start, double end) {
        return steps == 1 ? start : i == steps - 1 ? end : start + i * ((end - start) / (steps - 1));
    }

    private static void checkSteps(int steps) {
        if (steps < 1) {
            throw new IllegalArgumentException("A beta table needs at least 1 training step, but got " + steps + ".");
        }
    }

    private static void checkEnds(int steps, double start, double end) {
        checkSteps(steps);
        if (!(start > 0 && start < 1 && end > 0 && end < 1)) {
            throw new IllegalArgumentException(
                    "Betas are variances in (0, 1), but got start=" + start + ", end=" + end + ".");
        }
    }
}
