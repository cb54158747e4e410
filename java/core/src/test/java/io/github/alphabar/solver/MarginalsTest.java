// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.ScalarBackend;
import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.PlanInDouble;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.schedule.VpLinearSchedule;
import io.github.alphabar.tensor.HostTensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A stochastic row must keep the marginal: where x0 is known, the state at every level is {@code N(alpha x0, sigma^2)}. By algebra
 * a state is a vector of coefficients of x0 and of the independent normals drawn so far; then by drawing.
 *
 * <p>
 * Three samplers of the field do not keep it, by definition: DDPM with the large variance and DDIM with sigma-hat add more noise
 * than fits, and the SDE solver in eps holds eps constant over a step where x0 is what is constant here.
 */
class MarginalsTest {

    static Stream<Solver> preserving() {
        return Stream.of(new Ddpm(), new Ddpm(Ddpm.Variance.FIXED_SMALL_LOG), new Ddim(0), new Ddim(0.3), new Ddim(1),
                new DpmSolver(DpmAlgorithm.SDE_DPM_SOLVER_PP, 1), new DpmSolver(DpmAlgorithm.SDE_DPM_SOLVER_PP, 2),
                new DpmSolver(DpmAlgorithm.SDE_DPM_SOLVER_PP, 2, DpmAlgorithm.Form.HEUN, true, false),
                new DpmSolver(DpmAlgorithm.SDE_DPM_SOLVER_PP, 3),
                new DpmSolver(DpmAlgorithm.SDE_DPM_SOLVER_PP, 3, DpmAlgorithm.Form.MIDPOINT, false, false,
                        ThirdOrder.HALVED),
                new DpmSolverSinglestep(DpmAlgorithm.SDE_DPM_SOLVER_PP, 2),
                new DpmSolverSinglestep(DpmAlgorithm.SDE_DPM_SOLVER_PP, 3));
    }

    @ParameterizedTest
    @MethodSource("preserving")
    void everyRowKeepsTheMeanAndTheVariance(Solver solver) {
        int plans = 0;
        for (NoiseSchedule schedule : Samplers.schedules().values()) {
            for (Spacing spacing : Samplers.spacings()) {
                for (FinalLevel end : FinalLevel.values()) {
                    for (int n : new int[] {1, 2, 3, 10, 25}) {
                        SamplingPlan plan;
                        try {
                            plan = SamplingPlan.of(spacing.grid(schedule, n, end), solver, Prediction.V_PREDICTION);
                        } catch (IllegalArgumentException refused) {
                            continue;
                        }
                        plans++;
                        String where = solver + ", " + spacing + " on " + schedule + ", " + end + ", N=" + n;
                        double[][] states = states(plan, Prediction.V_PREDICTION);
                        for (int i = 0; i < n; i++) {
                            Level to = plan.steps().get(i).to();
                            assertEquals(to.alpha(), states[i][0], 1e-12, where + ", mean after row " + i);
                            assertEquals(to.sigma() * to.sigma(), variance(states[i]), 1e-12,
                                    where + ", variance after row " + i);
                        }
                    }
                }
            }
        }
        assertTrue(plans > 200, solver + " ran only " + plans + " plans");
    }

    @Test
    void theLargeVariancesAddWhatTheForwardStepHasAboveThePosterior() {
        TimeGrid grid = Spacing.leading(0).grid(TabulatedSchedule.ddpmLinear(), 10, FinalLevel.LEAST_NOISE);
        for (Solver solver : List.of(new Ddpm(Ddpm.Variance.FIXED_LARGE), new Ddim(1, true, false))) {
            for (StepEquation e : solver.equations(grid)) {
                double forgotten = -Math.expm1(2 * (e.at().lambda() - e.to().lambda()));
                double kept = e.x() * e.at().sigma() + e.eps();
                double excess = (e.at().sigma() * e.at().sigma() - e.to().sigma() * e.to().sigma()) * forgotten;
                assertEquals(e.to().sigma() * e.to().sigma() + excess, kept * kept + e.noise() * e.noise(), 1e-12,
                        solver.name());
                assertTrue(excess > 0 || e.at().t() == 0, solver.name() + " at t=" + e.at().t());
            }
        }
    }

    @Test
    void theSdeInEpsKeepsTheVarianceOnlyToSecondOrderOfTheStep() {
        for (int n : new int[] {10, 100, 1000}) {
            TimeGrid grid = Spacing.uniformLambda().grid(new VpLinearSchedule(), n, FinalLevel.LEAST_NOISE);
            for (StepEquation e : new DpmSolver(DpmAlgorithm.SDE_DPM_SOLVER, 1).equations(grid)) {
                double h = e.to().lambda() - e.at().lambda();
                double kept = e.x() * e.at().sigma() + e.eps();
                double variance = (kept * kept + e.noise() * e.noise()) / (e.to().sigma() * e.to().sigma());
                // (2 - e^h)^2 + e^2h - 1 = 1 + 2 (e^h - 1)^2; terms up to e^2h, h <= 1 here.
                double growth = Math.expm1(h);
                assertEquals(1 + 2 * growth * growth, variance, 1e-12, "N=" + n);
            }
        }
    }

