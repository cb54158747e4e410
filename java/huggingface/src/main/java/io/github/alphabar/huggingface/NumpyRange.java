// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import java.util.Set;
import java.util.stream.IntStream;

/** Trailing timesteps, by numpy's float range or in whole numbers. */
final class NumpyRange {
    private NumpyRange() {
    }

    /** {@code round(arange(start, 0, -stride)) - 1}, from noisy to clean. */
    static double[] trailing(int start, double stride, int steps, Set<Quirk> quirks) {
        int n = steps;
        if (quirks.contains(Quirk.FLOAT_RANGE_TRAILING)) {
            n = (int) Math.ceil(-start / -stride);
        }
        // numpy adds multiples of the difference of the first two values, not of the stride.
        double delta = start - stride - start;
        return IntStream.range(0, n).mapToDouble(i -> Math.rint(start + i * delta) - 1).toArray();
    }
}
