// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.random.Normals;
import io.github.alphabar.research.problem.GaussianMixture;
import io.github.alphabar.research.problem.ProbabilityFlow;
import io.github.alphabar.sampling.NoiseSource;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.VpLinearSchedule;
import io.github.alphabar.solver.DpmSolver;
import io.github.alphabar.solver.DpmSolverSinglestep;
import io.github.alphabar.solver.Inverse;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The order of convergence, measured: the slope of log error against log N on Gaussian data {@code N(0.3, 1.5^2)} with the perfect
 * network, continuous VP-linear schedule, karras spacing, from the noisiest level to the least noisy one.
 *
 * <p>
 * Multistep solvers are measured without their lower-order last steps, which are for few steps: those fall to order 1 on the last
 * edge whatever N is. Stochastic solvers are measured with the noise left out, against the drift of the reverse SDE
 * ({@link ProbabilityFlow#drift}), on a mixture of two Gaussians: along that drift the prediction of x0 for a single Gaussian does
 * not change, and the solvers that hold it over a step are exact there.
 */
public final class OrderStudy {
    private static final double START = 1.7;
    /** Where eps hardly changes over the first edges, as it does along a path that keeps its noise: the warm-up is not seen. */
    private static final double QUIET_START = 0;
    private static final VpLinearSchedule SCHEDULE = new VpLinearSchedule();
    private static final GaussianMixture GAUSSIAN = GaussianMixture.gaussian(new double[] {0.3}, new double[] {1.5});
    private static final GaussianMixture TWO_MODES = new GaussianMixture(new double[] {3, 2},
            new double[][] {{-0.8}, {0.9}}, new double[][] {{0.5}, {0.6}});
    /** Multiples of 3 for third-order singlestep solvers: every group is whole. */
    private static final int[] STEPS = {16, 32, 64, 128, 256, 512, 1024};
    private static final int[] THIRDS = {15, 33, 63, 129, 255, 513, 1023};
    /** The fit: from 64 steps on the error has settled to its order, and at 512 it is above the rounding errors. */
    private static final int FIT_FROM = 64;
    private static final int FIT_TO = 513;

    private final Backend backend;

    /**
     * A study.
     *
     * @param backend
     *            what computes the steps
     */
    public OrderStudy(Backend backend) {
        this.backend = backend;
    }

    /**
     * What was measured.
     *
     * @param solver
     *            the solver's name
     * @param dtype
     *            f64 or f32
     * @param stated
     *            the order the solver states
     * @param measured
     *            the slope of a least-squares line through 64 to 513 steps
     * @param r2
     *            the share of the variance the line explains
     * @param steps
     *            the numbers of steps
     * @param errors
     *            the error at each
     * @param form
     *            how it was measured, where not as a plain deterministic solver
     */
    public record Order(String solver, String dtype, int stated, double measured, double r2, List<Integer> steps,
            List<Double> errors, String form) {

        /**
         * Whether the measured order is the stated one.
         *
         * @return true within 0.2
         */
        public boolean agrees() {
            return Math.abs(measured - stated) <= 0.2;
        }
    }

    /**
     * Measures a solver.
     *
     * @param named
     *            the solver
     * @param dtype
     *            F64, or F32 to see where rounding ends convergence
     * @return its order
     */
    public Order measure(Solver named, DType dtype) {
        Solver solver = settled(named);
        int[] steps = solver instanceof DpmSolverSinglestep s && s.order() == 3 ? THIRDS : STEPS;
        List<Integer> ns = new ArrayList<>();
        List<Double> errors = new ArrayList<>();
        for (int n : steps) {
            ns.add(n);
            errors.add(error(solver, n, dtype));
        }
        double[] line = fit(ns, errors);
        String form = named.isStochastic() ? "without its noise"
                : !solver.equals(named) ? "without lower-order last steps" : "";
        return new Order(named.name(), dtype.name().toLowerCase(java.util.Locale.ROOT), named.order(), line[0], line[1],
                List.copyOf(ns), List.copyOf(errors), form);
    }

    private static Solver settled(Solver named) {
        if (named instanceof Inverse inverse) {
            return new Inverse(settled(inverse.solver()));
        }
        if (named instanceof DpmSolver d && d.lowerOrderFinal() && d.order() > 1) {
            return new DpmSolver(d.algorithm(), d.order(), d.form(), false, false, d.third());
        }
        return named;
    }

    private double error(Solver solver, int n, DType dtype) {
        TimeGrid grid = Spacing.karras(7).grid(SCHEDULE, n, FinalLevel.LEAST_NOISE);
        SamplingPlan plan = SamplingPlan.of(grid, solver, Prediction.EPSILON);
        if (solver.isStochastic() && solver.name().startsWith("ddpm-learned")) {
            plan = plan.withOutputs(2);
        }
        GaussianMixture data = solver.isStochastic() ? TWO_MODES : GAUSSIAN;
        Level from = plan.steps().getFirst().at();
        Level to = plan.steps().getLast().to();
        HostTensor state = HostTensor.allocate(dtype, 1);
        state.setDouble(0, solver.isStochastic() ? QUIET_START : START);
        HostTensor output = HostTensor.allocate(dtype, plan.outputs());
        double[] x = new double[1];
        NoiseSource silence = (Normals.Stream _, int _, HostTensor target) -> target.segment().fill((byte) 0);
        try (Trajectory t = Trajectory.builder(plan, backend)
                .shape(1, 1)
                .dtype(dtype)
                .noise(silence)
                .startFrom(state)) {
            while (!t.isDone()) {
                x[0] = ((HostTensor) t.sample()).getDouble(0);
                data.at(plan.steps().get(t.cursor()).at()).output(Prediction.EPSILON, x, 0, x, 0);
                output.setDouble(0, x[0]);
                t.advance(output);
            }
            double end = ((HostTensor) t.sample()).getDouble(0);
            double[] start = {state.getDouble(0)};
            double exact = (solver.isStochastic() ? new ProbabilityFlow(data).drift(from, to, start)
                    : new ProbabilityFlow(data).end(from, to, start))[0];
            return Math.abs(end - exact);
        }
    }

    /** Slope (with the sign of an order) and coefficient of determination of the settled part. */
    private static double[] fit(List<Integer> steps, List<Double> errors) {
        List<double[]> points = new ArrayList<>();
        for (int i = 0; i < steps.size(); i++) {
            if (steps.get(i) >= FIT_FROM - 1 && steps.get(i) <= FIT_TO) {
                points.add(new double[] {Math.log(steps.get(i)), Math.log(errors.get(i))});
            }
        }
        double meanX = points.stream().mapToDouble(p -> p[0]).average().orElseThrow();
        double meanY = points.stream().mapToDouble(p -> p[1]).average().orElseThrow();
        double xx = 0;
        double xy = 0;
        double yy = 0;
        for (double[] p : points) {
            xx += (p[0] - meanX) * (p[0] - meanX);
            xy += (p[0] - meanX) * (p[1] - meanY);
            yy += (p[1] - meanY) * (p[1] - meanY);
        }
        return new double[] {-xy / xx, xy * xy / (xx * yy)};
    }
}
