// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import static io.github.alphabar.solver.DpmAlgorithm.DPM_SOLVER;
import static io.github.alphabar.solver.DpmAlgorithm.DPM_SOLVER_PP;
import static io.github.alphabar.solver.DpmAlgorithm.SDE_DPM_SOLVER_PP;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.PlanInDouble;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.schedule.VpLinearSchedule;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Solvers that must agree, and limits they must have. */
class LimitsTest {
    private static final VpLinearSchedule SCHEDULE = new VpLinearSchedule();
    private static final GaussianProblem PROBLEM = new GaussianProblem(0.3, 0.5);

    @Test
    void ddimWithEtaOneIsTheDdpmPosterior() {
        assertSameRows(new Ddpm(), new Ddim(1));
    }

    @Test
    void ddimWithSigmaHatHasTheLargeVarianceOfDdpm() {
        for (NoiseSchedule schedule : Samplers.schedules().values()) {
            TimeGrid grid = Spacing.linspace().grid(schedule, 10, FinalLevel.LEAST_NOISE);
            List<StepEquation> large = new Ddpm(Ddpm.Variance.FIXED_LARGE).equations(grid);
            List<StepEquation> hat = new Ddim(1, true, false).equations(grid);
            for (int i = 0; i < 10; i++) {
                assertEquals(large.get(i).noise(), hat.get(i).noise(), 1e-15, schedule + ", row " + i);
            }
        }
    }

    @Test
    void theFirstOrderSdeInX0IsTheDdpmPosterior() {
        assertSameRows(new Ddpm(), new DpmSolver(SDE_DPM_SOLVER_PP, 1));
    }

    @Test
    void dpmSolverOfOrderOneIsDdim() {
        assertSameRows(new Ddim(), new DpmSolver(DPM_SOLVER, 1));
        assertSameRows(new Ddim(), new DpmSolver(DPM_SOLVER_PP, 1));
    }

    /** Equal after lowering, that is as functions of what the network returns, to 1e-14 of the largest coefficient. */
    private static void assertSameRows(Solver expected, Solver actual) {
        int rows = 0;
        for (NoiseSchedule schedule : Samplers.schedules().values()) {
            for (Spacing spacing : Samplers.spacings()) {
                for (FinalLevel end : FinalLevel.values()) {
                    // Strides of 1, of whole and of broken numbers, and one of the whole schedule.
                    for (int n : new int[] {1, 7, 50, 1000}) {
                        for (Prediction prediction : Prediction.values()) {
                            SamplingPlan a;
                            SamplingPlan b;
                            TimeGrid grid;
                            try {
                                grid = spacing.grid(schedule, n, end);
                                a = SamplingPlan.of(grid, expected, prediction);
                                b = SamplingPlan.of(grid, actual, prediction);
                            } catch (IllegalArgumentException refused) {
                                continue;
                            }
                            List<StepEquation> before = actual.equations(grid);
                            for (int i = 0; i < n; i++) {
                                Step x = a.steps().get(i);
                                Step y = b.steps().get(i);
                                // Before x0 and eps are folded into x and g their coefficients are larger: 1 / alpha, 1 / sigma.
                                double scale = Math.max(1, Math.abs(before.get(i).x()))
                                        * (prediction == Prediction.EPSILON ? 1 / x.at().alpha() : 1)
                                        * (prediction == Prediction.SAMPLE ? 1 / x.at().sigma() : 1);
                                String where = actual + ", " + prediction + ", " + spacing + " on " + schedule + ", "
                                        + end + ", N=" + n + ", row " + i;
                                assertEquals(x.cx(), y.cx(), 1e-14 * scale, where + ", x");
                                assertEquals(x.cg(), y.cg(), 1e-14 * scale, where + ", g");
                                assertEquals(x.cz(), y.cz(), 1e-14, where + ", z");
                                rows++;
                            }
                        }
                    }
                }
            }
        }
        assertTrue(rows > 50_000, "only " + rows + " rows compared");
    }

    @Test
    void ddimLosesItsNoiseAsEtaFalls() {
        TimeGrid grid = Spacing.leading(1).grid(TabulatedSchedule.stableDiffusion(), 20, FinalLevel.CLEAN);
        List<StepEquation> ode = new Ddim().equations(grid);
        for (double eta : new double[] {1e-2, 1e-4, 1e-6}) {
            List<StepEquation> sde = new Ddim(eta).equations(grid);
            for (int i = 0; i < 20; i++) {
                assertEquals(ode.get(i).x0(), sde.get(i).x0());
                // sqrt(sigma'^2 - s^2) is within s^2 / (2 sigma') of sigma', and s <= eta sigma'.
                assertEquals(ode.get(i).eps(), sde.get(i).eps(), eta * eta + 1e-15, "eta " + eta + ", row " + i);
                assertTrue(sde.get(i).noise() <= eta, "eta " + eta + ", row " + i);
            }
        }
    }

