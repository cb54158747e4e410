// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.PlanInDouble;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.schedule.Betas;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * If the network is exact, which is to say that it finds the same x0 and eps at every level, then a deterministic row must land on
 * {@code alpha' x0 + sigma' eps}. States and slots are pairs of coefficients of x0 and eps, so this is algebra on the rows.
 */
class ExactnessTest {
    private static final double[] X0 = {1, 0};
    private static final double[] EPS = {0, 1};

    static Stream<Solver> deterministic() {
        return Samplers.solvers().stream().filter(s -> !s.isStochastic());
    }

    @ParameterizedTest
    @MethodSource("deterministic")
    void everyRowLandsOnItsLevel(Solver solver) {
        Set<String> reached = new LinkedHashSet<>();
        Samplers.schedules().forEach((name, schedule) -> {
            for (Spacing spacing : Samplers.spacings()) {
                for (FinalLevel end : FinalLevel.values()) {
                    // 1 and 2 have no history, 3 and 4 just fill it, 11 is odd and no multiple of an order.
                    for (int n : new int[] {1, 2, 3, 4, 11, 50}) {
                        for (Prediction prediction : Prediction.values()) {
                            if (check(schedule, spacing, end, n, solver, prediction)) {
                                reached.add(name + " " + prediction);
                            }
                        }
                    }
                }
            }
        });
        // What is refused is refused for a reason (see EndsTest); each schedule must be reached by some prediction.
        for (String name : Samplers.schedules().keySet()) {
            boolean expected = !(name.equals("zero-terminal-snr") || name.equals("flow")) || solver instanceof Ddim;
            assertTrue(!expected || reached.stream().anyMatch(r -> r.startsWith(name)),
                    solver + " never ran on " + name);
        }
    }

    /** As many steps as training steps: N + 1 points of linspace meet once, and each length has them meet elsewhere. */
    @ParameterizedTest
    @MethodSource("deterministic")
    void anEdgeWithoutLengthAnywhereInTheGridIsStoodOut(Solver solver) {
        for (int n = 4; n <= 24; n++) {
            TabulatedSchedule schedule = TabulatedSchedule.ofBetas(Betas.linear(n, 0.01, 0.3));
            TimeGrid grid = Spacing.linspace().grid(schedule, n, FinalLevel.LEAST_NOISE);
            int still = 0;
            for (int i = 0; i < n; i++) {
                still += grid.level(i).lambda() == grid.level(i + 1).lambda() ? 1 : 0;
            }
            assertEquals(1, still, "N=" + n);
            assertTrue(check(schedule, Spacing.linspace(), FinalLevel.LEAST_NOISE, n, solver, Prediction.V_PREDICTION),
                    solver + " refused N=" + n);
        }
    }

    private static boolean check(NoiseSchedule schedule, Spacing spacing, FinalLevel end, int n, Solver solver,
            Prediction prediction) {
        SamplingPlan plan;
        List<StepEquation> equations;
        try {
            TimeGrid grid = spacing.grid(schedule, n, end);
            equations = solver.equations(grid);
            plan = SamplingPlan.of(grid, solver, prediction);
        } catch (IllegalArgumentException refused) {
            return false;
        }
        Level first = plan.steps().getFirst().at();
        PlanInDouble state = new PlanInDouble(plan, first.alpha(), first.sigma());
        for (int i = 0; i < plan.evaluations(); i++) {
            Step step = plan.steps().get(i);
            String where = solver + ", " + prediction + ", " + spacing + " on " + schedule + ", " + end + ", N=" + n
                    + ", row " + i;
            double[] x = state.slots()[step.in()];
            assertEquals(step.at().alpha(), x[0], where + " is not at the level of its state");
            assertEquals(step.at().sigma(), x[1], where + " is not at the level of its state");
            state.step(i, PlanInDouble.output(prediction, step.at(), X0, EPS), null);
            double[] exact = {step.to().alpha(), step.to().sigma()};
            near(exact, state.slots()[step.out()], 1e-14 * largest(equations.get(i), prediction), where);
            // From the exact level on, so that each row answers for itself.
            state.slots()[step.out()] = exact;
            if (step.store() != null) {
                double[] stored = state.slots()[step.store().slot()];
                double[] meant = Math.abs(stored[0]) > 0.5 ? X0 : EPS;
                // Coefficients of the reading, at most about 1 / alpha and sigma / alpha.
                double scale = Math.max(1, Math.max(Math.abs(step.store().sx()), Math.abs(step.store().sg())));
                near(meant, stored, 1e-14 * scale, where + ", store");
                state.slots()[step.store().slot()] = meant.clone();
            }
        }
        return true;
    }

    /**
     * 1e-14 of the largest coefficient: some 50 roundings, for sums of at most 6 terms whose coefficients have about 8 each. The
     * largest is that of the equation times that of the reading of x0 and eps, before the two are folded into one.
     */
    private static double largest(StepEquation e, Prediction prediction) {
        double ofX0 = prediction == Prediction.EPSILON ? 1 / e.at().alpha() : 1;
        double ofEps = prediction == Prediction.SAMPLE ? 1 / e.at().sigma() : 1;
        double most = Math.max(1, Math.abs(e.x()));
        most = Math.max(most, e.x0() == 0 ? 0 : Math.abs(e.x0()) * ofX0);
        most = Math.max(most, e.eps() == 0 ? 0 : Math.abs(e.eps()) * ofEps);
        for (StepEquation.Term term : e.history()) {
            most = Math.max(most, Math.abs(term.coefficient()));
        }
        return most;
    }

    private static void near(double[] expected, double[] actual, double tolerance, String where) {
        assertEquals(expected[0], actual[0], tolerance, where + ", x0");
        assertEquals(expected[1], actual[1], tolerance, where + ", eps");
    }
}
