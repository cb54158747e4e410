// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** The speed to reach, as ratios within one run, and what the run shows. */
final class Goals {
    private static final List<Row> QUIET = Row.samplers().stream().filter(r -> !r.isNoisy()).toList();
    private static final List<Row> NOISY = Row.samplers().stream().filter(Row::isNoisy).toList();

    private final Results results;
    private final List<Goal> goals = new ArrayList<>();

    private Goals(Results results) {
        this.results = results;
    }

    /**
     * A goal and its figure.
     *
     * @param what
     *            what is asked for
     * @param measured
     *            what was found
     * @param holds
     *            whether it is reached; empty where the run has no figure for it
     */
    record Goal(String what, String measured, Optional<Boolean> holds) {
    }

    static List<Goal> of(Results results) {
        Goals g = new Goals(results);
        for (String backend : List.of("vector", "native")) {
            g.atLeast(backend + ", rows without noise, 16 Mi F32 elements: bandwidth of the C loop", 0.95, QUIET,
                    row -> g.overFloor(backend, row, Suite.MIO16));
        }
        g.atMost("vector, rows without noise, 16,384 elements: time of the C loop", 1.3, QUIET,
                row -> g.overFloor("vector", row, Suite.SD).map(share -> 1 / share));
        g.atLeast("native, rows without noise, 16 Mi F32 elements: speed of the C loop", 1.15, QUIET,
                row -> g.overFloor("native", row, Suite.MIO16));
        g.normals("vector", 1.0);
        g.normals("native", 0.6);
        for (String backend : List.of("vector", "native")) {
            g.atLeast(backend + ", rows with noise, 1 Mi elements: speed of eager libtorch", 6, NOISY,
                    row -> g.overTorch(backend, row, Suite.MIO));
        }
        Map<Long, Double> eager = Map.of(Suite.SD, 16.0, Suite.MIO, 6.0, Suite.MIO16, 14.0);
        for (String backend : List.of("vector", "native")) {
            for (long elements : List.of(Suite.SD, Suite.MIO, Suite.MIO16)) {
                g.atLeast(backend + ", rows without noise, " + Text.elements(elements) + ": speed of eager libtorch",
                        eager.get(elements), QUIET, row -> g.overTorch(backend, row, elements));
            }
        }
        g.surroundings();
        for (String backend : List.of("vector", "native")) {
            for (DType dtype : List.of(DType.F16, DType.BF16)) {
                g.atLeast(backend + ", " + dtype + " rows without noise, 16 Mi elements: elements per second of F32",
                        1.6,
                        QUIET, row -> g.overF32(backend, row, dtype));
            }
        }
        return List.copyOf(g.goals);
    }

    private Optional<Double> overFloor(String backend, Row row, long elements) {
        return ratio(results.floor(row, DType.F32, elements, 1), results.step(backend, row, elements));
    }

    private Optional<Double> overTorch(String backend, Row row, long elements) {
        return ratio(results.step(Contenders.TORCH, row, elements), results.step(backend, row, elements));
    }

    private Optional<Double> overF32(String backend, Row row, DType dtype) {
        return ratio(results.step(backend, row, Suite.MIO16), results.step(backend, row, dtype, Suite.MIO16, 1));
    }

    static Optional<Double> ratio(Optional<Figure> slow, Optional<Figure> fast) {
        return slow.isPresent() && fast.isPresent() ? Optional.of(slow.get().nanos() / fast.get().nanos())
                : Optional.empty();
    }

    private void atLeast(String what, double bound, List<Row> rows, Function<Row, Optional<Double>> ratio) {
        range(what + " >= " + factor(bound), rows, ratio, worst -> worst >= bound, true);
    }

    private void atMost(String what, double bound, List<Row> rows, Function<Row, Optional<Double>> ratio) {
        range(what + " <= " + factor(bound), rows, ratio, worst -> worst <= bound, false);
    }

    private static String factor(double value) {
        return String.format(Locale.ROOT, "%sx", value == Math.rint(value) ? Integer.toString((int) value) : value);
    }

    /** From the worst row to the best. */
    private void range(String what, List<Row> rows, Function<Row, Optional<Double>> ratio,
            Function<Double, Boolean> holds,
            boolean smallIsWorst) {
        Row worst = null;
        double worstRatio = Double.NaN;
        double bestRatio = Double.NaN;
        for (Row row : rows) {
            Optional<Double> r = ratio.apply(row);
            if (r.isPresent()) {
                if (worst == null || r.get() < worstRatio == smallIsWorst) {
                    worst = row;
                    worstRatio = r.get();
                }
                if (Double.isNaN(bestRatio) || r.get() > bestRatio == smallIsWorst) {
                    bestRatio = r.get();
                }
            }
        }
        if (worst == null) {
            goals.add(new Goal(what, "no figure", Optional.empty()));
        } else {
            goals.add(new Goal(what, Text.factor(worstRatio) + " (" + worst.title() + ") to " + Text.factor(bestRatio),
                    Optional.of(holds.apply(worstRatio))));
        }
    }

    private void normals(String backend, double bound) {
        single(backend + ", Philox normals, F32, one thread, in cache: <= " + bound + " ns each",
                results.all("NormalDraws", Map.of("backend", backend, "elements", Long.toString(Suite.SD)))
                        .findFirst()
                        .map(f -> f.nanos() / f.elements()),
                bound, " ns");
    }

    private void surroundings() {
        single("a plan of 1000 steps: under 1 ms",
                results.only("PlanConstruction", "plan", Map.of("steps", "1000")).map(f -> f.nanos() / 1e6), 1, " ms");
        single("JNI call: under 20 ns", results.only("JniCall", "call", Map.of()).map(Figure::nanos), 20, " ns");
        for (String backend : List.of("vector", "native")) {
            // Less than the smallest object: what is left is what JMH allocates once an iteration.
            single("a step of 16,384 elements on " + backend + ": 0 bytes allocated",
                    results.step(backend, Row.DDIM, Suite.SD).flatMap(f -> f.metric(Allocation.METRIC)), 1,
                    " B, JMH's share of an iteration");
        }
    }

    private void single(String what, Optional<Double> value, double bound, String unit) {
        goals.add(new Goal(what, value.map(v -> Text.digits(v) + unit).orElse("no figure"),
                value.map(v -> v <= bound)));
    }
}
