// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import java.util.Arrays;

/** What the network's calls and the fused steps took. Medians: the first calls meet cold caches and code not yet compiled. */
final class Timings {
    private final long[] network;
    private final long[] step;
    private int count;

    Timings(int calls) {
        network = new long[calls];
        step = new long[calls];
    }

    void add(long networkNanos, long stepNanos) {
        network[count] = networkNanos;
        step[count++] = stepNanos;
    }

    long[] network() {
        return network.clone();
    }

    long[] step() {
        return step.clone();
    }

    double networkMillis() {
        return median(network) / 1e6;
    }

    double stepMillis() {
        return median(step) / 1e6;
    }

    /** The step's share of both. */
    double share() {
        return stepMillis() / (networkMillis() + stepMillis());
    }

    private double median(long[] nanos) {
        long[] sorted = Arrays.copyOf(nanos, count);
        Arrays.sort(sorted);
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2.0;
    }
}
