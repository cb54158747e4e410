// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.digits;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.ScalarBackend;
import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.onnxruntime.OnnxDenoiser;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.research.cost.Problem;
import io.github.alphabar.research.problem.GaussianMixture;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.solver.DpmAlgorithm;
import io.github.alphabar.solver.DpmSolver;
import io.github.alphabar.solver.Inverse;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.Arrays;

/**
 * The digits model, a real network, with class k mod 10 for sample k. Its flow has no closed form: the end taken for exact is that
 * of dpmpp-3m in double with {@value #REFERENCE_STEPS} steps on uniform lambda, which is far below the errors of the numbers of steps
 * compared; the network itself is evaluated in float32.
 */
public final class DigitsProblem implements Problem {
    private static final int REFERENCE_STEPS = 600;
    private static final int PIXELS = 64;

    private final DigitsLab lab;
    private final int threads;
    private OnnxDenoiser network;
    private long opened;

    /**
     * The problem.
     *
     * @param backend
     *            for what the problem computes beside the network
     * @param threads
     *            of the network
     */
    public DigitsProblem(Backend backend, int threads) {
        lab = new DigitsLab(backend, threads);
        this.threads = threads;
    }

    @Override
    public String name() {
        return "digits";
    }

    @Override
    public int dimension() {
        return PIXELS;
    }

    @Override
    public NoiseSchedule schedule() {
        return lab.schedule();
    }

    private OnnxDenoiser network(long samples) {
        if (network == null || opened != samples) {
            if (network != null) {
                network.close();
            }
            network = lab.model().denoiser(DigitsLab.classes(Math.toIntExact(samples)), threads);
            opened = samples;
        }
        return network;
    }

    /** The network is asked at its own time of the same noise level, and returns eps whatever the plan wants. */
    @Override
    public void evaluate(HostTensor input, Level at, Prediction prediction, HostTensor output) {
        if (prediction != Prediction.EPSILON) {
            throw new IllegalArgumentException("The digits model predicts epsilon, but the plan reads "
                    + prediction.text() + "; make the plan for epsilon.");
        }
        if (Math.abs(at.scale() - 1) > 1e-9) {
            throw new IllegalArgumentException("The digits model was trained on a variance-preserving schedule, but the"
                    + " plan has a level with alpha=" + at.alpha() + ", sigma=" + at.sigma() + ".");
        }
        network(input.elements() / PIXELS).denoise(input, lab.schedule().timeAtLambda(at.lambda()), output);
    }

    @Override
    public double[] end(Level from, Level to, double[] x) {
        Solver solver = new DpmSolver(DpmAlgorithm.DPM_SOLVER_PP, 3);
        boolean inverse = to.lambda() < from.lambda();
        var grid = Spacing.uniformLambda()
                .grid(lab.schedule(), REFERENCE_STEPS,
                        to.sigma() == 0 ? FinalLevel.CLEAN : FinalLevel.LEAST_NOISE);
        SamplingPlan plan = SamplingPlan.of(grid, inverse ? new Inverse(solver) : solver, Prediction.EPSILON);
        HostTensor output = HostTensor.allocate(DType.F64, x.length);
        try (Backend scalar = new ScalarBackend();
                Trajectory t = Trajectory.builder(plan, scalar)
                        .shape(x.length / PIXELS, PIXELS)
                        .dtype(DType.F64)
                        .startFrom(HostTensor.of(x.clone()))) {
            while (!t.isDone()) {
                evaluate((HostTensor) t.sample(), plan.steps().get(t.cursor()).at(), Prediction.EPSILON, output);
                t.advance(output);
            }
            return ((HostTensor) t.sample()).toDoubleArray();
        }
    }

    @Override
    public GaussianMixture data() {
        return null;
    }

    @Override
    public double[] samples(Level at, int count, long seed) {
        double[] images = lab.real().images().toDoubleArray();
        double[] out = new double[count * PIXELS];
        for (int i = 0; i < count; i++) {
            int from = Math.floorMod(seed + i, lab.real().count()) * PIXELS;
            System.arraycopy(images, from, out, i * PIXELS, PIXELS);
        }
        return Arrays.stream(out).map(v -> at.alpha() * v).toArray();
    }

    @Override
    public void close() {
        if (network != null) {
            network.close();
        }
        lab.close();
    }
}
