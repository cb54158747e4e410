// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.digits;

import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.onnxruntime.OnnxDenoiser;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.research.problem.GaussianMixture;
import io.github.alphabar.research.problem.ProbabilityFlow;
import io.github.alphabar.research.report.Page;
import io.github.alphabar.research.report.Table;
import io.github.alphabar.sampling.DistillationTarget;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.tensor.HostTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Progressive distillation (Salimans and Ho 2022, arXiv:2202.00512). */
final class Distillation {
    private static final int FINEST = 64;
    private static final GaussianMixture DATA = GaussianMixture.gaussian(new double[] {0.3}, new double[] {0.5});
    /** Steps of the trained student. */
    private static final int STEPS = 8;

    private Distillation() {
    }

    /** Distances of one sampler from the real digits. */
    record Cell(double features, double recognised) {
    }

    static void run(Workbench bench, Page page) {
        page.heading("Progressive distillation");
        gaussian(bench, page);
        digits(bench, page);
    }

    /** One DDIM step of a teacher, or of the student that has learnt two of its teacher's steps without error. */
    private static double step(TimeGrid finest, int i, int stride, double z, Prediction space) {
        Level from = finest.level(i);
        Level to = finest.level(i + stride);
        if (stride == 1) {
            double[] x = {z};
            DATA.at(from).output(Prediction.SAMPLE, x, 0, x, 0);
            return arrive(from, to, z, x[0]);
        }
        double middle = step(finest, i, stride / 2, z, space);
        double landed = step(finest, i + stride / 2, stride / 2, middle, space);
        DistillationTarget target = new DistillationTarget(from, to);
        double x0 = target.x0(z, landed);
        if (space == Prediction.V_PREDICTION) {
            x0 = from.alpha() * z - from.sigma() * target.v(z, landed);
        }
        return arrive(from, to, z, x0);
    }

    private static double arrive(Level from, Level to, double z, double x0) {
        return to.alpha() * x0 + to.sigma() * (z - from.alpha() * x0) / from.sigma();
    }

    private static void gaussian(Workbench bench, Page page) {
        TimeGrid finest = Spacing.trailing().grid(bench.lab().schedule(), FINEST, FinalLevel.CLEAN);
        Level from = finest.level(0);
        Level to = finest.level(FINEST);
        double z = 1.37;
        double exact = new ProbabilityFlow(DATA).end(from, to, new double[] {z})[0];
        double teacher = z;
        for (int i = 0; i < FINEST; i++) {
            teacher = step(finest, i, 1, teacher, Prediction.SAMPLE);
        }
        List<List<String>> rows = new ArrayList<>();
        double worst = 0;
        for (int stride = 2; stride <= FINEST; stride *= 2) {
            double plain = z;
            double inX = z;
            double inV = z;
            for (int i = 0; i < FINEST; i += stride) {
                double[] x = {plain};
                DATA.at(finest.level(i)).output(Prediction.SAMPLE, x, 0, x, 0);
                plain = arrive(finest.level(i), finest.level(i + stride), plain, x[0]);
                inX = step(finest, i, stride, inX, Prediction.SAMPLE);
                inV = step(finest, i, stride, inV, Prediction.V_PREDICTION);
            }
            double off = Math.max(Math.abs(inX - teacher), Math.abs(inV - teacher));
            worst = Math.max(worst, off);
            rows.add(List.of(Integer.toString(FINEST / stride), Table.number(Math.abs(plain - exact)),
                    Table.number(Math.abs(inV - exact)), Table.number(Math.abs(inX - teacher)),
                    Table.number(Math.abs(inV - teacher))));
        }
        page.paragraph(
                "On the Gaussian N(0.3, 0.5^2) a student that learns its target (`DistillationTarget`) without error"
                        + " lands where its teacher does, halving after halving from " + FINEST
                        + " steps: its error stays that of "
                        + FINEST + " steps, where DDIM's own grows.");
        page.table(new Table(List.of("steps", "error of DDIM", "error of the student", "student - teacher, x-space",
                "student - teacher, v-space"), rows));
        // 63 steps of a few roundings each, of numbers around 1.
        page.verdict(worst < 1e-13, "The two-step target is exact in x-space and in v-space.",
                "The largest difference is " + Table.number(worst) + ".");
    }

