// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.alphabar.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a run left in its folder: JMH's results and what it ran on. Immutable.
 *
 * @param figures
 *            in the order they were taken
 * @param machine
 *            what they depend on
 */
record Results(List<Figure> figures, Map<String, String> machine) {

    Results {
        figures = List.copyOf(figures);
    }

    static Results read(Path folder) {
        ObjectMapper mapper = JsonMapper.builder().build();
        Path results = folder.resolve("results.json");
        Path machine = folder.resolve("machine.json");
        for (Path file : List.of(results, machine)) {
            if (!Files.isRegularFile(file)) {
                throw new BenchmarkException(
                        "There is no '" + file + "'; name a folder that 'benchmarks run --out' wrote.");
            }
        }
        try {
            List<Figure> figures = new ArrayList<>();
            for (JsonNode entry : mapper.readTree(results.toFile())) {
                figures.add(figure(entry));
            }
            return new Results(figures,
                    mapper.readValue(machine.toFile(), new TypeReference<LinkedHashMap<String, String>>() {
                    }));
        } catch (IOException e) {
            throw new BenchmarkException("The results in '" + folder + "' cannot be read (" + e.getMessage()
                    + "); run the benchmarks again.", e);
        }
    }

    private static Figure figure(JsonNode entry) {
        String[] name = entry.get("benchmark").asText().split("\\.");
        Map<String, String> params = new LinkedHashMap<>();
        entry.path("params").properties().forEach(p -> params.put(p.getKey(), p.getValue().asText()));
        JsonNode primary = entry.get("primaryMetric");
        if (!primary.get("scoreUnit").asText().equals("ns/op")) {
            throw new BenchmarkException("A result is in " + primary.get("scoreUnit") + " instead of ns/op.");
        }
        List<Double> raw = new ArrayList<>();
        for (JsonNode fork : primary.get("rawData")) {
            fork.forEach(iteration -> raw.add(iteration.asDouble()));
        }
        double[] sorted = raw.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        int n = sorted.length;
        Map<String, Double> metrics = new HashMap<>();
        entry.path("secondaryMetrics")
                .properties()
                .forEach(m -> metrics.put(m.getKey(), m.getValue().path("score").asDouble()));
        return new Figure(new Point(name[name.length - 2], name[name.length - 1], params, 0),
                (sorted[(n - 1) / 2] + sorted[n / 2]) / 2, sorted[0], sorted[n - 1], n, metrics);
    }

    Stream<Figure> all(String benchmark, Map<String, String> params) {
        return figures.stream().filter(f -> f.is(benchmark, params));
    }

    Optional<Figure> step(String backend, Row row, DType dtype, long elements, int threads) {
        return all("FusedStep", Map.of("backend", backend, "row", row.id(), "dtype", dtype.name(), "elements",
                Long.toString(elements), "threads", Integer.toString(threads))).findFirst();
    }

    Optional<Figure> step(String backend, Row row, long elements) {
        return step(backend, row, DType.F32, elements, 1);
    }

    Optional<Figure> floor(String kind, int reads, int writes, long bytes, int threads) {
        return all("Floor", Map.of("kind", kind, "reads", Integer.toString(reads), "writes", Integer.toString(writes),
                "bytes", Long.toString(bytes), "threads", Integer.toString(threads))).findFirst();
    }

    /** The C loop over a row's streams; without a C compiler Java's. */
    Optional<Figure> floor(Row row, DType dtype, long elements, int threads) {
        long bytes = elements * dtype.bytes();
        return floor(Floor.C, row.reads(), row.writes(), bytes, threads)
                .or(() -> floor(Floor.JAVA, row.reads(), row.writes(), bytes, threads));
    }

    /** The figures of a benchmark without choices. */
    Optional<Figure> only(String benchmark, String method, Map<String, String> params) {
        return all(benchmark, params).filter(f -> f.point().method().equals(method)).findFirst();
    }

    /** All sizes that steps were timed at, in order. */
    List<Long> sizes() {
        return all("FusedStep", Map.of("dtype", "F32", "threads", "1")).map(Figure::elements)
                .distinct()
                .sorted()
                .toList();
    }

    /** What was timed twice, first and last: the noise of the run. */
    List<List<Figure>> repeated() {
        Map<Point, List<Figure>> times = new LinkedHashMap<>();
        for (Figure f : figures) {
            times.computeIfAbsent(f.point(), p -> new ArrayList<>()).add(f);
        }
        return times.values().stream().filter(t -> t.size() > 1).toList();
    }

    /** The largest difference between two identical points, as a share of the smaller. */
    double noise() {
        return repeated().stream().mapToDouble(t -> {
            double[] nanos = t.stream().mapToDouble(Figure::nanos).toArray();
            return Arrays.stream(nanos).max().orElseThrow() / Arrays.stream(nanos).min().orElseThrow() - 1;
        }).max().orElse(Double.NaN);
    }
}
