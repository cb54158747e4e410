// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.schedule;

/**
 * The continuous variance-preserving schedule with a linear rate, {@code beta(t) = betaMin + t (betaMax - betaMin)}:
 *
 * <pre>
 * log alpha(t) = -t^2 (betaMax - betaMin) / 4 - t betaMin / 2        Song et al. 2021, arXiv:2011.13456, eq. 33
 * </pre>
 *
 * @param betaMin
 *            the rate at t = 0, positive; 0.1 is usual
 * @param betaMax
 *            the rate at t = 1, above betaMin; 20 is usual
 * @param cleanestTime
 *            the smallest time the network is asked for, in (0, 1); 0.001 is usual
 */
public record VpLinearSchedule(double betaMin, double betaMax, double cleanestTime) implements NoiseSchedule {

    /** Checks the ranges. */
    public VpLinearSchedule {
        if (!(betaMin > 0 && betaMax > betaMin && Double.isFinite(betaMax))) {
            throw new IllegalArgumentException(
                    "VP-linear needs 0 < betaMin < betaMax, but got " + betaMin + " and " + betaMax + ".");
        }
        ContinuousTime.check(cleanestTime, 1);
    }

    /** The usual rates 0.1 and 20, down to t = 0.001. */
    public VpLinearSchedule() {
        this(0.1, 20, 1e-3);
    }

    @Override
    public double noisiestTime() {
        return 1;
    }

    @Override
    public Level level(double t) {
        ContinuousTime.check(t, 1);
        return Level.ofLogAlphaBar(t, -0.5 * t * t * (betaMax - betaMin) - t * betaMin);
    }

    @Override
    public double timeAtLambda(double lambda) {
        double spread = betaMax - betaMin;
        double tmp = 2 * spread * ContinuousTime.softplus(-2 * lambda);
        // At lambda = -infinity a quotient of infinities.
        double t = Double.isInfinite(tmp) ? 1 : tmp / (Math.sqrt(betaMin * betaMin + tmp) + betaMin) / spread;
        return Math.clamp(t, cleanestTime, 1);
    }
}
