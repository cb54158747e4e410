// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Times points by JMH, each in JVMs of its own. */
final class Timing {
    /** What every JVM that is timed gets, besides its heap. */
    static final List<String> FLAGS = List.of("--add-modules", "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED", "-XX:+AlwaysPreTouch");

    /** Where JavaCPP unpacks natives: the JVMs that are timed must not find those of another build. */
    private static final String CACHE = "org.bytedeco.javacpp.cachedir";

    private final Suite.Size size;
    private final Path log;

    Timing(Suite.Size size, Path log) {
        this.size = size;
        this.log = log;
    }

    /**
     * Times one point.
     *
     * @throws BenchmarkException
     *             with the reason, where it was refused or failed
     */
    Collection<RunResult> time(Point point) {
        List<String> jvm = new ArrayList<>(FLAGS);
        jvm.add("-Xms" + point.heapGigabytes() + "g");
        jvm.add("-Xmx" + point.heapGigabytes() + "g");
        if (System.getProperty(CACHE) != null) {
            jvm.add("-D" + CACHE + "=" + System.getProperty(CACHE));
        }
        ChainedOptionsBuilder options = new OptionsBuilder()
                .include("^" + Timing.class.getPackageName().replace(".", "\\.") + "\\." + point.benchmark() + "\\."
                        + point.method() + "$")
                .forks(Suite.FORKS)
                .warmupIterations(size.warmups)
                .warmupTime(size.time)
                .measurementIterations(size.iterations)
                .measurementTime(size.time)
                .jvmArgs(jvm.toArray(String[]::new))
                .addProfiler(GCProfiler.class)
                .addProfiler(Allocation.class)
                .addProfiler(Waits.class)
                .addProfiler(Traffic.class)
                .shouldFailOnError(true)
                .verbosity(VerboseMode.NORMAL)
                .output(log.toString());
        point.params().forEach((name, value) -> options.param(name, value));
        try {
            return new Runner(options.build()).run();
        } catch (RunnerException e) {
            throw new BenchmarkException(point + ": " + reason(e), e);
        }
    }

    /** What the JVM that was timed said. */
    private static String reason(Throwable e) {
        for (Throwable suppressed : e.getSuppressed()) {
            return reason(suppressed);
        }
        return e.getCause() != null ? reason(e.getCause()) : String.valueOf(e.getMessage());
    }

    /** JMH's own format, one text for each result, without what can be computed from the rest. */
    static List<String> json(Collection<RunResult> results) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (PrintStream out = new PrintStream(bytes, false, StandardCharsets.UTF_8)) {
            ResultFormatFactory.getInstance(ResultFormatType.JSON, out).writeOut(results);
        }
        ObjectMapper mapper = JsonMapper.builder().build();
        List<String> entries = new ArrayList<>();
        try {
            for (JsonNode entry : mapper.readTree(bytes.toByteArray())) {
                for (JsonNode metric : entry.get("secondaryMetrics")) {
                    ((ObjectNode) metric).remove(List.of("scorePercentiles", "scoreConfidence", "rawData"));
                }
                ((ObjectNode) entry.get("primaryMetric")).remove("scorePercentiles");
                // Folders of the machine that timed say nothing about the figure; machine.json has the JDK and the flags.
                ((ObjectNode) entry).remove(List.of("jvm", "jvmArgs"));
                entries.add(mapper.writeValueAsString(entry));
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return entries;
    }

    /** A file of such results. */
    static byte[] file(List<String> entries) {
        return ("[\n" + String.join(",\n", entries) + "\n]\n").getBytes(StandardCharsets.UTF_8);
    }
}
