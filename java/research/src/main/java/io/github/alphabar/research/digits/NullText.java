// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.digits;

import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.onnxruntime.OnnxDenoiser;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.StepVjp;
import io.github.alphabar.research.report.Page;
import io.github.alphabar.research.report.Plot;
import io.github.alphabar.research.report.Style;
import io.github.alphabar.research.report.Table;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.Inverse;
import io.github.alphabar.tensor.HostTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Null-text inversion (Mokady et al. 2022, arXiv:2211.09794, algorithm 1): a real image is walked to noise without guidance, and on
 * the way back under guidance the null embedding of every step is optimised so that the state stays on the path there.
 *
 * <p>
 * The gradient of {@code |x' - pivot|^2} by the unconditional output comes from {@link StepVjp}; that by the embedding from it and
 * central differences of the network along each of the 32 numbers, 64 calls in one batch: the network's file has no gradient graph.
 */
final class NullText {
    private static final double[] WEIGHTS = {1, 3, 7.5};
    private static final int STEPS = 50;
    private static final int INNER = 15;
    private static final double RATE = 0.05;
    /** Below it a step counts as met; a pixel is then off by 0.001. */
    private static final double ENOUGH = 1e-6;
    /** float32 outputs of size 1 have errors of 1e-7 or so: the difference quotient's is 1e-5, the curvature's 1e-4. */
    private static final double DIFFERENCE = 1e-2;

    private final DigitsLab lab;
    private final int count;
    private final int[] labels;
    private final float[][] classes;
    private final OnnxDenoiser network;
    private final OnnxDenoiser probe;
    private final TimeGrid grid;

    private NullText(DigitsLab lab, int count, OnnxDenoiser network, OnnxDenoiser probe) {
        this.lab = lab;
        this.count = count;
        this.network = network;
        this.probe = probe;
        labels = lab.labels(count);
        classes = new float[count][];
        Arrays.setAll(classes, i -> lab.model().embedding(labels[i]));
        grid = TimeGrid.of(lab.schedule(), Spacing.leading(0), STEPS);
    }

    /** The reconstructions under one weight, and their root mean square errors. */
    record Result(double weight, double plainRms, double nullTextRms, float[] plain, float[] nullText,
            double[] pathError) {
    }

    static void run(Workbench bench, Page page) {
        DigitsLab lab = bench.lab();
        int count = bench.size(20, 6);
        List<Result> results = new ArrayList<>();
        int[] some = new int[64];
        Arrays.fill(some, lab.model().nullClass());
        try (OnnxDenoiser network = lab.network(lab.labels(count)); OnnxDenoiser probe = lab.network(some)) {
            NullText work = new NullText(lab, count, network, probe);
            for (int i = 0; i < WEIGHTS.length; i++) {
                double weight = WEIGHTS[i];
                results.add(bench.part("null-text|" + weight + "|" + count, Result.class, () -> work.result(weight)));
                bench.at("null-text", i + 1, WEIGHTS.length);
            }
        }
        report(page, lab, count, results);
    }

    private Result result(double weight) {
        List<float[]> pivots = pivots();
        HostTensor images = lab.digits(count);
        float[] plain = reconstruct(weight, pivots, false, null);
        double[] path = new double[STEPS];
        float[] tuned = reconstruct(weight, pivots, true, path);
        return new Result(weight, DigitsLab.rms(images, HostTensor.of(plain)),
                DigitsLab.rms(images, HostTensor.of(tuned)), plain, tuned, path);
    }

    /** The states of the inversion, the image first. */
    private List<float[]> pivots() {
        network.condition(classes, lab.model().embedding(lab.model().nullClass()));
        SamplingPlan inverse = SamplingPlan.of(grid, new Inverse(new Ddim()), lab.model().prediction());
        List<float[]> states = new ArrayList<>();
        HostTensor output = HostTensor.of(new float[count * DigitsLab.PIXELS]);
        try (Trajectory t = Trajectory.builder(inverse, lab.backend())
                .shape(count, DigitsLab.PIXELS)
                .startFrom(lab.digits(count))) {
            states.add(((HostTensor) t.sample()).toFloatArray());
            while (!t.isDone()) {
                network.denoise(t.modelInput(), t.time(), output);
                t.advance(output);
                states.add(((HostTensor) t.sample()).toFloatArray());
            }
        }
        return states;
    }

    private float[] reconstruct(double weight, List<float[]> pivots, boolean tuned, double[] path) {
        SamplingPlan plan = SamplingPlan.of(grid, new Ddim(), lab.model().prediction(), Clip.NONE,
                Guidance.scale(weight));
        float[] x = pivots.getLast().clone();
        float[][] nothing = new float[count][];
        Arrays.setAll(nothing, _ -> lab.model().embedding(lab.model().nullClass()));
        for (int row = 0; row < STEPS; row++) {
            double t = plan.steps().get(row).at().t();
            float[] target = pivots.get(STEPS - 1 - row);
            float[] cond = outputs(x, t, classes);
            if (tuned && weight != 1) {
                optimise(plan, row, x, cond, target, nothing);
            }
            x = step(plan, row, x, outputs(x, t, nothing), cond);
            if (path != null) {
                path[row] = DigitsLab.rms(HostTensor.of(x), HostTensor.of(target));
            }
        }
        return x;
    }

    private float[] outputs(float[] x, double t, float[][] embeddings) {
        float[] out = new float[x.length];
        network.condition(embeddings, embeddings[0]);
        network.denoise(HostTensor.of(x), t, HostTensor.of(out));
        return out;
    }

    private float[] step(SamplingPlan plan, int row, float[] x, float[] uncond, float[] cond) {
        SamplingPlan one = new SamplingPlan(plan.solver(), plan.prediction(), plan.clip(), plan.guidance(), 1,
                List.of(plan.steps().get(row)));
        try (Trajectory t = Trajectory.builder(one, lab.backend())
                .shape(count, DigitsLab.PIXELS)
                .startFrom(HostTensor.of(x))) {
            t.advance(HostTensor.of(uncond), HostTensor.of(cond));
            return ((HostTensor) t.sample()).toFloatArray();
        }
    }

    /** Adam (Kingma and Ba 2015) on each image's embedding, which starts where the step before left it. */
    private void optimise(SamplingPlan plan, int row, float[] x, float[] cond, float[] target, float[][] nothing) {
        StepVjp vjp = StepVjp.of(plan, row);
        double t = plan.steps().get(row).at().t();
        int d = nothing[0].length;
        double[][] first = new double[count][d];
        double[][] second = new double[count][d];
        for (int k = 1; k <= INNER; k++) {
            float[] uncond = outputs(x, t, nothing);
            float[] next = step(plan, row, x, uncond, cond);
            double[] gradient = new double[next.length];
            double[] loss = new double[count];
            for (int i = 0; i < next.length; i++) {
                double off = next[i] - target[i];
                loss[i / DigitsLab.PIXELS] += off * off / DigitsLab.PIXELS;
                gradient[i] = 2 * off / DigitsLab.PIXELS;
            }
            double[] byUncond = vjp.apply(wide(x), wide(cond), wide(uncond), gradient, null).uncond();
            for (int n = 0; n < count; n++) {
                if (loss[n] < ENOUGH) {
                    continue;
                }
                double[] g = byEmbedding(x, n, t, nothing[n], byUncond);
                for (int j = 0; j < d; j++) {
                    first[n][j] = 0.9 * first[n][j] + 0.1 * g[j];
                    second[n][j] = 0.999 * second[n][j] + 0.001 * g[j] * g[j];
                    double m = first[n][j] / (1 - Math.pow(0.9, k));
                    double v = second[n][j] / (1 - Math.pow(0.999, k));
                    nothing[n][j] -= (float) (RATE * m / (Math.sqrt(v) + 1e-12));
                }
            }
        }
    }

    /** The product of a gradient by the output with the network's Jacobian by the embedding, by central differences. */
    private double[] byEmbedding(float[] x, int n, double t, float[] embedding, double[] byOutput) {
        int d = embedding.length;
        float[][] around = new float[2 * d][];
        float[] states = new float[2 * d * DigitsLab.PIXELS];
        for (int k = 0; k < 2 * d; k++) {
            around[k] = embedding.clone();
            around[k][k / 2] += (float) (k % 2 == 0 ? DIFFERENCE : -DIFFERENCE);
            System.arraycopy(x, n * DigitsLab.PIXELS, states, k * DigitsLab.PIXELS, DigitsLab.PIXELS);
        }
        float[] out = new float[states.length];
        probe.condition(around, embedding);
        probe.denoise(HostTensor.of(states), t, HostTensor.of(out));
        double[] gradient = new double[d];
        for (int j = 0; j < d; j++) {
            double h = (double) around[2 * j][j] - around[2 * j + 1][j];
            for (int i = 0; i < DigitsLab.PIXELS; i++) {
                double slope = (out[2 * j * DigitsLab.PIXELS + i] - out[(2 * j + 1) * DigitsLab.PIXELS + i]) / h;
                gradient[j] += byOutput[n * DigitsLab.PIXELS + i] * slope;
            }
        }
        return gradient;
    }

    private static double[] wide(float[] values) {
        return HostTensor.of(values).toDoubleArray();
    }

    private static void report(Page page, DigitsLab lab, int count, List<Result> results) {
        page.heading("Guidance and null-text inversion");
        page.paragraph("The first " + count + " real digits, inverted by DDIM in " + STEPS
                + " steps with their class and without guidance, and reconstructed under guidance w. Plain: with the model's"
                + " own null embedding. Null-text: the null embedding of each step is optimised (Adam, rate " + RATE
                + ", at"
                + " most " + INNER + " iterations), the gradient through the step exact, that of the network by central"
                + " differences along the 32 numbers of the embedding. Root mean square error of a pixel in [-1, 1]; with"
                + " w = 1 the null embedding has no weight, and both are DDIM inversion alone.");
        List<List<String>> rows = new ArrayList<>();
        List<Plot.Series> series = new ArrayList<>();
        List<float[]> sheet = new ArrayList<>();
        int shown = Math.min(10, count) * DigitsLab.PIXELS;
        sheet.add(Arrays.copyOf(lab.digits(count).toFloatArray(), shown));
        for (Result r : results) {
            rows.add(List.of(Table.number(r.weight), Table.number(r.plainRms), Table.number(r.nullTextRms)));
            List<double[]> points = new ArrayList<>();
            for (int i = 0; i < STEPS; i++) {
                points.add(new double[] {i + 1, r.pathError[i]});
            }
            series.add(new Plot.Series("w = " + r.weight, Style.of(series.size()), points));
            sheet.add(Arrays.copyOf(r.plain, shown));
            sheet.add(Arrays.copyOf(r.nullText, shown));
        }
        page.table(new Table(List.of("w", "plain DDIM inversion", "null-text inversion"), rows));
        page.plots(
                new LinkedHashMap<>(Map.of("null-text", new Plot("Distance from the path of the inversion", "step back",
                        "RMS of a pixel", false, true, false, series))));
        page.picture("null-text-sheet.png", ImageSheet.png(sheet),
                "Real digits; then for w = 1, 3, 7.5: plain, null-text.");
        page.subheading("Whether the paper's claims hold here");
        Result most = results.getLast();
        Result none = results.getFirst();
        page.verdict(most.plainRms > 2 * none.plainRms,
                "DDIM inversion does not survive guidance: the error at w = 7.5 is far above that at w = 1 (more than twice).",
                Table.number(most.plainRms) + " against " + Table.number(none.plainRms) + ".");
        page.verdict(most.nullTextRms < 1.5 * none.plainRms,
                "Null-text inversion reconstructs under w = 7.5 about as well as DDIM inversion does without guidance (within a"
                        + " factor of 1.5).",
                Table.number(most.nullTextRms) + " against " + Table.number(none.plainRms) + ".");
    }
}
