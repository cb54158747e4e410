// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.sampling;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Step;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.random.Normals;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.Tensor;
import java.util.List;

/** The forward process and training targets, as rows of a backend like any other. */
public final class ForwardProcess {
    private ForwardProcess() {
    }

    /**
     * Draws from {@code q(x_t | x_0)}: {@code x = alpha x0 + sigma z} (Ho et al. 2020, arXiv:2006.11239, eq. 4).
     *
     * @param backend
     *            what computes it
     * @param level
     *            the noise level
     * @param x0
     *            the clean samples
     * @param noise
     *            the noise, or null to draw it from the seeds
     * @param seeds
     *            one for each sample; may be null where noise is given
     * @param out
     *            receives x; may be x0
     * @param samples
     *            samples in the batch
     */
    public static void noised(Backend backend, Level level, Tensor x0, Tensor noise, long[] seeds, Tensor out,
            int samples) {
        linear(backend, level.alpha(), x0, level.sigma(), noise, seeds, out, samples, Normals.Stream.FORWARD);
    }

    /**
     * The v-prediction target {@code v = alpha eps - sigma x0} (Salimans and Ho 2022, arXiv:2202.00512, section 4).
     *
     * @param backend
     *            what computes it
     * @param level
     *            the noise level
     * @param x0
     *            the clean samples
     * @param noise
     *            the noise they were mixed with
     * @param out
     *            receives v; may be x0
     * @param samples
     *            samples in the batch
     */
    public static void velocity(Backend backend, Level level, Tensor x0, Tensor noise, Tensor out, int samples) {
        linear(backend, -level.sigma(), x0, level.alpha(), noise, null, out, samples, Normals.Stream.FORWARD);
    }

    /**
     * Standard normal noise times a scale.
     *
     * @param backend
     *            what computes it
     * @param scale
     *            the standard deviation
     * @param seeds
     *            one for each sample
     * @param out
     *            receives the noise
     * @param samples
     *            samples in the batch
     */
    public static void initial(Backend backend, double scale, long[] seeds, Tensor out, int samples) {
        initial(backend, scale, null, seeds, out, samples);
    }

    /** The same from given noise, or from the seeds where it is null. */
    static void initial(Backend backend, double scale, Tensor noise, long[] seeds, Tensor out, int samples) {
        linear(backend, 0, out, scale, noise, seeds, out, samples, Normals.Stream.INITIAL);
    }

    /** {@code cx x + cy y} of given tensors. */
    static void combined(Backend backend, double cx, Tensor x, double cy, Tensor y, Tensor out, int samples) {
        linear(backend, cx, x, cy, y, null, out, samples, Normals.Stream.FORWARD);
    }

    private static void linear(Backend backend, double cx, Tensor x, double cz, Tensor noise, long[] seeds, Tensor out,
            int samples,
            Normals.Stream stream) {
        if (samples < 1 || out.elements() % samples != 0) {
            throw new IllegalArgumentException(
                    "A batch of " + samples + " samples does not divide " + out.elements() + " elements.");
        }
        StepOperands o = new StepOperands();
        o.samples = samples;
        o.elements = out.elements() / samples;
        o.x = x;
        o.out = out;
        o.noise = noise;
        o.seeds = seeds;
        try (Backend.Workspace workspace = backend.workspace(samples, o.elements)) {
            backend.step(row(cx, cz, stream, out.dtype()), o, workspace);
        }
    }

    /** The row x' = x, for what a step writes beside it. */
    static StepParams identity(DType compute) {
        return row(1, 0, Normals.Stream.FORWARD, compute);
    }

    private static StepParams row(double cx, double cz, Normals.Stream stream, DType compute) {
        Level none = Level.clean(0);
        Step step = new Step(0, none, none, 0, 0, 0, 0, cx, 0, 0, List.of(), cz, null, null);
        return StepParams.narrow(step, Clip.NONE, stream, compute);
    }
}
