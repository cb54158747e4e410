// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import static io.github.alphabar.solver.DpmAlgorithm.DPM_SOLVER;
import static io.github.alphabar.solver.DpmAlgorithm.DPM_SOLVER_PP;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.grid.Spacing;
import io.github.alphabar.schedule.VpLinearSchedule;
import io.github.alphabar.solver.DpmAlgorithm.Form;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The order of convergence, measured on Gaussian data with the exact score. The continuous VP-linear schedule, grids that end at
 * its least noisy level: every edge has a finite length, and no step falls to a lower order at the end.
 */
class OrderTest {
    private static final VpLinearSchedule SCHEDULE = new VpLinearSchedule();
    /** Wide data, whose errors have settled to their order at 64 steps. */
    private static final GaussianProblem WIDE = new GaussianProblem(0.3, 1.5);
    private static final GaussianProblem NARROW = new GaussianProblem(0.3, 0.5);
    private static final double START = 1.7;
    private static final int[] POWERS = {64, 128, 256, 512};
    /** Multiples of 3: every group of a third-order singlestep solver is whole. */
    private static final int[] THIRDS = {63, 129, 255, 513};

    static Stream<Arguments> orders() {
        List<Arguments> all = new ArrayList<>();
        all.add(Arguments.of(new Ddim(), 1));
        for (DpmAlgorithm algorithm : List.of(DPM_SOLVER, DPM_SOLVER_PP)) {
            all.add(Arguments.of(multistep(algorithm, 1, Form.MIDPOINT, false), 1));
            for (Form form : Form.values()) {
                all.add(Arguments.of(multistep(algorithm, 2, form, false), 2));
                all.add(Arguments.of(new DpmSolverSinglestep(algorithm, 2, form, false), 2));
                all.add(Arguments.of(multistep(algorithm, 3, form, false), 3));
            }
            all.add(Arguments.of(new DpmSolverSinglestep(algorithm, 3), 3));
            // A divided difference where the second derivative belongs: the third order of the authors' code is the second.
            all.add(Arguments.of(multistep(algorithm, 3, Form.MIDPOINT, true), 2));
        }
        // Adams-Bashforth weights are those of equal steps, which no grid has in sigma / alpha: order 2, whatever the weights'.
        all.add(Arguments.of(new Plms(), 2));
        all.add(Arguments.of(new Plms(true), 2));
        return all.stream();
    }

    @ParameterizedTest
    @MethodSource("orders")
    void theMeasuredOrderIsTheNamedOne(Solver solver, int order) {
        double slope = slope(WIDE, solver, Spacing.karras(7));
        assertEquals(order, slope, 0.2, solver + " on karras");
        boolean halved = solver instanceof DpmSolver d && d.third() == ThirdOrder.HALVED;
        assertEquals(halved ? 3 : order, solver.order(), solver.toString());
    }

    /**
     * On a grid of equal steps in lambda the h^3 error of a third-order multistep solver on Gaussian data is an integral of
     * {@code f f'''} with {@code f = (s^2 + e^(-2 lambda))^(-1/2)}: a difference of end values that are nearly 0. It shows order
     * 4 there, and so this problem is measured on karras spacing above.
     */
    @ParameterizedTest
    @MethodSource("orders")
    void theOrderHoldsOnEqualStepsOfLambda(Solver solver, int order) {
        double slope = slope(NARROW, solver, Spacing.uniformLambda());
        boolean fourth = solver instanceof DpmSolver && order == 3;
        assertEquals(fourth ? 4 : order, slope, 0.2, solver + " on uniform-lambda");
    }

    /** Linspace in t takes its longest steps of lambda at both ends and settles later: the solvers that have by 64 steps. */
    @Test
    void theOrderHoldsOnEqualStepsOfTime() {
        for (Solver solver : List.of(new Ddim(), new DpmSolver(DPM_SOLVER, 1), new DpmSolver(DPM_SOLVER_PP, 1))) {
            assertEquals(1, slope(WIDE, solver, Spacing.linspace()), 0.2, solver.toString());
        }
        for (Solver solver : List.of(multistep(DPM_SOLVER, 2, Form.MIDPOINT, false),
                multistep(DPM_SOLVER_PP, 2, Form.MIDPOINT, false), multistep(DPM_SOLVER_PP, 2, Form.HEUN, false),
                new DpmSolverSinglestep(DPM_SOLVER, 2))) {
            assertEquals(2, slope(WIDE, solver, Spacing.linspace()), 0.2, solver.toString());
        }
        assertEquals(3, slope(WIDE, multistep(DPM_SOLVER_PP, 3, Form.MIDPOINT, false), Spacing.linspace()), 0.2);
    }

    @Test
    void theFactorOfTheSecondDifferenceIsWorthAnOrder() {
        for (DpmAlgorithm algorithm : List.of(DPM_SOLVER, DPM_SOLVER_PP)) {
            for (Spacing spacing : List.of(Spacing.karras(7), Spacing.uniformLambda())) {
                double whole = WIDE.error(multistep(algorithm, 3, Form.MIDPOINT, false), SCHEDULE, spacing, 512, START);
                double halved = WIDE.error(multistep(algorithm, 3, Form.MIDPOINT, true), SCHEDULE, spacing, 512, START);
                assertTrue(halved > 10 * whole, algorithm + " on " + spacing + ": " + halved + " and " + whole);
            }
        }
    }

    /**
     * The first edge of a multistep solver is of order 1, and its error h^2 would rule in the end. At the noisy end the prediction
     * hardly changes, so that it does only where 500 steps have left 1e-7.
     */
    @Test
    void theWarmUpOfTheThirdOrderIsNotSeenAboveSinglePrecision() {
        for (DpmAlgorithm algorithm : List.of(DPM_SOLVER, DPM_SOLVER_PP)) {
            double error = WIDE.error(multistep(algorithm, 3, Form.MIDPOINT, false), SCHEDULE, Spacing.uniformLambda(),
                    512, START);
            assertTrue(error < 1e-7, algorithm + ": " + error);
        }
    }

    @Test
    void lowerOrderFinalOnlyTouchesTheLastEdges() {
        var grid = Spacing.karras(7).grid(SCHEDULE, 20, io.github.alphabar.grid.FinalLevel.LEAST_NOISE);
        List<StepEquation> plain = multistep(DPM_SOLVER_PP, 3, Form.MIDPOINT, false).equations(grid);
        List<StepEquation> lowered = new DpmSolver(DPM_SOLVER_PP, 3).equations(grid);
        assertEquals(plain.subList(0, 17), lowered.subList(0, 17));
        assertEquals(2, plain.get(18).history().size());
        assertEquals(1, lowered.get(18).history().size());
        assertEquals(0, lowered.get(19).history().size());
        List<StepEquation> euler = new DpmSolver(DPM_SOLVER_PP, 3, Form.MIDPOINT, false, true).equations(grid);
        assertEquals(2, euler.get(18).history().size());
        assertEquals(0, euler.get(19).history().size());
    }

    private static DpmSolver multistep(DpmAlgorithm algorithm, int order, Form form, boolean halved) {
        return new DpmSolver(algorithm, order, form, false, false, halved ? ThirdOrder.HALVED : ThirdOrder.EXACT);
    }

    private static double slope(GaussianProblem problem, Solver solver, Spacing spacing) {
        int[] steps = solver instanceof DpmSolverSinglestep s && s.order() == 3 ? THIRDS : POWERS;
        double[] errors = Arrays.stream(steps)
                .mapToDouble(n -> problem.error(solver, SCHEDULE, spacing, n, START))
                .toArray();
        return GaussianProblem.slope(steps, errors);
    }
}
