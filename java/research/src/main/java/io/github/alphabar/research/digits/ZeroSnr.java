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
import io.github.alphabar.tensor.HostTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Zero terminal SNR (Lin et al. 2023, arXiv:2305.08891): the mean-brightness defect, with a perfect network. */
final class ZeroSnr {
    /** 64 x 64 grey pixels: the mean of so many hides no signal of size 0.07 in noise of size 1. */
    private static final int PIXELS = 64 * 64;
    private static final int LEVELS = 21;
    private static final double GRAIN = 0.02;
    private static final int BINS = 11;

    private ZeroSnr() {
    }

    private record Variant(String name, NoiseSchedule schedule, Spacing spacing, Prediction prediction) {
    }

    /** The brightness of every sample. */
    record Brightness(double[] values) {
    }

    private static List<Variant> variants() {
        TabulatedSchedule usual = TabulatedSchedule.stableDiffusion();
        TabulatedSchedule zero = usual.zeroTerminalSnr();
        return List.of(new Variant("usual: leading, epsilon", usual, Spacing.leading(1), Prediction.EPSILON),
                new Variant("trailing alone", usual, Spacing.trailing(), Prediction.EPSILON),
                new Variant("rescaled, leading, v", zero, Spacing.leading(1), Prediction.V_PREDICTION),
                new Variant("rescaled, trailing, v", zero, Spacing.trailing(), Prediction.V_PREDICTION));
    }

    private static GaussianMixture data(int dimension, double grain) {
        double[] weights = new double[LEVELS];
        double[][] means = new double[LEVELS][dimension];
        double[][] deviations = new double[LEVELS][dimension];
        for (int k = 0; k < LEVELS; k++) {
            weights[k] = 1;
            Arrays.fill(means[k], 2.0 * k / (LEVELS - 1) - 1);
            Arrays.fill(deviations[k], grain);
        }
        return new GaussianMixture(weights, means, deviations);
    }

    static void run(Workbench bench, Page page) {
        int samples = bench.size(512, 96);
        int steps = bench.size(50, 25);
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
        GaussianMixture data = data(PIXELS, GRAIN);
        SamplingPlan plan = SamplingPlan.of(TimeGrid.of(v.schedule, v.spacing, steps), new Ddim(), v.prediction);
        double[] brightness = new double[samples];
        // A few at a time: a batch of all would take half a gigabyte.
        int batch = 32;
        for (int from = 0; from < samples; from += batch) {
            long[] seeds = DigitsLab.seeds(Math.min(batch, samples - from), from);
            HostTensor output = HostTensor.of(new float[seeds.length * PIXELS]);
            try (Trajectory t = Trajectory.builder(plan, bench.lab().backend())
                    .shape(seeds.length, PIXELS)
                    .seeds(seeds)
                    .start()) {
                while (!t.isDone()) {
                    GaussianMixture.Network network = data.at(plan.steps().get(t.cursor()).at());
                    double[] x = ((HostTensor) t.sample()).toDoubleArray();
                    double[] g = new double[x.length];
                    for (int i = 0; i < x.length; i += PIXELS) {
                        network.output(v.prediction, x, i, g, i);
                    }
                    output.copyFrom(HostTensor.of(g));
                    t.advance(output);
                }
                double[] x = ((HostTensor) t.sample()).toDoubleArray();
                for (int i = 0; i < seeds.length; i++) {
                    brightness[from + i] = Arrays.stream(x, i * PIXELS, (i + 1) * PIXELS).average().orElseThrow();
                }
            }
        }
        return brightness;
    }

    private static double deviation(double[] values) {
        double mean = Arrays.stream(values).average().orElseThrow();
        return Math.sqrt(Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum() / (values.length - 1));
    }

    private static void report(Page page, int samples, int steps, Map<String, double[]> all) {
        GaussianMixture brightness = data(1, GRAIN / 64);
        double exact = Math.sqrt(brightness.variance()[0]);
        SlicedWasserstein distance = new SlicedWasserstein(brightness, samples, 1, 1);
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
            rows.add(List.of(name, Table.number(deviation(values)), Table.number(distance.distance(values, 0)),
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
        double fixed = deviation(all.get("rescaled, trailing, v"));
        // The deviation of n draws has a relative error of about 1 / sqrt(2 n), at most: three of them.
        double room = Math.max(0.05, 3 / Math.sqrt(2.0 * samples));
        page.verdict(Math.abs(fixed / exact - 1) < room,
                "Rescale, trailing spacing and v-prediction together bring the data's"
                        + " brightness back (within " + Math.round(100 * room) + "%).",
                Table.number(fixed) + " against "
                        + Table.number(exact) + ".");
        double half = deviation(all.get("trailing alone"));
        page.verdict(half < 0.8 * exact,
                "Trailing spacing alone does not: the schedule's own end has to be pure noise.",
                Table.number(half) + ".");
    }
}
