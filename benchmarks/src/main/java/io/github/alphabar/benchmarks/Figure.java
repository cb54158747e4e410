// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import java.util.Map;
import java.util.Optional;

/**
 * What one point took.
 *
 * @param point
 *            the point
 * @param nanos
 *            the median of all iterations of all forks, for one call
 * @param least
 *            the fastest iteration
 * @param most
 *            the slowest iteration
 * @param iterations
 *            how many there were
 * @param metrics
 *            what else was counted, by name: the mean of all iterations
 */
record Figure(Point point, double nanos, double least, double most, int iterations, Map<String, Double> metrics) {

    Figure {
        metrics = Map.copyOf(metrics);
    }

    Optional<Double> metric(String name) {
        return Optional.ofNullable(metrics.get(name));
    }

    boolean is(String benchmark, Map<String, String> params) {
        return point.benchmark().equals(benchmark) && point.params().entrySet().containsAll(params.entrySet());
    }

    long elements() {
        return Long.parseLong(point.params().get("elements"));
    }

    /** Bytes moved by one call. */
    long bytes() {
        return Traffic.bytes(point.benchmark(), point.params());
    }

    double gigabytesPerSecond() {
        return bytes() / nanos;
    }
}
