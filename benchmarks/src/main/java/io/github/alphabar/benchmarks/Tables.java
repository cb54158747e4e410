// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.tensor.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The tables of the report, in Markdown. */
final class Tables {
    private static final List<String> BACKENDS = List.of("vector", "native", "cuda", "scalar");
    private static final List<String> PEERS = List.of(JavaPeer.NAME, Contenders.TORCH);
    private static final Map<String, String> TITLES = Map.of(JavaPeer.NAME, "op by op in Java", Contenders.TORCH,
            "eager libtorch", "jdk", "JDK RandomGenerator", "commons-rng", "Commons RNG");

    private final Results results;

    Tables(Results results) {
        this.results = results;
    }

    static String title(String contender) {
        return TITLES.getOrDefault(contender, contender);
    }

    String machine() {
        List<List<String>> rows = new ArrayList<>();
        results.machine().forEach((name, value) -> rows.add(List.of(name, value.replace("|", "\\|"))));
        return Text.table(List.of("", ""), rows).replace("---:", "---");
    }

    String goals() {
        List<List<String>> rows = new ArrayList<>();
        for (Goals.Goal g : Goals.of(results)) {
            rows.add(List.of(g.what(), g.measured(), g.holds().map(h -> h ? "yes" : "no").orElse("")));
        }
        return Text.table(List.of("goal", "measured", "holds"), rows);
    }

    /** Rows of one size: times, the share of the floor, how often slower peers are than vector. */
    String steps(long elements, List<Row> rows) {
        List<String> columns = new ArrayList<>();
        for (String name : concat(BACKENDS, PEERS)) {
            if (rows.stream().anyMatch(r -> results.step(name, r, elements).isPresent())) {
                columns.add(name);
            }
        }
        List<String> header = new ArrayList<>(List.of("row", "moves", "C loop"));
        columns.forEach(c -> header.add(title(c)));
        List<List<String>> lines = new ArrayList<>();
        for (Row row : rows) {
            Optional<Figure> floor = results.floor(row, DType.F32, elements, 1);
            List<String> line = new ArrayList<>(List.of(row.title(), row.reads() + "r + " + row.writes() + "w",
                    floor.map(f -> Text.time(f.nanos())).orElse("")));
            for (String column : columns) {
                Optional<Figure> step = results.step(column, row, elements);
                Optional<Double> share = Goals.ratio(floor, step);
                Optional<Double> slower = Goals.ratio(step, results.step("vector", row, elements));
                String beside = PEERS.contains(column) ? slower.map(s -> ", " + Text.factor(s)).orElse("")
                        : share.map(s -> ", " + Text.percent(s)).orElse("");
                line.add(step.map(f -> Text.time(f.nanos()) + beside).orElse(""));
            }
            if (line.stream().skip(3).anyMatch(c -> !c.isEmpty())) {
                lines.add(line);
            }
        }
        return lines.isEmpty() ? "" : Text.table(header, lines);
    }

    private static List<String> concat(List<String> a, List<String> b) {
        List<String> all = new ArrayList<>(a);
        all.addAll(b);
        return all;
    }

    /** Two-byte types beside F32. */
    String types() {
        List<List<String>> lines = new ArrayList<>();
        for (long elements : results.sizes()) {
            for (Row row : Row.samplers()) {
                for (DType dtype : List.of(DType.F16, DType.BF16)) {
                    Optional<Figure> floor = results.floor(row, dtype, elements, 1);
                    List<String> line = new ArrayList<>(List.of(row.title() + ", " + dtype, Text.elements(elements),
                            floor.map(f -> Text.time(f.nanos())).orElse("")));
                    boolean any = false;
                    for (String backend : List.of("vector", "native", "cuda")) {
                        Optional<Figure> step = results.step(backend, row, dtype, elements, 1);
                        Optional<Double> faster = Goals.ratio(results.step(backend, row, elements), step);
                        any |= step.isPresent();
                        line.add(step.map(f -> Text.time(f.nanos())).orElse("")
                                + faster.map(r -> ", " + Text.factor(r)).orElse(""));
                    }
                    if (any) {
                        lines.add(line);
                    }
                }
            }
        }
        return lines.isEmpty() ? ""
                : dropEmpty(List.of("row", "size", "C loop, as many bytes", "vector", "native", "cuda"), lines);
    }

