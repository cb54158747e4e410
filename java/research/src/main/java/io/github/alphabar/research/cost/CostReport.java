// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

import io.github.alphabar.research.report.Page;
import io.github.alphabar.research.report.Plot;
import io.github.alphabar.research.report.Style;
import io.github.alphabar.research.report.Table;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;

/** Points and orders as tables, plots and files. */
public final class CostReport {
    private static final double[] GOALS = {0.1, 0.03, 0.01, 0.003, 0.001};

    private final List<Point> points;
    private final List<OrderStudy.Order> orders;
    private final Double networkMillis;

    /**
     * A report.
     *
     * @param points
     *            what the sweep found
     * @param orders
     *            what the order study found; may be empty
     * @param networkMillis
     *            milliseconds of one network call, to be counted instead of the measured ones; or null
     */
    public CostReport(List<Point> points, List<OrderStudy.Order> orders, Double networkMillis) {
        this.points = List.copyOf(points);
        this.orders = List.copyOf(orders);
        this.networkMillis = networkMillis;
    }

    private double millis(Point p) {
        return networkMillis == null ? p.totalMillis()
                : p.evaluations() * (networkMillis + p.stepMicros() / 1e3);
    }

    /**
     * Adds the sections of the sweep and of the orders to a page, and their files.
     *
     * @param page
     *            the page
     */
    public void write(Page page) {
        decision(page);
        plots(page);
        distributions(page);
        if (!orders.isEmpty()) {
            orders(page);
        }
        costs(page);
        missing(page);
        page.file("points.csv", pointsCsv()).file("times.csv", timesCsv());
        if (!orders.isEmpty()) {
            page.file("orders.csv", ordersCsv());
        }
    }

    private List<Point> good() {
        return points.stream().filter(Point::isOk).toList();
    }

    /** Where a sampler is run with more than one spacing or clip, its name says which. */
    private Function<Point, String> names(List<Point> group) {
        boolean spacings = group.stream()
                .map(p -> p.setting().label() + p.setting().clip())
                .distinct()
                .count()
                < group.stream()
                        .map(p -> p.setting().label() + p.setting().clip() + p.setting().spacing())
                        .distinct()
                        .count();
        boolean clips = group.stream().map(p -> p.setting().clip()).distinct().count() > 1;
        return p -> p.setting().label() + (spacings ? ", " + p.setting().spacing() : "")
                + (clips ? ", " + p.setting().clip() : "");
    }

    private static Map<String, List<Point>> bySampler(List<Point> group, Function<Point, String> name) {
        Map<String, List<Point>> all = new LinkedHashMap<>();
        group.forEach(p -> all.computeIfAbsent(name.apply(p), _ -> new ArrayList<>()).add(p));
        return all;
    }

    private void decision(Page page) {
        page.heading("Which solver, how many calls");
        page.paragraph(
                "For each problem the solver with the smallest error of the endpoint (root mean square distance from"
                        + " the exact end of the probability-flow ODE, in the units of the data) at each number of network calls, and"
                        + " the fewest calls that reach an error. Deterministic solvers only; stochastic ones are compared by"
                        + " distribution below. The last step, to the clean level, is of order 1 whatever the solver: it sets the"
                        + " error of the high orders at many calls. --final-level least-noise leaves it out.");
        // Nearly the same in all of them: that of the type people sample in.
        String dtype = good().stream().anyMatch(p -> p.setting().dtype().equals("f32")) ? "f32"
                : good().stream().map(p -> p.setting().dtype()).findFirst().orElse("");
        List<Point> shown = good().stream().filter(p -> p.setting().dtype().equals(dtype)).toList();
        CostRunner.groups(shown).forEach((group, all) -> {
            List<Point> exact = all.stream()
                    .filter(p -> p.rms() != null && !p.setting().solver().endsWith("-inverse"))
                    .toList();
            if (exact.isEmpty()) {
                return;
            }
            Function<Point, String> name = names(exact);
            page.subheading(group);
            List<List<String>> rows = new ArrayList<>();
            exact.stream().map(Point::evaluations).distinct().sorted().forEach(nfe -> {
                List<Point> best = exact.stream()
                        .filter(p -> p.evaluations().equals(nfe))
                        .sorted(Comparator.comparing(Point::rms))
                        .toList();
                Point first = best.getFirst();
                rows.add(List.of(Integer.toString(nfe), name.apply(first), Table.number(first.rms()),
                        best.size() > 1 ? name.apply(best.get(1)) + " (" + Table.number(best.get(1).rms()) + ")" : "",
                        best.stream()
                                .filter(p -> p.setting().label().equals("ddim"))
                                .findFirst()
                                .map(p -> Table.number(p.rms()))
                                .orElse("")));
            });
            page.table(new Table(List.of("calls", "best", "its error", "next", "ddim's error"), rows));
            page.folded("Fewest calls to reach an error", goals(exact, name));
        });
    }

