// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.digits;

import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.onnxruntime.OnnxDenoiser;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.research.report.Page;
import io.github.alphabar.research.report.Table;
import io.github.alphabar.sampling.ForwardProcess;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.tensor.HostTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Consistency and interpolation (Song et al. 2020, arXiv:2010.02502, sections 5.2 and 5.3). */
final class Consistency {
    private static final int[] STEPS = {10, 20, 50, 100, 1000};
    private static final int BETWEEN = 9;

    private Consistency() {
    }

    /** How one number of steps compares with 1000. */
    record Agreement(int steps, double rms, double sameLabel, double rmsStochastic) {
    }

    /** How near to real digits images lie: median distances. */
    record Nearness(double ends, double slerp, double blend) {
    }

    static void run(Workbench bench, Page page) {
        DigitsLab lab = bench.lab();
        int count = bench.size(512, 64);
        int[] any = new int[count];
        Arrays.fill(any, lab.model().nullClass());
        List<Agreement> all = new ArrayList<>();
        try (OnnxDenoiser network = lab.network(any)) {
            HostTensor[] reference = new HostTensor[2];
            for (int i = 0; i < STEPS.length; i++) {
                int steps = STEPS[STEPS.length - 1 - i];
                all.addFirst(bench.part("consistency|" + steps + "|" + count, Agreement.class, () -> {
                    if (reference[0] == null) {
                        reference[0] = draw(lab, network, count, 1000, 0);
                        reference[1] = draw(lab, network, count, 1000, 1);
                    }
                    return agreement(lab, network, count, steps, reference);
                }));
                bench.at("consistency", i + 1, STEPS.length + 1);
            }
        }
        page.heading("Consistency and interpolation");
        page.paragraph(count
                + " samples without a class from the same x_T by DDIM, for each number of steps against 1000:"
                + " root mean square difference of a pixel (in [-1, 1]), and how often the classifier sees the same digit."
                + " The last column is the same difference with eta = 1, whose fresh noise differs from grid to grid.");
        List<List<String>> rows = new ArrayList<>();
        for (Agreement a : all) {
            rows.add(List.of(Integer.toString(a.steps), Table.number(a.rms), Table.number(100 * a.sameLabel) + "%",
                    Table.number(a.rmsStochastic)));
        }
        page.table(new Table(List.of("S", "RMS from S = 1000", "same digit", "RMS with eta 1"), rows));
        page.picture("consistency-sheet.png", sheet(lab),
                "The same x_T in 10, 20, 50, 100 and 1000 steps (one row each).");
        page.picture("interpolation-sheet.png", interpolations(lab),
                "Slerp between two x_T, decoded by DDIM in 50 steps:"
                        + " one pair in each row, the ends left and right.");
        Nearness near = bench.part("interpolation|" + count, Nearness.class, () -> nearness(lab, count));
        page.paragraph("Distance to the nearest real digit (median, Euclidean): samples " + Table.number(near.ends)
                + ", halfway by slerp of x_T " + Table.number(near.slerp)
                + ", halfway by blending the pixels of the two ends "
                + Table.number(near.blend) + ".");
        page.subheading("Whether the paper's claims hold here");
        Agreement at20 = all.get(1);
        page.verdict(at20.sameLabel >= 0.9,
                "x_T alone settles the high-level features: 20 steps and 1000 steps from the same"
                        + " x_T show the same digit (at least 9 of 10).",
                Table.number(100 * at20.sameLabel) + "% do.");
        page.verdict(at20.rms < 0.5 * at20.rmsStochastic,
                "This is a property of eta = 0: with eta = 1 the same x_T gives"
                        + " other images.",
                "RMS " + Table.number(at20.rms) + " against " + Table.number(at20.rmsStochastic) + ".");
        page.verdict(near.slerp < 1.1 * near.ends && near.slerp < near.blend,
                "Slerp in x_T interpolates meaningfully: images halfway lie as near to real digits as samples do (within 10%),"
                        + " blended pixels do not.",
                Table.number(near.slerp) + " against " + Table.number(near.ends) + " and " + Table.number(near.blend)
                        + ".");
        bench.at("consistency", STEPS.length + 1, STEPS.length + 1);
    }

    private static HostTensor draw(DigitsLab lab, OnnxDenoiser network, int count, int steps, double eta) {
        TimeGrid grid = TimeGrid.of(lab.schedule(), Spacing.leading(0), steps);
        return lab.sample(SamplingPlan.of(grid, new Ddim(eta), lab.model().prediction()), network,
                DigitsLab.seeds(count, 0));
    }

    private static Agreement agreement(DigitsLab lab, OnnxDenoiser network, int count, int steps,
            HostTensor[] reference) {
        HostTensor x = steps == 1000 ? reference[0] : draw(lab, network, count, steps, 0);
        HostTensor noisy = steps == 1000 ? reference[1] : draw(lab, network, count, steps, 1);
        int[] labels = lab.classifier().classify(reference[0]).labels();
        double same = lab.classifier().classify(x).recognised(labels) / (double) count;
        return new Agreement(steps, DigitsLab.rms(x, reference[0]), same, DigitsLab.rms(noisy, reference[1]));
    }

