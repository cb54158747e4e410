// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * One thing to time: a benchmark's method with all its parameters.
 *
 * @param benchmark
 *            the class, by its simple name
 * @param method
 *            the method
 * @param params
 *            the parameters
 * @param heapGigabytes
 *            the fixed size of the heap
 */
record Point(String benchmark, String method, Map<String, String> params, int heapGigabytes) {
    Point {
        params = new TreeMap<>(params);
    }

    /** Who is timed, or null where there is no choice. */
    String backend() {
        return params.get("backend");
    }

    @Override
    public String toString() {
        return benchmark + "." + method + params.entrySet()
                .stream()
                .map(e -> e.getKey() + "=" + e.getValue())
                .collect(Collectors.joining(", ", "(", ")"));
    }
}