    private static Table goals(List<Point> exact, Function<Point, String> name) {
        List<String> header = new ArrayList<>(List.of("solver"));
        for (double goal : GOALS) {
            header.add("\u2264 " + goal);
        }
        List<List<String>> rows = new ArrayList<>();
        bySampler(exact, name).forEach((sampler, all) -> {
            List<String> row = new ArrayList<>(List.of(sampler));
            for (double goal : GOALS) {
                row.add(all.stream()
                        .filter(p -> p.rms() <= goal)
                        .map(Point::evaluations)
                        .min(Integer::compare)
                        .map(Object::toString)
                        .orElse("not reached"));
            }
            rows.add(row);
        });
        return new Table(header, rows);
    }

    private static String file(String... parts) {
        return String.join("-", parts).toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("-$", "");
    }

    private void plots(Page page) {
        page.heading("Error against network calls and against time");
        page.paragraph(
                "Root mean square error of the endpoint. Time is that of all network calls and steps of the fastest"
                        + " repetition in this run"
                        + (networkMillis == null ? ", on this machine and this small problem; give"
                                + " --network-ms to count another network's calls."
                                : ", a network call counted as " + networkMillis + " ms.")
                        + " Both axes are logarithmic: the slope of a line is the order of its solver.");
        Map<String, Plot> plots = new LinkedHashMap<>();
        CostRunner.groups(good()).forEach((group, all) -> {
            List<Point> exact = all.stream().filter(p -> p.rms() != null).toList();
            if (exact.isEmpty()) {
                return;
            }
            plots.put(file("nfe", group), plot(group + ": error against calls", "network calls", exact,
                    p -> (double) p.evaluations()));
            plots.put(file("time", group), plot(group + ": error against time", "time of all samples, ms", exact,
                    this::millis));
        });
        page.plots(plots);
    }

    private Plot plot(String title, String xLabel, List<Point> group, Function<Point, Double> x) {
        List<Plot.Series> series = new ArrayList<>();
        bySampler(group, names(group)).forEach((sampler, all) -> series.add(new Plot.Series(sampler,
                Style.of(styleOf(sampler)),
                all.stream()
                        .sorted(Comparator.comparing(Point::evaluations))
                        .map(p -> new double[] {x.apply(p), p.rms()})
                        .toList())));
        return Plot.logLog(title, xLabel, "error (RMS)", series);
    }

    /** The same sampler looks the same in every plot. */
    private int styleOf(String sampler) {
        Function<Point, String> name = names(good());
        List<String> all = good().stream().map(name).distinct().toList();
        int at = all.indexOf(sampler);
        // A group may need shorter names than all points together do.
        return at >= 0 ? at : Math.floorMod(sampler.hashCode(), 42);
    }

    private void distributions(Page page) {
        List<Point> known = good().stream().filter(p -> p.wasserstein() != null).toList();
        if (known.isEmpty()) {
            return;
        }
        page.heading("Distance of distributions");
        page.paragraph(
                "For all solvers, stochastic ones included: sliced 2-Wasserstein distance of the samples from the exact"
                        + " distribution at the end, with 95% intervals from 8 batches. Samples drawn from the exact distribution"
                        + " are at the floor, not at 0; a solver on the floor cannot be told from a perfect one with so many"
                        + " samples.");
        Map<String, Plot> plots = new LinkedHashMap<>();
        CostRunner.groups(known).forEach((group, all) -> {
            List<Plot.Series> series = new ArrayList<>();
            bySampler(all, names(all)).forEach((sampler, some) -> series.add(new Plot.Series(sampler,
                    Style.of(styleOf(sampler)), some.stream()
                            .sorted(Comparator.comparing(Point::evaluations))
                            .map(p -> new double[] {p.evaluations(), p.wasserstein(), p.wassersteinCi()})
                            .toList())));
            List<double[]> floor = all.stream()
                    .map(Point::evaluations)
                    .distinct()
                    .sorted()
                    .map(n -> new double[] {n, all.getFirst().wassersteinFloor()})
                    .toList();
            series.add(new Plot.Series("floor", new Style(6, 4, 2), floor));
            plots.put(file("distance", group), Plot.logLog(group + ": distance",
                    "network calls", "sliced Wasserstein distance", series));
        });
        page.plots(plots);
        CostRunner.groups(known).forEach((group, all) -> {
            Function<Point, String> name = names(all);
            List<List<String>> rows = new ArrayList<>();
            for (Point p : all) {
                if (p.rms() == null) {
                    rows.add(List.of(name.apply(p), Integer.toString(p.evaluations()),
                            Table.number(p.wasserstein(), p.wassersteinCi()), Table.number(p.wassersteinFloor()),
                            Table.number(p.meanBias(), p.meanBiasCi()),
                            Table.number(p.varianceBias(), p.varianceBiasCi())));
                }
            }
            if (!rows.isEmpty()) {
                page.folded(group + ": stochastic solvers, distance and moments", new Table(
                        List.of("solver", "calls", "distance", "floor", "bias of the mean", "bias of the variance"),
                        rows));
            }
        });
    }

