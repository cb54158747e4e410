// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.tensor.DType;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.ScalarResult;

/** Adds the bytes that one call has to move, and the bandwidth that makes, to each result. */
public final class Traffic implements InternalProfiler {

    /** Instantiated by JMH. */
    public Traffic() {
    }

    @Override
    public String getDescription() {
        return "Bytes moved and bandwidth";
    }

    @Override
    public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
        // Known from the parameters.
    }

    @Override
    public Collection<? extends Result<?>> afterIteration(BenchmarkParams benchmark, IterationParams iteration,
            IterationResult result) {
        if (result.getRawPrimaryResults().isEmpty()) {
            // The iteration failed, and its own exception is to be seen.
            return List.of();
        }
        String type = benchmark.getBenchmark();
        String simple = type.substring(0, type.lastIndexOf('.'));
        long bytes = bytes(simple.substring(simple.lastIndexOf('.') + 1), benchmark::getParam);
        double nanos = result.getPrimaryResult().getScore();
        return bytes == 0 ? List.of()
                : List.of(new ScalarResult("bytes.moved", bytes, "B/op", AggregationPolicy.AVG),
                        new ScalarResult("bandwidth", bytes / nanos, "GB/s", AggregationPolicy.AVG));
    }

    static long bytes(String benchmark, Map<String, String> params) {
        return bytes(benchmark, params::get);
    }

    /** Bytes read and written by one call; 0 where that is not what it is about. */
    private static long bytes(String benchmark, UnaryOperator<String> param) {
        return switch (benchmark) {
            case "FusedStep" -> Row.named(param.apply("row"))
                    .bytes(DType.parse(param.apply("dtype")), Long.parseLong(param.apply("elements")));
            case "NormalDraws" -> 4 * Long.parseLong(param.apply("elements"));
            case "Floor" -> (Long.parseLong(param.apply("reads")) + Long.parseLong(param.apply("writes")))
                    * Long.parseLong(param.apply("bytes"));
            default -> 0;
        };
    }
}
