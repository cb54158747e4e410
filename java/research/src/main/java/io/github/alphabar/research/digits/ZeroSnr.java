// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.digits;

import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.research.problem.GaussianMixture;
import io.github.alphabar.research.problem.SlicedWasserstein;
import io.github.alphabar.research.report.Page;
import io.github.alphabar.research.report.Plot;
import io.github.alphabar.research.report.Style;
import io.github.alphabar.research.report.Table;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.DpmAlgorithm;
import io.github.alphabar.solver.DpmSolver;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.tensor.HostTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Zero terminal SNR (Lin et al. 2023, arXiv:2305.08891): the mean-brightness defect, with a perfect network. */
final class ZeroSnr {
    /** 64 x 64 grey pixels: their mean shows a signal of size 0.07 in noise of size 1. */
    private static final int SIDE = 64;
    private static final int LEVELS = 21;
    private static final double GRAIN = 0.02;
    private static final int BINS = 11;

    private ZeroSnr() {
    }

    private record Variant(String name, NoiseSchedule schedule, Spacing spacing, Prediction prediction, Solver solver) {
    }

    /** The brightness of every sample. */
    record Brightness(double[] values) {
    }

    private static List<Variant> variants() {
        TabulatedSchedule usual = TabulatedSchedule.stableDiffusion();
        TabulatedSchedule zero = usual.zeroTerminalSnr();
        return List.of(
                new Variant("usual: leading, epsilon", usual, Spacing.leading(1), Prediction.EPSILON, new Ddim()),
                new Variant("trailing alone", usual, Spacing.trailing(), Prediction.EPSILON, new Ddim()),
                new Variant("rescaled, leading, v", zero, Spacing.leading(1), Prediction.V_PREDICTION, new Ddim()),
                new Variant("rescaled, trailing, v", zero, Spacing.trailing(), Prediction.V_PREDICTION, new Ddim()),
                new Variant("the same by dpmpp-2m", zero, Spacing.trailing(), Prediction.V_PREDICTION,
                        new DpmSolver(DpmAlgorithm.DPM_SOLVER_PP, 2)));
    }

    /**
     * The data along the direction in which all pixels are equal. In coordinates turned there, a sample is {@code 64 b} on one axis
     * and 0 on all others, plus grain on each; the others tell nothing about b, and a solver treats each axis alone. So one axis is
     * the whole problem: y = 64 b + grain, and y / 64 is the brightness.
     */
    private static GaussianMixture data() {
        double[] weights = new double[LEVELS];
        double[][] means = new double[LEVELS][1];
        double[][] deviations = new double[LEVELS][1];
        for (int k = 0; k < LEVELS; k++) {
            weights[k] = 1;
            means[k][0] = SIDE * (2.0 * k / (LEVELS - 1) - 1);
            deviations[k][0] = GRAIN;
        }
        return new GaussianMixture(weights, means, deviations);
    }

    static void run(Workbench bench, Page page) {
        int samples = bench.size(10_000, 2_000);
        int steps = 50;
        Map<String, double[]> all = new LinkedHashMap<>();
        int done = 0;
        for (Variant v : variants()) {
            all.put(v.name, bench.part("zero-snr|" + v.name + "|" + samples + "|" + steps, Brightness.class,
                    () -> new Brightness(sample(bench, v, samples, steps))).values);
            bench.at("zero-snr", ++done, variants().size());
        }
        report(page, samples, steps, all);
    }

    private static double[] sample(Workbench bench, Variant v, int samples, int steps) {
        GaussianMixture data = data();
        SamplingPlan plan = SamplingPlan.of(TimeGrid.of(v.schedule, v.spacing, steps), v.solver, v.prediction);
        HostTensor output = HostTensor.of(new float[samples]);
        try (Trajectory t = Trajectory.builder(plan, bench.lab().backend())
                .shape(samples, 1)
                .seeds(DigitsLab.seeds(samples, 0))
                .start()) {
            while (!t.isDone()) {
                GaussianMixture.Network network = data.at(plan.steps().get(t.cursor()).at());
                double[] x = ((HostTensor) t.sample()).toDoubleArray();
                double[] g = new double[samples];
                for (int i = 0; i < samples; i++) {
                    network.output(v.prediction, x, i, g, i);
                }
                output.copyFrom(HostTensor.of(g));
                t.advance(output);
            }
            return Arrays.stream(((HostTensor) t.sample()).toDoubleArray()).map(y -> y / SIDE).toArray();
        }
    }

