// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.schedule;

/**
 * The continuous cosine schedule (Nichol and Dhariwal 2021, arXiv:2102.09672, eq. 17, without the cap):
 *
 * <pre>
 * alpha(t) = cos((t + s) / (1 + s) pi / 2) / cos(s / (1 + s) pi / 2)
 * </pre>
 *
 * @param s
 *            the small offset, positive; 0.008 is usual
 * @param cleanestTime
 *            the smallest time the network is asked for, in (0, 1)
 * @param noisiestTime
 *            the largest time, below 1 (at 1 there is no signal); 0.9946 is what DPM-Solver uses
 */
public record VpCosineSchedule(double s, double cleanestTime, double noisiestTime) implements NoiseSchedule {

    /** Checks the ranges. */
    public VpCosineSchedule {
        if (!(s > 0 && s < 1)) {
            throw new IllegalArgumentException("VP-cosine needs an offset s in (0, 1), but got " + s + ".");
        }
        if (!(noisiestTime > 0 && noisiestTime < 1)) {
            throw new IllegalArgumentException(
                    "VP-cosine has no signal at t = 1; the noisiest time must be in (0, 1), but got "
                            + noisiestTime + ".");
        }
        ContinuousTime.check(cleanestTime, noisiestTime);
    }

    /** The usual offset 0.008, times 0.001 to 0.9946. */
    public VpCosineSchedule() {
        this(0.008, 1e-3, 0.9946);
    }

    @Override
    public Level level(double t) {
        ContinuousTime.check(t, noisiestTime);
        // alpha = 1 - lost; near the clean end the loss by the sum rule keeps the digits that log(cos) cancels.
        double lost = 2 * Math.sin(angle(t + 2 * s) / 2) * Math.sin(angle(t) / 2) / Math.cos(angle(s));
        double logAlpha = lost < 0.5 ? Math.log1p(-lost) : Math.log(Math.cos(angle(t + s)) / Math.cos(angle(s)));
        return Level.ofLogAlphaBar(t, 2 * logAlpha);
    }

    @Override
    public double timeAtLambda(double lambda) {
        double lost = -Math.expm1(-0.5 * ContinuousTime.softplus(-2 * lambda));
        // sin^2(A/2) = (1 - cos A) / 2 with cos A = (1 - lost) cos(angle(s)): acos would lose half the digits of a small A.
        double half = Math.sin(angle(s) / 2);
        double a = 2 * Math.asin(Math.sqrt(half * half + lost * Math.cos(angle(s)) / 2));
        return Math.clamp(a * 2 * (1 + s) / Math.PI - s, cleanestTime, noisiestTime);
    }

    private double angle(double shifted) {
        return shifted / (1 + s) * Math.PI / 2;
    }
}
