// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

/**
 * The quantile function of the symmetric beta distribution B(a, a), for diffusers' beta sigmas (Lee et al. 2024,
 * arXiv:2407.12173). Found by bisection and Newton steps on the regularised incomplete beta function, whose series converges
 * quickly on [0, 1/2]; the other half follows by symmetry.
 */
final class BetaQuantile {
    private BetaQuantile() {
    }

    static double of(double p, double a) {
        if (!(p > 0)) {
            return 0;
        }
        if (p >= 1) {
            return 1;
        }
        return p > 0.5 ? 1 - lower(1 - p, a) : lower(p, a);
    }

    private static double lower(double p, double a) {
        double lo = 0;
        double hi = 0.5;
        double norm = 1 / beta(a);
        double x = Math.pow(p * a / norm, 1 / a);
        x = Math.min(x, 0.5);
        for (int i = 0; i < 200; i++) {
            double error = cdf(x, a, norm) - p;
            if (error > 0) {
                hi = x;
            } else {
                lo = x;
            }
            double slope = norm * Math.pow(x, a - 1) * Math.pow(1 - x, a - 1);
            double next = x - error / slope;
            if (!(next > lo && next < hi)) {
                next = (lo + hi) / 2;
            }
            if (Math.abs(next - x) <= 0x1p-53 * x) {
                return next;
            }
            x = next;
        }
        return x;
    }

    /** x^a sum_k (1-a)_k x^k / (k! (a + k)) / B(a, a). */
    private static double cdf(double x, double a, double norm) {
        double term = 1;
        double sum = 1 / a;
        for (int k = 1; k < 400; k++) {
            term *= (k - a) / k * x;
            double add = term / (a + k);
            sum += add;
            if (add < sum * 0x1p-60) {
                break;
            }
        }
        return norm * Math.pow(x, a) * sum;
    }

    /** B(a, a), by twice its lower half. */
    private static double beta(double a) {
        return 2 * cdf(0.5, a, 1);
    }
}