    @Test
    void aLearnedVarianceRunsFromThePosteriorToTheForwardOne() {
        TimeGrid grid = Spacing.leading(0).grid(TabulatedSchedule.ddpmLinear(), 20, FinalLevel.CLEAN);
        List<StepEquation> small = new Ddpm().equations(grid);
        List<StepEquation> large = new Ddpm(Ddpm.Variance.FIXED_LARGE).equations(grid);
        List<StepEquation> range = new Ddpm(Ddpm.Variance.LEARNED_RANGE).equations(grid);
        for (int i = 0; i < 19; i++) {
            StepEquation.LearnedVariance v = range.get(i).variance();
            // Logarithms up to 20 carry their rounding into the exponential.
            assertEquals(small.get(i).noise(), Math.exp(-v.factor() + v.offset()), 1e-14, "row " + i);
            assertEquals(large.get(i).noise(), Math.exp(v.factor() + v.offset()), 1e-14, "row " + i);
        }
        // The step that ends clean draws nothing.
        assertEquals(null, range.get(19).variance());
        assertEquals(0, small.get(19).noise());
        assertEquals(0, large.get(19).noise());
    }

    /** After each row: the coefficients of x0 and of the normals, for a network that knows x0. */
    private static double[][] states(SamplingPlan plan, Prediction prediction) {
        int n = plan.evaluations();
        Level first = plan.steps().getFirst().at();
        double[] start = new double[n + 2];
        start[0] = first.alpha();
        start[1] = first.sigma();
        PlanInDouble state = new PlanInDouble(plan, start);
        double[][] states = new double[n][];
        for (int i = 0; i < n; i++) {
            Step step = plan.steps().get(i);
            double[] x = state.slots()[step.in()];
            double[] x0 = new double[n + 2];
            x0[0] = 1;
            double[] eps = new double[n + 2];
            for (int k = 0; k < eps.length; k++) {
                // At the level's own mean, so that what is left of x0 in eps is the mean's error of the row before.
                eps[k] = (x[k] - step.at().alpha() * x0[k]) / step.at().sigma();
            }
            double[] z = new double[n + 2];
            z[i + 2] = 1;
            state.step(i, PlanInDouble.output(prediction, step.at(), x0, eps), z);
            states[i] = state.slots()[step.out()];
        }
        return states;
    }

    private static double variance(double[] state) {
        double sum = 0;
        for (int k = 1; k < state.length; k++) {
            sum += state[k] * state[k];
        }
        return sum;
    }

    static Stream<Solver> drawn() {
        List<Solver> solvers = new ArrayList<>(preserving().toList());
        solvers.removeIf(s -> !s.isStochastic());
        return solvers.stream();
    }

    @ParameterizedTest
    @MethodSource("drawn")
    void whatIsDrawnHasTheMeanAndTheVariance(Solver solver) {
        int samples = 4;
        int elements = 25_000;
        int count = samples * elements;
        double x0 = 0.7;
        TimeGrid grid = Spacing.karras(7).grid(TabulatedSchedule.stableDiffusion(), 6, FinalLevel.LEAST_NOISE);
        SamplingPlan plan = SamplingPlan.of(grid, solver, Prediction.EPSILON);
        Backend backend = new ScalarBackend();
        float[] output = new float[count];
        long seed = 90210;
        double worst = 0;
        try (Trajectory t = Trajectory.builder(plan, backend)
                .shape(samples, elements)
                .seeds(seed, seed + 1, seed + 2, seed + 3)
                .start()) {
            // Pure noise has no mean yet: the first level holds alpha x0 besides.
            double[] begin = ((HostTensor) t.sample()).toDoubleArray();
            Level first = grid.level(0);
            for (int i = 0; i < count; i++) {
                ((HostTensor) t.sample()).setDouble(i, first.alpha() * x0 + first.sigma() * begin[i]);
            }
            while (!t.isDone()) {
                Level at = plan.steps().get(t.cursor()).at();
                Level to = plan.steps().get(t.cursor()).to();
                double[] x = ((HostTensor) t.sample()).toDoubleArray();
                for (int i = 0; i < count; i++) {
                    output[i] = (float) ((x[i] - at.alpha() * x0) / at.sigma());
                }
                t.advance(HostTensor.of(output));
                double[] y = ((HostTensor) t.sample()).toDoubleArray();
                double sum = 0;
                double squares = 0;
                for (double v : y) {
                    double z = (v - to.alpha() * x0) / to.sigma();
                    sum += z;
                    squares += z * z;
                }
                // Standard errors of the mean and of the variance of n normals: 1 / sqrt(n) and sqrt(2 / n).
                worst = Math.max(worst, Math.abs(sum / count) * Math.sqrt(count));
                worst = Math.max(worst, Math.abs(squares / count - 1) * Math.sqrt(count / 2.0));
            }
        }
        backend.close();
        // 2 figures of 6 rows of 11 solvers: the largest of 132 normals is beyond 4.5 once in 1,000 choices of the seed.
        assertTrue(worst < 4.5, solver + ", seed " + seed + ": " + worst + " standard errors");
    }
}
