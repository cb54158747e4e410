// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.digits;

import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.onnxruntime.OnnxDenoiser;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.research.report.Page;
import io.github.alphabar.research.report.Plot;
import io.github.alphabar.research.report.Style;
import io.github.alphabar.research.report.Table;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.DpmAlgorithm;
import io.github.alphabar.solver.DpmSolver;
import io.github.alphabar.solver.Plms;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.tensor.HostTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Table 1 of the DDIM paper (Song et al. 2020, arXiv:2010.02502): sample quality against steps for eta and sigma-hat. */
final class DdimTable1 {
    private static final int[] STEPS = {10, 20, 50, 100, 1000};
    /** The paper's factor between sigma-hat and eta = 0 at S = 10 on CIFAR10 is 27. */
    private static final double RUINOUS = 10;
    /** The paper's factor between DDIM at S = 50 and DDPM at 1000 is 1.5. */
    private static final double CLOSE = 1.5;

    private DdimTable1() {
    }

    /** One cell: distances of the samples of one seed. */
    record Cell(double features, double pixels) {
    }

    private record Row(String name, Solver solver, Spacing spacing, int most) {
        SamplingPlan plan(DigitsLab lab, int calls) {
            // plms makes one call more than steps.
            int n = solver instanceof Plms ? calls - 1 : calls;
            return SamplingPlan.of(TimeGrid.of(lab.schedule(), spacing, n), solver, lab.model().prediction());
        }
    }

    private static List<Row> rows() {
        Spacing leading = Spacing.leading(0);
        return List.of(new Row("eta 0", new Ddim(), leading, 1000), new Row("eta 0.2", new Ddim(0.2), leading, 1000),
                new Row("eta 0.5", new Ddim(0.5), leading, 1000), new Row("eta 1", new Ddim(1), leading, 1000),
                new Row("sigma-hat", new Ddim(1, true, false), leading, 1000),
                new Row("plms", new Plms(), leading, 100),
                new Row("dpmpp-2m", new DpmSolver(DpmAlgorithm.DPM_SOLVER_PP, 2), Spacing.uniformLambda(), 100),
                new Row("dpmpp-3m", new DpmSolver(DpmAlgorithm.DPM_SOLVER_PP, 3), Spacing.uniformLambda(), 100));
    }

    static void run(Workbench bench, Page page) {
        int samples = bench.size(512, 256);
        int seeds = bench.size(3, 1);
        Map<String, Map<Integer, List<Cell>>> all = cells(bench, samples, seeds);
        page.heading("Table 1 of the DDIM paper in miniature");
        page.paragraph(
                "Squared Frechet distance from the 1,797 real digits, in the 64 features of a classifier trained on"
                        + " them, of " + samples
                        + " samples (class k mod 10 for sample k), mean and standard deviation of "
                        + seeds + (seeds == 1 ? " seed" : " seeds")
                        + ". Columns are network calls. `eta` rows, `sigma-hat` and"
                        + " `plms` walk leading timesteps, the DPM-Solver++ rows uniform lambda; nothing is clipped. The distance"
                        + " of " + samples
                        + " exact samples would not be 0: two halves of the real digits are 1.9 to 2.6 apart.");
        page.table(table(all, true));
        page.folded("The same in the 64 pixels", table(all, false));
        page.plots(new LinkedHashMap<>(Map.of("ddim-table-1", plot(all))));
        page.picture("ddim-table-1-sheet.png", sheet(bench), "Ten digits by " + String.join(", ", sheetRows())
                + " (one row each), 10 network calls, the same initial noise.");
        verdicts(page, all);
    }

    private static Map<String, Map<Integer, List<Cell>>> cells(Workbench bench, int samples, int seeds) {
        Map<String, Map<Integer, List<Cell>>> all = new LinkedHashMap<>();
        int total = rows().stream().mapToInt(r -> (int) Arrays.stream(STEPS).filter(s -> s <= r.most).count()).sum()
                * seeds;
        int done = 0;
        try (OnnxDenoiser network = bench.lab().network(DigitsLab.classes(samples))) {
            for (Row row : rows()) {
                for (int steps : STEPS) {
                    // The small version takes 1000 steps only where the paper's comparison needs them.
                    boolean wanted = steps <= row.most
                            && (bench.isFull() || steps < 1000 || row.name.equals("sigma-hat"));
                    for (int seed = 0; seed < seeds && wanted; seed++) {
                        long first = 1_000_000L * seed;
                        Cell cell = bench.part("table1|" + row.name + "|" + steps + "|" + samples + "|" + seed,
                                Cell.class, () -> {
                                    HostTensor x = bench.lab()
                                            .sample(row.plan(bench.lab(), steps), network,
                                                    DigitsLab.seeds(samples, first));
                                    return new Cell(bench.lab().featureDistance(x), bench.lab().pixelDistance(x));
                                });
                        all.computeIfAbsent(row.name, _ -> new LinkedHashMap<>())
                                .computeIfAbsent(steps, _ -> new ArrayList<>())
                                .add(cell);
                        bench.at("ddim-table-1", ++done, total);
                    }
                }
            }
        }
        return all;
    }