    /** Per step: the SDE's row is the identity and its noise that of a Wiener process, each up to the size of the step. */
    @Test
    void theSdesTendToTheirDifferentialsAsTheStepShrinks() {
        for (DpmAlgorithm algorithm : DpmAlgorithm.values()) {
            for (int n : new int[] {100, 1000, 10_000}) {
                TimeGrid grid = Spacing.uniformLambda().grid(SCHEDULE, n, FinalLevel.LEAST_NOISE);
                List<StepEquation> rows = new DpmSolver(algorithm, 1).equations(grid);
                for (int i = 0; i < n; i += n / 10) {
                    StepEquation row = rows.get(i);
                    double h = row.to().lambda() - row.at().lambda();
                    double a = row.at().alpha();
                    double s = row.at().sigma();
                    String where = algorithm + ", N=" + n + ", row " + i;
                    // d log(alpha) = sigma^2 d lambda and d log(sigma) = -alpha^2 d lambda where variance is preserved.
                    double k = algorithm.isSde() ? 2 : 1;
                    double x = algorithm.isData() ? -a * a - (k - 1) : s * s;
                    double m = algorithm.isData() ? k * a : -k * s;
                    // The next terms of the exponentials: below 4 h^2 for rates of at most 2.
                    assertEquals(1 + x * h, row.x(), 4 * h * h, where + ", x");
                    assertEquals(m * h, row.x0() + row.eps(), 4 * h * h, where + ", drift");
                    assertEquals(algorithm.isSde() ? 2 * s * s * h : 0, row.noise() * row.noise(), 4 * h * h,
                            where + ", noise");
                }
            }
        }
    }

    @Test
    void inversionGivesTheSampleBackAtTheRateOfItsOrder() {
        int[] steps = {64, 128, 256, 512};
        double[] first = new double[steps.length];
        double[] second = new double[steps.length];
        for (int k = 0; k < steps.length; k++) {
            first[k] = roundTrip(new Ddim(), Spacing.karras(7), steps[k]);
            second[k] = roundTrip(new DpmSolver(DPM_SOLVER_PP, 2), Spacing.karras(7), steps[k]);
        }
        assertEquals(1, GaussianProblem.slope(steps, first), 0.2);
        // The errors of the two ways partly cancel; measured 3.5.
        double slope = GaussianProblem.slope(steps, second);
        assertTrue(slope > 1.8, "slope " + slope);
    }

    @Test
    void theMultistepInverseIsNearerThanTheFirstOrderOne() {
        for (Spacing spacing : List.of(Spacing.uniformLambda(), Spacing.karras(7), Spacing.linspace())) {
            for (int n : new int[] {50, 200}) {
                double first = roundTrip(new Ddim(), spacing, n);
                double second = roundTrip(new DpmSolver(DPM_SOLVER_PP, 2), spacing, n);
                assertTrue(second < first / 2, spacing + ", N=" + n + ": " + second + " and " + first);
            }
        }
    }

    private static double roundTrip(Solver solver, Spacing spacing, int n) {
        TimeGrid grid = spacing.grid(SCHEDULE, n, FinalLevel.LEAST_NOISE);
        SamplingPlan there = SamplingPlan.of(grid, new Inverse(solver), Prediction.EPSILON);
        SamplingPlan back = SamplingPlan.of(grid, solver, Prediction.EPSILON);
        double x = 0.9;
        double noise = PlanInDouble.run(there, PROBLEM::eps, x)[0];
        return Math.abs(PlanInDouble.run(back, PROBLEM::eps, noise)[0] - x);
    }

    @Test
    void anInverseWalksTheReversedGridWhicheverIsGiven() {
        TimeGrid grid = Spacing.leading(1).grid(TabulatedSchedule.stableDiffusion(), 10, FinalLevel.LEAST_NOISE);
        for (Solver solver : List.of(new Ddim(), new DpmSolver(DPM_SOLVER_PP, 2))) {
            List<StepEquation> rows = new Inverse(solver).equations(grid);
            assertEquals(rows, new Inverse(solver).equations(grid.reversed()));
            assertEquals(rows, solver.equations(grid.reversed()));
            assertEquals(grid.level(10), rows.getFirst().at());
            assertEquals(grid.level(0), rows.getLast().to());
        }
    }
}