    private void orders(Page page) {
        page.heading("Measured orders");
        page.paragraph(
                "Slope of log error against log N for 64 to 513 steps on a Gaussian (stochastic solvers: their drift,"
                        + " on two modes), continuous VP-linear schedule, karras spacing. In float64 every slope has to be within 0.2"
                        + " of the stated order. In float32 an error cannot fall below the rounding of its steps: each adds about"
                        + " 2^-24 = 6e-8 of the state, and over N steps these add up to about 6e-8 sqrt(N) at the noisy end, from"
                        + " where they are carried along. High orders meet that floor near 1e-6, and more steps then make the result"
                        + " no better; the float32 slopes of such solvers are those of rounding, not of the solver.");
        List<List<String>> rows = new ArrayList<>();
        for (OrderStudy.Order o : orders) {
            if (o.dtype().equals("f64")) {
                OrderStudy.Order single = orders.stream()
                        .filter(s -> s.dtype().equals("f32") && s.solver().equals(o.solver()))
                        .findFirst()
                        .orElse(null);
                rows.add(List.of(o.solver(), Integer.toString(o.stated()),
                        String.format(Locale.ROOT, "%.2f", o.measured()),
                        String.format(Locale.ROOT, "%.5f", o.r2()), o.agrees() ? "yes" : "NO",
                        Table.number(o.errors().stream().min(Double::compare).orElseThrow()),
                        single == null ? ""
                                : Table.number(single.errors().stream().min(Double::compare).orElseThrow()),
                        o.form()));
            }
        }
        page.table(new Table(List.of("solver", "stated", "measured", "R\u00b2", "within 0.2", "least error f64",
                "least error f32", "how"), rows));
        Map<String, Plot> plots = new LinkedHashMap<>();
        for (String dtype : List.of("f64", "f32")) {
            List<Plot.Series> series = new ArrayList<>();
            for (OrderStudy.Order o : orders) {
                if (o.dtype().equals(dtype) && List.of("ddim", "plms", "dpm-2m", "dpmpp-2m", "dpmpp-2s", "dpm-3m",
                        "dpmpp-3m", "dpmpp-3s", "dpmpp-3m-sde").contains(o.solver())) {
                    List<double[]> line = new ArrayList<>();
                    for (int i = 0; i < o.steps().size(); i++) {
                        line.add(new double[] {o.steps().get(i), o.errors().get(i)});
                    }
                    series.add(new Plot.Series(o.solver(), Style.of(series.size()), line));
                }
            }
            if (!series.isEmpty()) {
                plots.put("orders-" + dtype, Plot.logLog("Convergence in " + dtype, "steps", "error", series));
            }
        }
        page.plots(plots);
    }