    /** More threads beside one. */
    String threads() {
        List<List<String>> lines = new ArrayList<>();
        for (Figure f : results.figures()) {
            if (f.point().benchmark().equals("FusedStep") && !f.point().params().get("threads").equals("1")) {
                Row row = Row.named(f.point().params().get("row"));
                int threads = Integer.parseInt(f.point().params().get("threads"));
                Optional<Figure> floor = results.floor(row, DType.F32, f.elements(), threads);
                Optional<Figure> one = results.step(f.point().backend(), row, f.elements());
                lines.add(List.of(row.title() + ", " + f.point().backend(), Text.elements(f.elements()),
                        Integer.toString(threads), floor.map(c -> Text.time(c.nanos())).orElse(""),
                        Text.time(f.nanos()),
                        Goals.ratio(floor, Optional.of(f)).map(Text::percent).orElse(""),
                        Goals.ratio(one, Optional.of(f)).map(Text::factor).orElse("")));
            }
        }
        return lines.isEmpty() ? ""
                : Text.table(List.of("row", "size", "threads", "C loop", "step", "of the C loop's bandwidth",
                        "over one thread"), lines);
    }

    String normals() {
        Map<String, Map<Long, Figure>> sources = new LinkedHashMap<>();
        results.all("NormalDraws", Map.of())
                .forEach(f -> sources.computeIfAbsent(f.point().backend(), k -> new TreeMap<>()).put(f.elements(), f));
        List<Long> sizes = results.all("NormalDraws", Map.of()).map(Figure::elements).distinct().sorted().toList();
        List<String> header = new ArrayList<>(List.of("source"));
        sizes.forEach(s -> header.add(Text.elements(s)));
        List<List<String>> lines = new ArrayList<>();
        sources.forEach((source, figures) -> {
            List<String> line = new ArrayList<>(List.of(title(source)));
            sizes.forEach(s -> line.add(figures.containsKey(s)
                    ? Text.digits(figures.get(s).nanos() / s) + " ns each" : ""));
            lines.add(line);
        });
        return lines.isEmpty() ? "" : Text.table(header, lines);
    }

    /** Everything but the elements. */
    String surroundings() {
        List<List<String>> lines = new ArrayList<>();
        results.all("PlanConstruction", Map.of())
                .forEach(f -> lines.add(List.of("grid, plan and coefficients, " + f.point().params().get("steps")
                        + " steps of " + f.point().params().get("solver"), Text.time(f.nanos()))));
        results.all("StepOverhead", Map.of())
                .forEach(f -> lines.add(List.of("a DDIM step of 16 elements on " + f.point().backend(),
                        Text.time(f.nanos()))));
        results.only("JniCall", "call", Map.of())
                .ifPresent(f -> lines.add(List.of("a JNI call that does nothing", Text.time(f.nanos()))));
        results.only("JniCall", "java", Map.of())
                .ifPresent(f -> lines.add(List.of("a call that stays in Java", Text.time(f.nanos()))));
        results.all("WholeTrajectory", Map.of()).forEach(f -> {
            int steps = Integer.parseInt(f.point().params().get("steps"));
            lines.add(List.of("a trajectory of " + steps + (steps == 1 ? " step" : " steps") + " of dpmpp-2m, "
                    + f.point().params().get("samples") + " x " + Text.count(f.elements()) + " elements, on "
                    + f.point().backend() + ", with its allocation and initial noise",
                    Text.time(f.nanos()) + ", " + Text.time(f.nanos() / steps) + " a step"));
        });
        return lines.isEmpty() ? "" : Text.table(List.of("what", "time"), lines);
    }

