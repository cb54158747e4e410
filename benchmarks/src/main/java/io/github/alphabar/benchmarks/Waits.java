// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import java.util.Collection;
import java.util.List;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.ScalarResult;

/** How long the host takes to queue work and how long a device takes to do it, where a benchmark says so. */
public final class Waits implements InternalProfiler {
    static final String HOST = "host.queuing";
    static final String DEVICE = "device";

    private static double host;
    private static double device;
    private static long calls;

    /** Instantiated by JMH. */
    public Waits() {
    }

    static synchronized void add(double hostNanos, double deviceNanos) {
        host += hostNanos;
        device += deviceNanos;
        calls++;
    }

    @Override
    public String getDescription() {
        return "Times of the host and of the device";
    }

    @Override
    public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
        synchronized (Waits.class) {
            host = 0;
            device = 0;
            calls = 0;
        }
    }

    @Override
    public Collection<? extends Result<?>> afterIteration(BenchmarkParams benchmark, IterationParams iteration,
            IterationResult result) {
        synchronized (Waits.class) {
            return calls == 0 ? List.of()
                    : List.of(new ScalarResult(HOST, host / calls, "ns/op", AggregationPolicy.AVG),
                            new ScalarResult(DEVICE, device / calls, "ns/op", AggregationPolicy.AVG));
        }
    }
}
