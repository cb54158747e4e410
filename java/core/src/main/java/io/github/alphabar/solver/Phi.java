// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

/**
 * The functions of exponential integrators,
 *
 * <pre>
 * phi_1(z) = (e^z - 1) / z,  phi_2(z) = (phi_1(z) - 1) / z,  phi_3(z) = (phi_2(z) - 1/2) / z
 * </pre>
 *
 * (Hochbruck and Ostermann 2010, eq. 2.10). Near 0 the quotients cancel, so the Taylor series is summed there: many steps on a
 * grid mean small z.
 */
final class Phi {
    private Phi() {
    }

    static double phi2(double z) {
        if (Math.abs(z) < 1) {
            return series(z, 2);
        }
        return Double.isInfinite(z) && z < 0 ? 0 : (Math.expm1(z) - z) / (z * z);
    }

    static double phi3(double z) {
        if (Math.abs(z) < 1) {
            return series(z, 3);
        }
        return Double.isInfinite(z) && z < 0 ? 0 : (Math.expm1(z) - z - 0.5 * z * z) / (z * z * z);
    }

    /** sum_k z^k / (k + p)!, Horner from the term below half an ulp at |z| = 1. */
    private static double series(double z, int p) {
        double factorial = 1;
        for (int i = 2; i <= p; i++) {
            factorial *= i;
        }
        double sum = 1;
        for (int k = 18; k >= 1; k--) {
            sum = 1 + z / (k + p) * sum;
        }
        return sum / factorial;
    }
}