    /** A device beside the host, size by size. */
    String crossover() {
        List<List<String>> lines = new ArrayList<>();
        for (long elements : Suite.CROSSOVER) {
            Optional<Figure> cuda = results.step("cuda", Row.DDIM, elements);
            Optional<Figure> vector = results.step("vector", Row.DDIM, elements);
            if (cuda.isPresent() && vector.isPresent()) {
                lines.add(List.of(Text.elements(elements), Text.time(vector.get().nanos()),
                        results.step("native", Row.DDIM, elements).map(f -> Text.time(f.nanos())).orElse(""),
                        Text.time(cuda.get().nanos()), Goals.ratio(vector, cuda).map(Text::factor).orElseThrow()));
            }
        }
        return lines.isEmpty() ? ""
                : Text.table(List.of("DDIM", "vector", "native", "cuda", "vector's time over cuda's"), lines);
    }

    /** A row by way of the host beside the row where its tensors are. */
    String detours() {
        List<List<String>> lines = new ArrayList<>();
        results.all("HostDetour", Map.of()).forEach(f -> {
            Optional<Figure> cuda = results.step("cuda", Row.DDIM, f.elements());
            lines.add(List.of(Text.elements(f.elements()), f.point().params().get("memory"),
                    f.point().backend(), Text.time(f.nanos()), cuda.map(c -> Text.time(c.nanos())).orElse(""),
                    Goals.ratio(Optional.of(f), cuda).map(Text::factor).orElse("")));
        });
        return lines.isEmpty() ? ""
                : Text.table(List.of("DDIM", "memory of the host", "step on", "device to host, step, host to device",
                        "step on the device", "ratio"), lines);
    }

    /** What the host does while a device works. */
    String queuing() {
        List<List<String>> lines = new ArrayList<>();
        results.all("DeviceSteps", Map.of()).forEach(f -> {
            Map<String, String> p = f.point().params();
            lines.add(List.of(p.get("steps") + " of " + Text.elements(f.elements()),
                    p.get("mode").equals("graph") ? "replays of a graph" : "queued one by one", Text.time(f.nanos()),
                    f.metric(Waits.HOST).map(Text::time).orElse(""),
                    f.metric(Waits.DEVICE).map(Text::time).orElse("")));
        });
        return lines.isEmpty() ? ""
                : Text.table(List.of("steps of dpmpp-2m", "how", "restart to the last one's end", "the host queues",
                        "between the device's events"), lines);
    }

    String floors() {
        List<List<String>> lines = new ArrayList<>();
        results.all("Floor", Map.of()).distinct().forEach(f -> {
            Map<String, String> p = f.point().params();
            String kind = switch (p.get("kind")) {
                case Floor.C -> "C loop";
                case Floor.C_AROUND_CACHE -> "C loop, stores around the cache";
                case Floor.JAVA -> "Java loop over arrays";
                case Floor.C_COPY -> "memcpy";
                default -> "MemorySegment.copy";
            };
            lines.add(List.of(kind, p.get("reads") + "r + " + p.get("writes") + "w",
                    Text.count(Long.parseLong(p.get("bytes")) >> 10) + " KiB", p.get("threads"), Text.time(f.nanos()),
                    Text.digits(f.gigabytesPerSecond()) + " GB/s"));
        });
        return Text.table(List.of("floor", "moves", "each", "threads", "time", "bandwidth"), lines);
    }

    String repeated() {
        List<List<String>> lines = new ArrayList<>();
        for (List<Figure> twice : results.repeated()) {
            Figure first = twice.getFirst();
            Figure last = twice.getLast();
            lines.add(List.of(first.point().toString(), Text.time(first.nanos()), Text.time(last.nanos()),
                    Text.percent(Math.abs(last.nanos() / first.nanos() - 1)),
                    Text.time(first.least()) + " to " + Text.time(first.most())));
        }
        return lines.isEmpty() ? ""
                : Text.table(List.of("point", "at the beginning", "at the end", "difference",
                        "iterations at the beginning"), lines);
    }

    /** Without the columns that nothing is in. */
    private static String dropEmpty(List<String> header, List<List<String>> lines) {
        List<Integer> kept = new ArrayList<>();
        for (int k = 0; k < header.size(); k++) {
            int column = k;
            if (lines.stream().anyMatch(l -> !l.get(column).isEmpty())) {
                kept.add(column);
            }
        }
        return Text.table(kept.stream().map(header::get).toList(),
                lines.stream().map(l -> kept.stream().map(l::get).toList()).toList());
    }
}