    private static void digits(Workbench bench, Page page) {
        if (bench.student() == null) {
            page.paragraph("One halving on the digits model, 16 steps to 8: train the student with"
                    + " `/usr/bin/python3 java/research/src/main/python/distil_digits.py student.onnx`, then judge it with"
                    + " `cost distillation --student student.onnx`. Its result is in java/research/docs.");
            return;
        }
        DigitsLab lab = bench.lab();
        int samples = bench.size(1000, 256);
        int seeds = bench.size(3, 1);
        TimeGrid coarse = TimeGrid.of(lab.schedule(), Spacing.trailing(), STEPS);
        TimeGrid fine = TimeGrid.of(lab.schedule(), Spacing.trailing(), 2 * STEPS);
        int[] classes = DigitsLab.classes(samples);
        float[][] embeddings = new float[samples][];
        Arrays.setAll(embeddings, i -> lab.model().embedding(classes[i]));
        List<float[]> sheet = new ArrayList<>();
        double[][] all = new double[3][];
        try (OnnxDenoiser teacher = lab.network(classes);
                OnnxDenoiser student = OnnxDenoiser.builder(bench.student())
                        .chunk(64)
                        .shape(1, 8, 8)
                        .condition(embeddings, lab.model().embedding(lab.model().nullClass()))
                        .open()) {
            all[0] = judge(bench, SamplingPlan.of(fine, new Ddim(), Prediction.EPSILON), teacher, classes, seeds,
                    sheet);
            all[1] = judge(bench, SamplingPlan.of(coarse, new Ddim(), Prediction.EPSILON), teacher, classes, seeds,
                    sheet);
            all[2] = judge(bench, SamplingPlan.of(coarse, new Ddim(), Prediction.V_PREDICTION), student, classes, seeds,
                    sheet);
        }
        page.paragraph(
                "One halving on the digits model, by distil_digits.py: squared Frechet distance (features) and digits"
                        + " recognised, " + samples + " samples, mean and standard deviation of " + seeds
                        + " seeds, trailing"
                        + " spacing.");
        List<List<String>> rows = new ArrayList<>();
        List<String> names = List.of("teacher, DDIM, 16 steps", "teacher, DDIM, 8 steps", "student, DDIM, 8 steps");
        for (int i = 0; i < 3; i++) {
            rows.add(List.of(names.get(i), Table.number(all[i][0], all[i][1]), Table.number(100 * all[i][2]) + "%"));
        }
        page.table(new Table(List.of("sampler", "Frechet distance", "recognised"), rows));
        page.picture("distillation-sheet.png", ImageSheet.png(sheet),
                "The same noise: teacher in 16 steps, teacher in 8, student in 8.");
        page.verdict(all[2][0] < all[1][0], "A student in 8 steps is better than its teacher in 8.",
                Table.number(all[2][0]) + " against " + Table.number(all[1][0]) + ".");
        page.verdict(all[2][0] < 1.1 * all[0][0], "It is as good as its teacher in 16 (within 10%).",
                Table.number(all[2][0]) + " against " + Table.number(all[0][0]) + ".");
    }

    private static double[] judge(Workbench bench, SamplingPlan plan, OnnxDenoiser network, int[] classes, int seeds,
            List<float[]> sheet) {
        DigitsLab lab = bench.lab();
        double[] distances = new double[seeds];
        double recognised = 0;
        for (int s = 0; s < seeds; s++) {
            HostTensor x = lab.sample(plan, network, DigitsLab.seeds(classes.length, 1_000_000L * s));
            distances[s] = lab.featureDistance(x);
            recognised += lab.classifier().classify(x).recognised(classes) / (double) (classes.length * seeds);
            if (s == 0) {
                sheet.add(Arrays.copyOf(x.toFloatArray(), 10 * DigitsLab.PIXELS));
            }
            bench.at("distillation", sheet.size() * seeds + s - seeds + 1, 3 * seeds);
        }
        double mean = Arrays.stream(distances).average().orElseThrow();
        double square = Arrays.stream(distances).map(v -> (v - mean) * (v - mean)).sum();
        return new double[] {mean, seeds < 2 ? 0 : Math.sqrt(square / (seeds - 1)), recognised};
    }
}
