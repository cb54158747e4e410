// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.schedule;

import java.util.Arrays;

/**
 * A discrete variance-preserving schedule: a table of alphaBar at the integer times 0 .. T-1.
 *
 * <p>
 * Between the integers log(alpha) is linear in t, the continuous extension of DPM-Solver (Lu et al. 2022, arXiv:2206.00927,
 * appendix D.4), so that a time can be found for any lambda. Immutable.
 */
public final class TabulatedSchedule implements NoiseSchedule {
    private final double[] logAlphaBar;

    private TabulatedSchedule(double[] logAlphaBar) {
        this.logAlphaBar = logAlphaBar;
    }

    /**
     * A schedule from its betas; see {@link Betas}.
     *
     * @param betas
     *            T variances in (0, 1]; a last beta of 1 is zero terminal SNR
     * @return the schedule with {@code alphaBar_t = prod_{s <= t} (1 - beta_s)}, summed as log1p
     * @throws IllegalArgumentException
     *             for an empty table or a beta outside (0, 1]
     */
    public static TabulatedSchedule ofBetas(double... betas) {
        double[] log = new double[betas.length];
        double sum = 0;
        for (int i = 0; i < betas.length; i++) {
            if (!(betas[i] > 0 && betas[i] <= 1)) {
                throw new IllegalArgumentException("Beta must be in (0, 1], but beta[" + i + "] is " + betas[i] + ".");
            }
            sum += Math.log1p(-betas[i]);
            log[i] = sum;
        }
        return checked(log);
    }

    /**
     * A schedule from alphaBar itself.
     *
     * @param alphaBar
     *            T values, strictly decreasing within (0, 1), the last may be 0
     * @return the schedule
     * @throws IllegalArgumentException
     *             where the values do not decrease or leave the range
     */
    public static TabulatedSchedule ofAlphaBar(double... alphaBar) {
        double[] log = new double[alphaBar.length];
        for (int i = 0; i < log.length; i++) {
            if (!(alphaBar[i] >= 0 && alphaBar[i] < 1)) {
                throw new IllegalArgumentException(
                        "alphaBar must be in [0, 1), but alphaBar[" + i + "] is " + alphaBar[i] + ".");
            }
            log[i] = Math.log(alphaBar[i]);
        }
        return checked(log);
    }

    /**
     * The schedule of DDPM and most pixel models: linear betas 0.0001 .. 0.02 over 1000 steps.
     *
     * @return the schedule
     */
    public static TabulatedSchedule ddpmLinear() {
        return ofBetas(Betas.linear(1000, 1e-4, 0.02));
    }

    /**
     * The schedule of Stable Diffusion: scaled linear betas 0.00085 .. 0.012 over 1000 steps.
     *
     * @return the schedule
     */
    public static TabulatedSchedule stableDiffusion() {
        return ofBetas(Betas.scaledLinear(1000, 0.00085, 0.012));
    }

    private static TabulatedSchedule checked(double[] log) {
        if (log.length == 0) {
            throw new IllegalArgumentException("A schedule needs at least one training step, but the table is empty.");
        }
        for (int i = 0; i < log.length; i++) {
            boolean lower = i == 0 ? log[i] < 0 : log[i] < log[i - 1];
            if (!lower) {
                throw new IllegalArgumentException("alphaBar must decrease strictly, but alphaBar[" + i + "] = "
                        + Math.exp(log[i]) + " follows " + (i == 0 ? "1" : Math.exp(log[i - 1])) + ".");
            }
        }
        return new TabulatedSchedule(log);
    }

    /**
     * Shifts and scales sqrt(alphaBar) so that the last level is pure noise (Lin et al. 2023, arXiv:2305.08891, algorithm 1).
     *
     * @return a schedule with the same first level and {@code alphaBar_{T-1} = 0}
     * @throws IllegalArgumentException
     *             for a schedule of one step, which has no end to move
     */
    public TabulatedSchedule zeroTerminalSnr() {
        int n = logAlphaBar.length;
        if (n < 2) {
            throw new IllegalArgumentException("Zero terminal SNR needs at least 2 training steps, but there is 1.");
        }
        double first = Math.exp(0.5 * logAlphaBar[0]);
        double last = Math.exp(0.5 * logAlphaBar[n - 1]);
        double[] log = new double[n];
        log[0] = logAlphaBar[0];
        for (int i = 1; i < n; i++) {
            log[i] = 2 * Math.log((Math.exp(0.5 * logAlphaBar[i]) - last) * (first / (first - last)));
        }
        return checked(log);
    }

    @Override
    public int trainSteps() {
        return logAlphaBar.length;
    }

    @Override
    public double cleanestTime() {
        return 0;
    }

    @Override
    public double noisiestTime() {
        return logAlphaBar.length - 1;
    }

    @Override
    public Level level(double t) {
        if (!(t >= 0 && t <= noisiestTime())) {
            throw new IllegalArgumentException(
                    "The schedule has the times 0 to " + (logAlphaBar.length - 1) + ", but got t="
                            + t + "; choose fewer steps or a smaller offset.");
        }
        int i = (int) t;
        double fraction = t - i;
        double log = fraction == 0 ? logAlphaBar[i] : logAlphaBar[i] + fraction * (logAlphaBar[i + 1] - logAlphaBar[i]);
        return Level.ofLogAlphaBar(t, log);
    }

    @Override
    public double timeAtLambda(double lambda) {
        // alphaBar = sigmoid(2 lambda); log1p(exp(.)) with the sign that cannot overflow.
        double target = lambda > 0 ? -Math.log1p(Math.exp(-2 * lambda)) : 2 * lambda - Math.log1p(Math.exp(2 * lambda));
        if (target >= logAlphaBar[0]) {
            return 0;
        }
        int n = logAlphaBar.length;
        if (target <= logAlphaBar[n - 1]) {
            return n - 1;
        }
        int lo = 0;
        int hi = n - 1;
        while (hi - lo > 1) {
            int mid = (lo + hi) >>> 1;
            if (logAlphaBar[mid] >= target) {
                lo = mid;
            } else {
                hi = mid;
            }
        }
        return lo + (target - logAlphaBar[lo]) / (logAlphaBar[hi] - logAlphaBar[lo]);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TabulatedSchedule that && Arrays.equals(logAlphaBar, that.logAlphaBar);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(logAlphaBar);
    }

    @Override
    public String toString() {
        return "TabulatedSchedule[T=" + logAlphaBar.length + ", alphaBar " + level(0).alphaBar() + " .. "
                + level(noisiestTime()).alphaBar() + "]";
    }
}
