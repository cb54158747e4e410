// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.schedule;

/**
 * Rectified flow: {@code x_t = (1 - t) x0 + t eps}, t in [0, 1] (Liu et al. 2022, arXiv:2209.03003; Lipman et al. 2022,
 * arXiv:2210.02747).
 *
 * @param cleanestTime
 *            the smallest time the network is asked for, in (0, 1)
 */
public record FlowSchedule(double cleanestTime) implements NoiseSchedule {

    /** Checks the range. */
    public FlowSchedule {
        ContinuousTime.check(cleanestTime, 1);
    }

    /** Down to t = 0.001, the first of 1000 training times. */
    public FlowSchedule() {
        this(1e-3);
    }

    @Override
    public double noisiestTime() {
        return 1;
    }

    @Override
    public Level level(double t) {
        ContinuousTime.check(t, 1);
        return Level.of(t, 1 - t, t);
    }

    @Override
    public double timeAtLambda(double lambda) {
        return Math.clamp(1 / (1 + Math.exp(lambda)), cleanestTime, 1);
    }
}
