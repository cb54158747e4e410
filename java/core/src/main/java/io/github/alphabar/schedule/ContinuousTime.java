// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.schedule;

/** What the continuous schedules share. */
final class ContinuousTime {
    private ContinuousTime() {
    }

    static void check(double t, double end) {
        if (!(t > 0 && t <= end)) {
            throw new IllegalArgumentException("The schedule has the times (0, " + end + "], but got t=" + t + ".");
        }
    }

    /** log(1 + e^x) without overflow. */
    static double softplus(double x) {
        return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
    }
}