    private static byte[] sheet(DigitsLab lab) {
        List<float[]> rows = new ArrayList<>();
        int[] any = new int[10];
        Arrays.fill(any, lab.model().nullClass());
        try (OnnxDenoiser network = lab.network(any)) {
            for (int steps : STEPS) {
                rows.add(draw(lab, network, 10, steps, 0).toFloatArray());
            }
        }
        return ImageSheet.png(rows);
    }

    private static float[] noise(DigitsLab lab, int count, long seed) {
        HostTensor z = HostTensor.of(new float[count * DigitsLab.PIXELS]);
        ForwardProcess.initial(lab.backend(), 1, DigitsLab.seeds(count, seed), z, count);
        return z.toFloatArray();
    }

    private static float[] decode(DigitsLab lab, float[] noise) {
        int count = noise.length / DigitsLab.PIXELS;
        int[] any = new int[count];
        Arrays.fill(any, lab.model().nullClass());
        TimeGrid grid = TimeGrid.of(lab.schedule(), Spacing.leading(0), 50);
        try (OnnxDenoiser network = lab.network(any)) {
            return lab.walk(SamplingPlan.of(grid, new Ddim(), lab.model().prediction()), network,
                    HostTensor.of(noise)).toFloatArray();
        }
    }

    /** Spherical interpolation (Shoemake 1985; eq. 67 of the DDIM paper) of the vectors of one image. */
    static void slerp(float[] a, float[] b, int from, double u, float[] out, int to) {
        double aa = 0;
        double bb = 0;
        double ab = 0;
        for (int i = 0; i < DigitsLab.PIXELS; i++) {
            aa += (double) a[from + i] * a[from + i];
            bb += (double) b[from + i] * b[from + i];
            ab += (double) a[from + i] * b[from + i];
        }
        double theta = Math.acos(Math.clamp(ab / Math.sqrt(aa * bb), -1, 1));
        double ka = theta == 0 ? 1 - u : Math.sin((1 - u) * theta) / Math.sin(theta);
        double kb = theta == 0 ? u : Math.sin(u * theta) / Math.sin(theta);
        for (int i = 0; i < DigitsLab.PIXELS; i++) {
            out[to + i] = (float) (ka * a[from + i] + kb * b[from + i]);
        }
    }

    private static byte[] interpolations(DigitsLab lab) {
        int pairs = 6;
        int columns = BETWEEN + 2;
        float[] a = noise(lab, pairs, 100);
        float[] b = noise(lab, pairs, 200);
        float[] all = new float[pairs * columns * DigitsLab.PIXELS];
        for (int p = 0; p < pairs; p++) {
            for (int k = 0; k < columns; k++) {
                slerp(a, b, p * DigitsLab.PIXELS, k / (columns - 1.0), all, (p * columns + k) * DigitsLab.PIXELS);
            }
        }
        float[] images = decode(lab, all);
        List<float[]> rows = new ArrayList<>();
        for (int p = 0; p < pairs; p++) {
            rows.add(Arrays.copyOfRange(images, p * columns * DigitsLab.PIXELS, (p + 1) * columns * DigitsLab.PIXELS));
        }
        return ImageSheet.png(rows);
    }

    private static Nearness nearness(DigitsLab lab, int count) {
        float[] a = noise(lab, count, 10_000);
        float[] b = noise(lab, count, 20_000);
        float[] half = new float[a.length];
        for (int i = 0; i < count; i++) {
            slerp(a, b, i * DigitsLab.PIXELS, 0.5, half, i * DigitsLab.PIXELS);
        }
        float[] left = decode(lab, a);
        float[] right = decode(lab, b);
        float[] blend = new float[left.length];
        for (int i = 0; i < blend.length; i++) {
            blend[i] = (left[i] + right[i]) / 2;
        }
        return new Nearness(nearest(lab, left), nearest(lab, decode(lab, half)), nearest(lab, blend));
    }

    private static double nearest(DigitsLab lab, float[] images) {
        float[] real = lab.real().images().toFloatArray();
        double[] distances = new double[images.length / DigitsLab.PIXELS];
        for (int i = 0; i < distances.length; i++) {
            double least = Double.POSITIVE_INFINITY;
            for (int r = 0; r < real.length; r += DigitsLab.PIXELS) {
                double square = 0;
                for (int j = 0; j < DigitsLab.PIXELS; j++) {
                    double off = images[i * DigitsLab.PIXELS + j] - real[r + j];
                    square += off * off;
                }
                least = Math.min(least, square);
            }
            distances[i] = Math.sqrt(least);
        }
        Arrays.sort(distances);
        return distances[distances.length / 2];
    }
}
