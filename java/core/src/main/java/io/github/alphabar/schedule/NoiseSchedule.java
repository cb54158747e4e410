// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.schedule;

/**
 * How signal and noise are mixed at every time of the diffusion: {@code x_t = alpha(t) x0 + sigma(t) eps}.
 *
 * <p>
 * Implementations are immutable and safe to share between threads. Everything is double; nothing is cached or interpolated in
 * float.
 */
public interface NoiseSchedule {

    /**
     * The level at a time.
     *
     * @param t
     *            a time in [{@link #cleanestTime()}, {@link #noisiestTime()}], fractional values allowed
     * @return alpha, sigma and lambda there
     * @throws IllegalArgumentException
     *             outside the range
     */
    Level level(double t);

    /**
     * The time at which half the log signal-to-noise ratio has a value; the inverse of {@link #level(double)}.
     *
     * @param lambda
     *            {@code log(alpha / sigma)}; values beyond the ends are clamped to them
     * @return the time, in the units of {@link #level(double)}
     */
    double timeAtLambda(double lambda);

    /**
     * The time with the least noise the network was trained on.
     *
     * @return 0 for a discrete schedule
     */
    double cleanestTime();

    /**
     * The time with the most noise.
     *
     * @return {@code trainSteps() - 1} for a discrete schedule
     */
    double noisiestTime();

    /**
     * The number of training timesteps of a discrete schedule.
     *
     * @return T, or 0 for a continuous schedule
     */
    default int trainSteps() {
        return 0;
    }

    /**
     * Whether times are the integers 0 .. T-1 the network was trained on.
     *
     * @return true for a discrete schedule
     */
    default boolean isDiscrete() {
        return trainSteps() > 0;
    }

    /**
     * alphaBar at a time.
     *
     * @param t
     *            the time
     * @return {@code alpha(t)^2} for a variance-preserving schedule
     */
    default double alphaBar(double t) {
        return level(t).alphaBar();
    }
}