    private void costs(Page page) {
        page.heading("What a step costs");
        page.paragraph(
                "Measured in this run: the time of one step (without the network), the bytes it moves, and what it"
                        + " allocates. These problems fit into the cache; see `bench` for steps on large tensors.");
        Map<String, List<Point>> by = new LinkedHashMap<>();
        good().forEach(p -> by.computeIfAbsent(p.setting().problem() + "\t" + p.setting().dtype() + "\t"
                + p.setting().label(), _ -> new ArrayList<>()).add(p));
        List<List<String>> rows = new ArrayList<>();
        by.forEach((key, all) -> {
            List<String> row = new ArrayList<>(List.of(key.split("\t")));
            double step = median(all.stream().map(Point::stepMicros));
            double bytes = median(all.stream().map(p -> (double) p.bytesPerStep()));
            row.add(Table.number(step));
            row.add(Table.number(bytes / 1024));
            row.add(Table.number(bytes / step / 1e3));
            row.add(Table.number(all.stream().map(Point::allocatedPerStep).min(Double::compare).orElseThrow()));
            row.add(Table.number(median(all.stream().map(Point::networkMicros))));
            rows.add(row);
        });
        page.folded("Step by step", new Table(List.of("problem", "dtype", "solver", "step, \u00b5s", "KiB", "GB/s",
                "allocated, bytes", "network call, \u00b5s"), rows));
    }

    private static double median(Stream<Double> values) {
        double[] sorted = values.mapToDouble(Double::doubleValue).sorted().toArray();
        return sorted[sorted.length / 2];
    }

    private void missing(Page page) {
        List<List<String>> rows = new ArrayList<>();
        for (Point p : points) {
            if (!p.isOk()) {
                Setting s = p.setting();
                rows.add(List.of(s.problem(), s.dtype(), s.label(), s.nfe() == 0 ? "" : Integer.toString(s.nfe()),
                        p.status(), p.reason()));
            }
        }
        if (!rows.isEmpty()) {
            page.heading("What is missing, and why");
            page.folded(rows.size() + " points", new Table(
                    List.of("problem", "dtype", "solver", "calls", "status", "reason"), rows));
        }
    }

    private static final List<String> IDENTITY = List.of("problem", "schedule", "solver", "eta", "spacing",
            "final_level",
            "clip", "dtype", "nfe_asked", "samples", "seed");

    private static List<String> identity(Setting s) {
        return List.of(s.problem(), s.schedule(), s.solver(), Double.toString(s.eta()), s.spacing(), s.finalLevel(),
                s.clip(), s.dtype(), Integer.toString(s.nfe()), Integer.toString(s.samples()), Long.toString(s.seed()));
    }

    private static String text(Object value) {
        return Objects.toString(value, "");
    }

    /**
     * All that does not depend on the machine: the same bytes from every run with the same settings.
     *
     * @return CSV, full precision, one line for each point
     */
    public String pointsCsv() {
        List<String> header = new ArrayList<>(IDENTITY);
        header.addAll(List.of("status", "steps", "nfe", "rms", "max", "wasserstein", "wasserstein_ci",
                "wasserstein_floor", "mean_bias", "mean_bias_ci", "variance_bias", "variance_bias_ci",
                "bytes_per_step", "reason"));
        List<List<String>> rows = new ArrayList<>();
        for (Point p : points) {
            List<String> row = new ArrayList<>(identity(p.setting()));
            Stream.of(p.status(), p.steps(), p.evaluations(), p.rms(), p.max(), p.wasserstein(), p.wassersteinCi(),
                    p.wassersteinFloor(), p.meanBias(), p.meanBiasCi(), p.varianceBias(), p.varianceBiasCi(),
                    p.bytesPerStep(), p.reason()).map(CostReport::text).forEach(row::add);
            rows.add(row);
        }
        return new Table(header, rows).csv();
    }

    /**
     * What was measured with a clock.
     *
     * @return CSV, one line for each point that was run
     */
    public String timesCsv() {
        List<String> header = new ArrayList<>(IDENTITY);
        header.addAll(List.of("step_us", "network_us", "total_ms", "allocated_per_step"));
        List<List<String>> rows = new ArrayList<>();
        for (Point p : good()) {
            List<String> row = new ArrayList<>(identity(p.setting()));
            Stream.of(p.stepMicros(), p.networkMicros(), p.totalMillis(), p.allocatedPerStep())
                    .map(CostReport::text)
                    .forEach(row::add);
            rows.add(row);
        }
        return new Table(header, rows).csv();
    }

    private String ordersCsv() {
        List<List<String>> rows = new ArrayList<>();
        for (OrderStudy.Order o : orders) {
            for (int i = 0; i < o.steps().size(); i++) {
                rows.add(List.of(o.solver(), o.dtype(), Integer.toString(o.stated()), text(o.measured()), text(o.r2()),
                        text(o.steps().get(i)), text(o.errors().get(i))));
            }
        }
        return new Table(List.of("solver", "dtype", "stated", "measured", "r2", "steps", "error"), rows).csv();
    }
}