    private static double deviation(double[] values) {
        double mean = Arrays.stream(values).average().orElseThrow();
        return Math.sqrt(Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum() / (values.length - 1));
    }

    private static double off(SlicedWasserstein distance, double[] brightness) {
        return distance.distance(Arrays.stream(brightness).map(v -> v * SIDE).toArray(), 0) / SIDE;
    }

    private static void report(Page page, int samples, int steps, Map<String, double[]> all) {
        double exact = Math.sqrt(data().variance()[0]) / SIDE;
        SlicedWasserstein distance = new SlicedWasserstein(data(), samples, 1, 1);
        page.heading("Zero terminal SNR: the mean-brightness defect");
        page.paragraph("Data: 64 x 64 pixels of one brightness, one of " + LEVELS
                + " levels from -1 to 1, with a grain of "
                + GRAIN + "; the network is perfect. " + samples + " samples by DDIM in " + steps
                + " steps; the schedule is"
                + " Stable Diffusion's, whose last alphaBar is 0.0047: its network has seen a trace of the brightness at"
                + " every level, and pure noise has none. Distance is 2-Wasserstein from the exact distribution of"
                + " brightness. leading is leading:1, as Stable Diffusion walks.");
        List<List<String>> rows = new ArrayList<>();
        List<Plot.Series> series = new ArrayList<>();
        all.forEach((name, values) -> {
            double bright = Arrays.stream(values).filter(v -> Math.abs(v) > 0.75).count() / (double) values.length;
            rows.add(List.of(name, Table.number(deviation(values)),
                    Table.number(off(distance, values)),
                    Table.number(100 * bright) + "%"));
            double[] bins = new double[BINS];
            for (double v : values) {
                bins[Math.clamp((long) Math.floor((v + 1.1) / 2.2 * BINS), 0, BINS - 1)] += 1.0 / values.length;
            }
            List<double[]> points = new ArrayList<>();
            for (int b = 0; b < BINS; b++) {
                points.add(new double[] {-1.1 + 2.2 * (b + 0.5) / BINS, bins[b]});
            }
            series.add(new Plot.Series(name, Style.of(series.size()), points));
        });
        rows.add(List.of("exact", Table.number(exact), "0", Table.number(100 * 6.0 / LEVELS) + "%"));
        page.table(
                new Table(List.of("sampler", "deviation of brightness", "distance", "darker than -0.75 or brighter than"
                        + " 0.75"), rows));
        page.plots(new LinkedHashMap<>(Map.of("zero-snr", new Plot("Distribution of brightness", "brightness",
                "share of samples", false, false, true, series))));
        page.subheading("Whether the paper's claims hold here");
        double usual = deviation(all.get("usual: leading, epsilon"));
        page.verdict(usual < 0.8 * exact,
                "The usual schedule and spacing give images of medium brightness only (deviation"
                        + " below 80% of the data's).",
                Table.number(usual) + " against " + Table.number(exact) + ".");
        double before = off(distance, all.get("usual: leading, epsilon"));
        double fixed = off(distance, all.get("rescaled, trailing, v"));
        page.verdict(fixed < before / 4,
                "Rescale, trailing spacing and v-prediction together bring the data's brightness back"
                        + " (less than a quarter of the distance).",
                Table.number(fixed) + " against " + Table.number(before)
                        + "; what is left is the error of 50 steps, of which dpmpp-2m leaves "
                        + Table.number(off(distance, all.get("the same by dpmpp-2m"))) + ".");
        double half = deviation(all.get("trailing alone"));
        page.verdict(half < 0.8 * exact,
                "Trailing spacing alone does not: the schedule's own end has to be pure noise.",
                Table.number(half) + ".");
    }
}
