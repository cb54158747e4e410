// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.ScalarResult;

/**
 * Bytes that the threads which work allocate for each call: JMH's and the backend's workers. JMH's own profiler counts the threads that
 * wait for them as well. What JMH's worker allocates once an iteration is still in it: less than a byte where calls take microseconds,
 * and a call that allocates anything allocates 16 bytes at least.
 */
public final class Allocation implements InternalProfiler {
    static final String METRIC = "allocated";

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final Map<Long, Long> before = new HashMap<>();

    /** Instantiated by JMH. */
    public Allocation() {
    }

    @Override
    public String getDescription() {
        return "Bytes allocated by the threads that work";
    }

    private static Map<Long, Long> allocated() {
        Map<Long, Long> bytes = new HashMap<>();
        long[] ids = Arrays.stream(THREADS.getThreadInfo(THREADS.getAllThreadIds()))
                .filter(t -> t != null
                        && (t.getThreadName().contains("jmh-worker")
                                || t.getThreadName().startsWith("alphabar-worker")))
                .mapToLong(java.lang.management.ThreadInfo::getThreadId)
                .toArray();
        long[] values = THREADS.getThreadAllocatedBytes(ids);
        for (int k = 0; k < ids.length; k++) {
            bytes.put(ids[k], values[k]);
        }
        return bytes;
    }

    @Override
    public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
        before.clear();
        before.putAll(allocated());
    }

    @Override
    public Collection<? extends Result<?>> afterIteration(BenchmarkParams benchmark, IterationParams iteration,
            IterationResult result) {
        Map<Long, Long> after = allocated();
        if (after.isEmpty() || result.getMetadata() == null || result.getMetadata().getMeasuredOps() == 0) {
            return List.of();
        }
        long bytes = 0;
        for (Map.Entry<Long, Long> thread : after.entrySet()) {
            bytes += thread.getValue() - before.getOrDefault(thread.getKey(), 0L);
        }
        return List.of(new ScalarResult(METRIC, (double) bytes / result.getMetadata().getMeasuredOps(), "B/op",
                AggregationPolicy.AVG));
    }
}
