// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.digits;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.onnxruntime.DigitsClassifier;
import io.github.alphabar.onnxruntime.DigitsModel;
import io.github.alphabar.onnxruntime.OnnxDenoiser;
import io.github.alphabar.onnxruntime.Optdigits;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.research.problem.FrechetDistance;
import io.github.alphabar.sampling.Denoiser;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.tensor.HostTensor;
import java.util.Arrays;

/** The digits model with its data and its judge, and the few ways in which the experiments run it. For one thread. */
final class DigitsLab implements AutoCloseable {
    static final int PIXELS = 64;

    private final DigitsModel model = DigitsModel.load();
    private final Optdigits real = Optdigits.load();
    private final DigitsClassifier classifier = model.classifier();
    private final Backend backend;
    private final int threads;
    private FrechetDistance features;
    private FrechetDistance pixels;

    DigitsLab(Backend backend, int threads) {
        this.backend = backend;
        this.threads = threads;
    }

    DigitsModel model() {
        return model;
    }

    Optdigits real() {
        return real;
    }

    NoiseSchedule schedule() {
        return model.schedule();
    }

    Backend backend() {
        return backend;
    }

    /** Class k mod 10 for sample k: as many of each digit as there are in the data, nearly. */
    static int[] classes(int count) {
        int[] classes = new int[count];
        Arrays.setAll(classes, k -> k % 10);
        return classes;
    }

    static long[] seeds(int count, long first) {
        long[] seeds = new long[count];
        Arrays.setAll(seeds, k -> first + k);
        return seeds;
    }

    OnnxDenoiser network(int... classes) {
        return model.denoiser(classes, threads);
    }

    /** From the noise of the seeds to images. */
    HostTensor sample(SamplingPlan plan, Denoiser network, long[] seeds) {
        Trajectory.Builder builder = Trajectory.builder(plan, backend).shape(seeds.length, PIXELS).seeds(seeds);
        try (Trajectory t = builder.start()) {
            return run(t, network);
        }
    }

    /** From states at the plan's first level. */
    HostTensor walk(SamplingPlan plan, Denoiser network, HostTensor states) {
        int count = Math.toIntExact(states.elements() / PIXELS);
        try (Trajectory t = Trajectory.builder(plan, backend).shape(count, PIXELS).startFrom(states)) {
            return run(t, network);
        }
    }

    private static HostTensor run(Trajectory t, Denoiser network) {
        long outputs = ((HostTensor) t.sample()).elements() * (t.plan().guidance() == null ? 1 : 2);
        HostTensor output = HostTensor.of(new float[Math.toIntExact(outputs)]);
        HostTensor end = (HostTensor) t.run(network, output);
        return HostTensor.of(end.toFloatArray());
    }

    /** The first digits of the data, as they come. */
    HostTensor digits(int count) {
        return HostTensor.of(real.images().slice(0, (long) count * PIXELS).toFloatArray());
    }

    int[] labels(int count) {
        int[] labels = new int[count];
        Arrays.setAll(labels, real::label);
        return labels;
    }

    DigitsClassifier classifier() {
        return classifier;
    }

    /** Squared Frechet distance of the classifier's features from those of the real digits. */
    double featureDistance(HostTensor samples) {
        if (features == null) {
            features = new FrechetDistance(vectors(real.images()));
        }
        return features.distance(vectors(samples));
    }

    private double[][] vectors(HostTensor images) {
        return Arrays.stream(classifier.classify(images).features())
                .map(row -> HostTensor.of(row).toDoubleArray())
                .toArray(double[][]::new);
    }

    /** Squared Frechet distance of the pixels. */
    double pixelDistance(HostTensor samples) {
        if (pixels == null) {
            pixels = new FrechetDistance(rows(real.images()));
        }
        return pixels.distance(rows(samples));
    }

    private static double[][] rows(HostTensor images) {
        double[] all = images.toDoubleArray();
        double[][] rows = new double[all.length / PIXELS][];
        Arrays.setAll(rows, i -> Arrays.copyOfRange(all, i * PIXELS, (i + 1) * PIXELS));
        return rows;
    }

    static double rms(HostTensor a, HostTensor b) {
        double square = 0;
        for (long i = 0; i < a.elements(); i++) {
            double off = a.getDouble(i) - b.getDouble(i);
            square += off * off;
        }
        return Math.sqrt(square / a.elements());
    }

    @Override
    public void close() {
        classifier.close();
    }
}