    private static double[] statistics(List<Cell> cells, boolean features) {
        double[] v = cells.stream().mapToDouble(c -> features ? c.features : c.pixels).toArray();
        double mean = Arrays.stream(v).average().orElseThrow();
        double square = Arrays.stream(v).map(x -> (x - mean) * (x - mean)).sum();
        return new double[] {mean, v.length < 2 ? Double.NaN : Math.sqrt(square / (v.length - 1))};
    }

    private static Table table(Map<String, Map<Integer, List<Cell>>> all, boolean features) {
        List<String> header = new ArrayList<>(List.of("S"));
        Arrays.stream(STEPS).forEach(s -> header.add(Integer.toString(s)));
        List<List<String>> rows = new ArrayList<>();
        all.forEach((name, cells) -> {
            List<String> row = new ArrayList<>(List.of(name));
            for (int steps : STEPS) {
                if (cells.containsKey(steps)) {
                    double[] s = statistics(cells.get(steps), features);
                    row.add(Table.number(s[0], Double.isNaN(s[1]) ? null : s[1]));
                } else {
                    row.add("not run");
                }
            }
            rows.add(row);
        });
        return new Table(header, rows);
    }

    private static Plot plot(Map<String, Map<Integer, List<Cell>>> all) {
        List<Plot.Series> series = new ArrayList<>();
        all.forEach((name, cells) -> {
            List<double[]> points = new ArrayList<>();
            cells.forEach((steps, c) -> {
                double[] s = statistics(c, true);
                points.add(new double[] {steps, s[0], Double.isNaN(s[1]) ? 0 : s[1]});
            });
            series.add(new Plot.Series(name, Style.of(series.size()), points));
        });
        return Plot.logLog("Quality against network calls", "network calls", "Frechet distance (features)", series);
    }

    private static List<String> sheetRows() {
        return List.of("eta 0", "eta 0.5", "eta 1", "sigma-hat", "plms", "dpmpp-2m");
    }

    private static byte[] sheet(Workbench bench) {
        List<float[]> pictures = new ArrayList<>();
        try (OnnxDenoiser network = bench.lab().network(DigitsLab.classes(10))) {
            for (String name : sheetRows()) {
                Row row = rows().stream().filter(r -> r.name.equals(name)).findFirst().orElseThrow();
                pictures.add(bench.lab()
                        .sample(row.plan(bench.lab(), 10), network, DigitsLab.seeds(10, 0))
                        .toFloatArray());
            }
        }
        return ImageSheet.png(pictures);
    }

    private static void verdicts(Page page, Map<String, Map<Integer, List<Cell>>> all) {
        List<String> etas = List.of("eta 0", "eta 0.2", "eta 0.5", "eta 1", "sigma-hat");
        page.subheading("Whether the paper's claims hold here");
        for (int steps : new int[] {10, 20}) {
            String best = etas.stream()
                    .min((a, b) -> Double.compare(mean(all, a, steps), mean(all, b, steps)))
                    .orElseThrow();
            page.verdict(best.equals("eta 0"), "eta = 0 is best at S = " + steps + " among the five.",
                    "Best is " + best + " with " + Table.number(mean(all, best, steps)) + "; eta 0 has "
                            + Table.number(mean(all, "eta 0", steps)) + ".");
        }
        double ruin = mean(all, "sigma-hat", 10) / mean(all, "eta 0", 10);
        page.verdict(ruin >= RUINOUS, "sigma-hat is ruinous at small S (at least 10 times the distance of eta = 0 at"
                + " S = 10; 27 times in the paper).", Table.number(ruin) + " times here.");
        double inPixels = statistics(all.get("sigma-hat").get(10), false)[0]
                / statistics(all.get("eta 0").get(10), false)[0];
        page.paragraph("In pixels the same factor is " + Table.number(inPixels)
                + ": the noise that sigma-hat leaves is there, and"
                + " to be seen in its row of the sheet, but the classifier was trained with noise and its features hardly"
                + " mind it, where those of FID do; and 64 pixels have no fine detail to lose.");
        double close = mean(all, "eta 0", 50) / mean(all, "sigma-hat", 1000);
        page.verdict(close <= CLOSE,
                "DDIM at S = 50 is close to DDPM (sigma-hat) at 1000, with 20 times fewer calls (within"
                        + " the paper's factor of 1.5).",
                Table.number(mean(all, "eta 0", 50)) + " against "
                        + Table.number(mean(all, "sigma-hat", 1000)) + ", a factor of " + Table.number(close) + ".");
        double solver = Math.min(mean(all, "dpmpp-2m", 10), mean(all, "dpmpp-3m", 10));
        page.verdict(solver < mean(all, "eta 0", 10), "DPM-Solver++ is better still at 10 calls.",
                Table.number(solver) + " against " + Table.number(mean(all, "eta 0", 10)) + " of eta 0.");
    }

    private static double mean(Map<String, Map<Integer, List<Cell>>> all, String row, int steps) {
        return statistics(all.get(row).get(steps), true)[0];
    }
}
