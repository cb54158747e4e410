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
import io.github.alphabar.solver.Inverse;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.tensor.HostTensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Table 2 of the DDIM paper (Song et al. 2020, arXiv:2010.02502, section 5.4): encode, decode, error for each pixel. */
final class DdimTable2 {
    private static final int[] STEPS = {10, 20, 50, 100, 200, 500, 1000};
    private static final int SHEET_STEPS = 20;

    private DdimTable2() {
    }

    /** One cell: the mean squared error of a pixel in [0, 1]. */
    record Cell(double error) {
    }

    private record Method(String name, Solver solver, Spacing spacing) {
        HostTensor there(DigitsLab lab, OnnxDenoiser network, HostTensor images, int steps) {
            return lab.walk(SamplingPlan.of(grid(lab, steps), new Inverse(solver), lab.model().prediction()), network,
                    images);
        }

        HostTensor back(DigitsLab lab, OnnxDenoiser network, HostTensor noise, int steps) {
            return lab.walk(SamplingPlan.of(grid(lab, steps), solver, lab.model().prediction()), network, noise);
        }

        private TimeGrid grid(DigitsLab lab, int steps) {
            return TimeGrid.of(lab.schedule(), spacing, steps);
        }
    }

    private static List<Method> methods() {
        return List.of(new Method("ddim, leading", new Ddim(), Spacing.leading(0)),
                new Method("ddim, uniform lambda", new Ddim(), Spacing.uniformLambda()),
                new Method("dpmpp-2m, uniform lambda", new DpmSolver(DpmAlgorithm.DPM_SOLVER_PP, 2),
                        Spacing.uniformLambda()));
    }

    static void run(Workbench bench, Page page) {
        DigitsLab lab = bench.lab();
        int count = bench.size(256, 64);
        int most = bench.size(1000, 200);
        HostTensor images = lab.digits(count);
        Map<String, Map<Integer, Double>> all = new LinkedHashMap<>();
        int done = 0;
        try (OnnxDenoiser network = lab.network(lab.labels(count))) {
            for (Method method : methods()) {
                for (int steps : STEPS) {
                    if (steps > most) {
                        continue;
                    }
                    Cell cell = bench.part("table2|" + method.name + "|" + steps + "|" + count, Cell.class, () -> {
                        HostTensor noise = method.there(lab, network, images, steps);
                        double rms = DigitsLab.rms(images, method.back(lab, network, noise, steps));
                        return new Cell(rms * rms / 4);
                    });
                    all.computeIfAbsent(method.name, _ -> new LinkedHashMap<>()).put(steps, cell.error);
                    bench.at("ddim-table-2", ++done, methods().size() * STEPS.length);
                }
            }
        }
        page.heading("Table 2 of the DDIM paper: encode and decode");
        page.paragraph("The first " + count
                + " real digits, walked to noise by the inversion of a solver and back by the"
                + " solver on the same edges, with their class; mean squared error of a pixel scaled to [0, 1], as in the"
                + " paper. The multistep inversion is that of DPM-Solver++ 2M; it walks uniform lambda, and so DDIM is"
                + " shown there, too.");
        page.table(table(all));
        page.plots(new LinkedHashMap<>(Map.of("ddim-table-2", plot(all))));
        page.picture("ddim-table-2-sheet.png", sheet(lab), "Real digits; their noise by DDIM inversion in "
                + SHEET_STEPS + " steps; decoded by DDIM; decoded after the inversion of dpmpp-2m.");
        verdicts(page, all);
    }

    private static Table table(Map<String, Map<Integer, Double>> all) {
        List<String> header = new ArrayList<>(List.of("S"));
        for (int steps : STEPS) {
            header.add(Integer.toString(steps));
        }
        List<List<String>> rows = new ArrayList<>();
        all.forEach((name, cells) -> {
            List<String> row = new ArrayList<>(List.of(name));
            for (int steps : STEPS) {
                row.add(cells.containsKey(steps) ? Table.number(cells.get(steps)) : "not run");
            }
            rows.add(row);
        });
        return new Table(header, rows);
    }

    private static Plot plot(Map<String, Map<Integer, Double>> all) {
        List<Plot.Series> series = new ArrayList<>();
        all.forEach((name, cells) -> {
            List<double[]> points = new ArrayList<>();
            cells.forEach((steps, error) -> points.add(new double[] {steps, error}));
            series.add(new Plot.Series(name, Style.of(series.size()), points));
        });
        return Plot.logLog("Error of encoding and decoding", "steps each way", "mean squared error of a pixel", series);
    }

    private static byte[] sheet(DigitsLab lab) {
        HostTensor images = lab.digits(10);
        List<float[]> rows = new ArrayList<>(List.of(images.toFloatArray()));
        try (OnnxDenoiser network = lab.network(lab.labels(10))) {
            for (Method method : List.of(methods().getFirst(), methods().getLast())) {
                HostTensor noise = method.there(lab, network, images, SHEET_STEPS);
                if (rows.size() == 1) {
                    rows.add(noise.toFloatArray());
                }
                rows.add(method.back(lab, network, noise, SHEET_STEPS).toFloatArray());
            }
        }
        return ImageSheet.png(rows);
    }

    private static void verdicts(Page page, Map<String, Map<Integer, Double>> all) {
        page.subheading("Whether the paper's claims hold here");
        Map<Integer, Double> ddim = all.get("ddim, leading");
        List<Double> errors = List.copyOf(ddim.values());
        boolean falls = true;
        for (int i = 1; i < errors.size(); i++) {
            falls &= errors.get(i) < errors.get(i - 1);
        }
        page.verdict(falls, "The error falls as S grows: DDIM is an ODE that can be walked both ways.",
                "From " + Table.number(errors.getFirst()) + " to " + Table.number(errors.getLast()) + ".");
        Double at100 = ddim.get(100);
        page.verdict(at100 <= 0.0009, "At S = 100 the error is at most the paper's 0.0009 (CIFAR10).",
                Table.number(at100) + " here.");
        Map<Integer, Double> multi = all.get("dpmpp-2m, uniform lambda");
        Map<Integer, Double> single = all.get("ddim, uniform lambda");
        long better = multi.keySet().stream().filter(s -> multi.get(s) < single.get(s)).count();
        page.verdict(better == multi.size(),
                "Not in the paper: the second-order inversion has a smaller error than DDIM's on"
                        + " the same grid at every S.",
                "At " + better + " of " + multi.size() + ".");
    }
}
