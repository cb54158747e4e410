// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.DpmAlgorithm.Form;
import io.github.alphabar.solver.StepEquation.Term;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Coefficients in double, and in float32 operation by operation. */
class ArithmeticTest {

    private static float anyFloat(Random r) {
        // Exponents of both signs and far apart, so that sums cancel, absorb and round to even.
        return Math.scalb(r.nextFloat() - 0.5f, r.nextInt(60) - 30);
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT32", "FLOAT32_EXPM1"})
    void anOperationInDoubleRoundedIsTheFloat32Operation(Arithmetic a) {
        Random r = new Random(1);
        for (int i = 0; i < 100_000; i++) {
            float x = anyFloat(r);
            float y = anyFloat(r);
            assertEquals(x + y, a.of((double) x + y));
            assertEquals(x - y, a.of((double) x - y));
            assertEquals(x * y, a.of((double) x * y));
            assertEquals(x / y, a.of((double) x / y));
        }
    }

    @Test
    void doubleRoundsNothing() {
        for (double v : new double[] {Math.PI, -1e-300, 0x1.000001p0, Double.POSITIVE_INFINITY}) {
            assertEquals(v, Arithmetic.DOUBLE.of(v));
        }
        assertEquals(Math.expm1(1e-9), Arithmetic.DOUBLE.expm1(1e-9));
        assertEquals(Math.sqrt(2), Arithmetic.DOUBLE.sqrt(2));
        assertEquals(Math.exp(-3), Arithmetic.DOUBLE.exp(-3));
        assertEquals(Math.log(3), Arithmetic.DOUBLE.log(3));
    }

    /** The quotients written out in Java's own float arithmetic. */
    @Test
    void float32FunctionsRoundEveryOperation() {
        Random r = new Random(2);
        for (int i = 0; i < 10_000; i++) {
            float z = (r.nextFloat() - 0.5f) * 8;
            float p = (float) StrictMath.exp(z) - 1;
            assertEquals(p, Arithmetic.FLOAT32.expm1(z));
            assertEquals(p / z - 1, Arithmetic.FLOAT32.zPhi2(z));
            assertEquals((p - z) / (z * z) - 0.5f, Arithmetic.FLOAT32.zPhi3(z));
            float q = (float) StrictMath.expm1(z);
            assertEquals(q, Arithmetic.FLOAT32_EXPM1.expm1(z));
            assertEquals(q / z - 1, Arithmetic.FLOAT32_EXPM1.zPhi2(z));
            assertEquals((q / z - 1) / z - 0.5f, Arithmetic.FLOAT32_EXPM1.zPhi3(z));
        }
    }

    private static List<Double> coefficients(StepEquation e) {
        List<Double> all = new ArrayList<>(List.of(e.x(), e.x0(), e.eps(), e.noise()));
        e.history().stream().map(Term::coefficient).forEach(all::add);
        return all;
    }

    private static List<Solver> solvers(Arithmetic a) {
        List<Solver> all = new ArrayList<>();
        for (DpmAlgorithm algorithm : DpmAlgorithm.values()) {
            for (Form form : Form.values()) {
                for (ThirdOrder third : ThirdOrder.values()) {
                    all.add(new DpmSolver(algorithm, 3, form, false, false, third, a));
                    all.add(new DpmSolverSinglestep(algorithm, 3, form, false, third, a));
                }
                all.add(new DpmSolver(algorithm, 2, form, false, false, ThirdOrder.EXACT, a));
                all.add(new DpmSolverSinglestep(algorithm, 2, form, false, ThirdOrder.EXACT, a));
            }
        }
        return all;
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT32", "FLOAT32_EXPM1"})
    void float32RowsAreThoseOfDoubleButForRounding(Arithmetic a) {
        TimeGrid grid = TimeGrid.of(TabulatedSchedule.stableDiffusion(), Spacing.karras(7), 8);
        List<Solver> rounded = solvers(a);
        List<Solver> exact = solvers(Arithmetic.DOUBLE);
        for (int k = 0; k < exact.size(); k++) {
            List<StepEquation> ours = exact.get(k).equations(grid);
            List<StepEquation> theirs = rounded.get(k).equations(grid);
            assertNotEquals(ours, theirs, exact.get(k).toString());
            for (int i = 0; i < ours.size(); i++) {
                List<Double> c = coefficients(ours.get(i));
                List<Double> d = coefficients(theirs.get(i));
                assertEquals(c.size(), d.size());
                double largest = c.stream().mapToDouble(Math::abs).max().orElseThrow();
                for (int j = 0; j < c.size(); j++) {
                    // lambda is up to 4, with an ulp of 2.4e-7 for each of two; edges are 0.7 long or more, and 1/r, the weights and
                    // their products add a few roundings of 6e-8: some 5e-6 of the largest coefficient.
                    assertEquals(c.get(j), d.get(j), 5e-6 * Math.max(1, largest), exact.get(k) + ", row " + i);
                }
            }
        }
    }

    @Test
    void unlessToldOtherwiseSolversComputeInDouble() {
        assertEquals(Arithmetic.DOUBLE, new DpmSolver(DpmAlgorithm.DPM_SOLVER, 2).arithmetic());
        assertEquals(Arithmetic.DOUBLE, new DpmSolverSinglestep(DpmAlgorithm.DPM_SOLVER, 2).arithmetic());
        assertTrue(Solvers.all()
                .stream()
                .noneMatch(e -> e.solver() instanceof DpmSolver s && s.arithmetic() != Arithmetic.DOUBLE));
    }
}
