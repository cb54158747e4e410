// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.schedule;

/**
 * A noise level: a noisy sample at this level is {@code x = alpha x0 + sigma eps} with {@code eps ~ N(0, I)}.
 *
 * <p>
 * Immutable and safe to share between threads.
 *
 * @param t
 *            the time the network is given, in the units of the schedule (training steps for a discrete schedule)
 * @param alpha
 *            the signal scale, {@code sqrt(alphaBar)} for a variance-preserving schedule; in [0, 1]
 * @param sigma
 *            the noise scale, {@code sqrt(1 - alphaBar)} for a variance-preserving schedule; at least 0
 * @param lambda
 *            half the log signal-to-noise ratio, {@code log(alpha / sigma)}; infinite at the two ends
 */
public record Level(double t, double alpha, double sigma, double lambda) {

    /** Checks the ranges. */
    public Level {
        if (!(alpha >= 0) || !(sigma >= 0) || Double.isInfinite(alpha) || Double.isInfinite(sigma)
                || (alpha == 0 && sigma == 0)) {
            throw new IllegalArgumentException(
                    "A level needs finite alpha >= 0 and sigma >= 0, not both 0, but got alpha="
                            + alpha + ", sigma=" + sigma + ".");
        }
        if (Double.isNaN(t) || Double.isNaN(lambda)) {
            throw new IllegalArgumentException(
                    "A level needs a time and a lambda, but got t=" + t + ", lambda=" + lambda + ".");
        }
    }

    /**
     * A level from its two scales.
     *
     * @param t
     *            the network's time
     * @param alpha
     *            signal scale
     * @param sigma
     *            noise scale
     * @return the level, with {@code lambda = log(alpha) - log(sigma)}
     */
    public static Level of(double t, double alpha, double sigma) {
        return new Level(t, alpha, sigma, Math.log(alpha) - Math.log(sigma));
    }

    /**
     * A variance-preserving level from the logarithm of alphaBar. {@code 1 - alphaBar} is taken by {@code expm1}, so that it
     * keeps its precision where alphaBar is close to 1 (the clean end of a schedule).
     *
     * @param t
     *            the network's time
     * @param logAlphaBar
     *            {@code log(alphaBar)}, at most 0; minus infinity is zero terminal SNR
     * @return the level
     */
    public static Level ofLogAlphaBar(double t, double logAlphaBar) {
        double alpha = Math.exp(0.5 * logAlphaBar);
        // Not -expm1: at alphaBar = 1 that is the negative zero.
        double variance = 0 - Math.expm1(logAlphaBar);
        return new Level(t, alpha, Math.sqrt(variance), 0.5 * (logAlphaBar - Math.log(variance)));
    }

    /**
     * A variance-preserving level from the noise-to-signal ratio that Karras et al. (2022) and k-diffusion call sigma.
     *
     * @param t
     *            the network's time
     * @param ratio
     *            {@code sigma / alpha}, at least 0; 0 is the clean level
     * @return the level with {@code alpha = 1 / sqrt(1 + ratio^2)}, {@code sigma = ratio alpha}
     */
    public static Level ofNoiseRatio(double t, double ratio) {
        double alpha = 1 / Math.sqrt(1 + ratio * ratio);
        return new Level(t, alpha, ratio * alpha, -Math.log(ratio));
    }

    /**
     * The clean level, alphaBar = 1: where sampling ends unless told otherwise.
     *
     * @param t
     *            the time to give a network asked at this level (inversion starts here)
     * @return alpha 1, sigma 0
     */
    public static Level clean(double t) {
        return new Level(t, 1, 0, Double.POSITIVE_INFINITY);
    }

    /**
     * The same noise under another network time.
     *
     * @param time
     *            the time the network is to be given
     * @return a level with this alpha, sigma and lambda
     */
    public Level withTime(double time) {
        return new Level(time, alpha, sigma, lambda);
    }

    /**
     * The fraction of signal variance.
     *
     * @return {@code alpha^2 / (alpha^2 + sigma^2)}, which is alphaBar for a variance-preserving schedule
     */
    public double alphaBar() {
        return alpha * alpha / (alpha * alpha + sigma * sigma);
    }

    /**
     * The standard deviation of unit-variance data at this level: the scale of the initial noise.
     *
     * @return {@code sqrt(alpha^2 + sigma^2)}; 1 for a variance-preserving schedule
     */
    public double scale() {
        double s = Math.hypot(alpha, sigma);
        return Math.abs(s - 1) < 1e-12 ? 1 : s;
    }

    /**
     * The noise-to-signal ratio.
     *
     * @return {@code sigma / alpha}, infinite where alpha is 0
     */
    public double noiseRatio() {
        return sigma / alpha;
    }
}
