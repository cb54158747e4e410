// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.VpLinearSchedule;
import io.github.alphabar.solver.DpmAlgorithm.Form;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The integrals behind the DPM-Solver weights: a solver of order k is exact where the prediction m is a polynomial of degree
 * k - 1 in lambda. With h from the level the integral starts at,
 *
 * <pre>
 * DPM-Solver        x' = alpha'/alpha x - sigma' int e^(lambda' - l) m(l) dl
 * DPM-Solver++      x' = sigma'/sigma x + alpha' int e^(l - lambda') m(l) dl
 * SDE-DPM-Solver    x' = alpha'/alpha x - 2 sigma' int e^(lambda' - l) m(l) dl + noise
 * SDE-DPM-Solver++  x' = sigma'/sigma e^-h x + 2 alpha' int e^(2 (l - lambda')) m(l) dl + noise
 * </pre>
 */
class PolynomialTest {
    /** Uneven steps, so that r0 and r1 differ from 1 and from each other; h from 0.1 to 2. */
    private static final TimeGrid GRID = Spacing.karras(3).grid(new VpLinearSchedule(), 12, FinalLevel.LEAST_NOISE);

    private interface Prediction {
        double at(double lambda);
    }

    /** The edge whose prediction a slot holds, -1 where it holds the state. */
    private interface Slots {
        int edge(int slot);
    }

    /** A multistep solver keeps the predictions of the edges before in a ring of order - 1 slots, numbered from 1 by edge. */
    private static Slots ring(int i, int order) {
        return slot -> {
            int back = 1;
            while (1 + (i - back) % (order - 1) != slot) {
                back++;
            }
            return i - back;
        };
    }

    /** A singlestep solver keeps the group's first state in slot 0 and its predictions in slots 2 and 3. */
    private static Slots group(int first) {
        return slot -> slot == 0 ? -1 : first + slot - 2;
    }

    @ParameterizedTest
    @EnumSource(DpmAlgorithm.class)
    void multistepIsExactForPolynomialsBelowItsOrder(DpmAlgorithm algorithm) {
        for (int order = 1; order <= 3; order++) {
            // Order 2 by the midpoint rule weighs the slope by w0 / 2: right to second order only.
            DpmSolver solver = new DpmSolver(algorithm, order, Form.HEUN, false, false);
            List<StepEquation> rows = solver.equations(GRID);
            for (int degree = 0; degree < order; degree++) {
                for (int i = order - 1; i < GRID.edges(); i++) {
                    assertExact(algorithm, rows.get(i), GRID.level(i), ring(i, order), degree,
                            solver + " on row " + i);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(DpmAlgorithm.class)
    void singlestepIsExactForPolynomialsBelowItsOrder(DpmAlgorithm algorithm) {
        for (int order = 2; order <= 3; order++) {
            DpmSolverSinglestep solver = new DpmSolverSinglestep(algorithm, order, Form.HEUN, false);
            List<StepEquation> rows = solver.equations(GRID);
            for (int degree = 0; degree < order; degree++) {
                for (int i = 0; i < GRID.edges(); i++) {
                    // Row j of a group has order j + 1.
                    int j = i % order;
                    if (degree <= j) {
                        assertExact(algorithm, rows.get(i), GRID.level(i - j), group(i - j), degree,
                                solver + " on row " + i);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(DpmAlgorithm.class)
    void theMidpointFormsAreExactOneDegreeLower(DpmAlgorithm algorithm) {
        List<StepEquation> multistep = new DpmSolver(algorithm, 2, Form.MIDPOINT, false, false).equations(GRID);
        List<StepEquation> two = new DpmSolverSinglestep(algorithm, 2, Form.MIDPOINT, false).equations(GRID);
        List<StepEquation> three = new DpmSolverSinglestep(algorithm, 3, Form.MIDPOINT, false).equations(GRID);
        for (int i = 1; i < GRID.edges(); i++) {
            assertExact(algorithm, multistep.get(i), GRID.level(i), ring(i, 2), 0, "2m, row " + i);
            assertExact(algorithm, two.get(i), GRID.level(i - i % 2), group(i - i % 2), 0, "2s, row " + i);
            assertExact(algorithm, three.get(i), GRID.level(i - i % 3), group(i - i % 3), Math.min(1, i % 3),
                    "3s, row " + i);
        }
    }

    @Test
    void theHalvedSecondDifferenceMissesTheQuadratic() {
        for (DpmAlgorithm algorithm : DpmAlgorithm.values()) {
            List<StepEquation> rows = new DpmSolver(algorithm, 3, Form.MIDPOINT, false, false, ThirdOrder.HALVED)
                    .equations(GRID);
            for (int i = 2; i < GRID.edges(); i++) {
                assertExact(algorithm, rows.get(i), GRID.level(i), ring(i, 3), 1, algorithm + ", row " + i);
                StepEquation row = rows.get(i);
                double h = row.to().lambda() - row.at().lambda();
                double missed = exact(algorithm, row.at(), row.to(), l -> Math.pow(l - row.at().lambda(), 2))
                        - drift(algorithm, row, ring(i, 3), l -> Math.pow(l - row.at().lambda(), 2));
                // Half of w2 h^2 m'' with m'' = 2.
                double half = algorithm.weights(row.at(), row.to(), Form.HEUN, ThirdOrder.EXACT, Arithmetic.DOUBLE).w2()
                        * h * h;
                assertEquals(half, missed, 1e-13 * (1 + Math.abs(half)), algorithm + ", row " + i);
            }
        }
    }

    @Test
    void theNoiseOfTheSdesIsTheirItoIntegral() {
        for (DpmAlgorithm algorithm : List.of(DpmAlgorithm.SDE_DPM_SOLVER, DpmAlgorithm.SDE_DPM_SOLVER_PP)) {
            for (int i = 0; i < GRID.edges(); i++) {
                Level from = GRID.level(i);
                Level to = GRID.level(i + 1);
                // dx = ... + sqrt(2) sigma dw in lambda, carried to the end by the decay from l on.
                double variance = integral(from.lambda(), to.lambda(), l -> {
                    Level at = Level.ofNoiseRatio(0, Math.exp(-l));
                    double decay = algorithm.weights(at, to, Form.MIDPOINT, ThirdOrder.EXACT, Arithmetic.DOUBLE)
                            .decay();
                    return 2 * at.sigma() * at.sigma() * decay * decay;
                });
                double noise = algorithm.weights(from, to, Form.MIDPOINT, ThirdOrder.EXACT, Arithmetic.DOUBLE).noise();
                assertEquals(variance, noise * noise, 1e-12 * variance, algorithm + ", edge " + i);
            }
        }
    }

    @Test
    void phiAgreesWithItsDefinitionAcrossTheSeam() {
        // The series ends and the quotient begins at 1; both against the integral of e^((1 - u) z) u^(k-1) / (k-1)!.
        for (double z : new double[] {-40, -5, -1.0000001, -1, -0.9999999, -0.5, -1e-3, -1e-9, 0, 1e-9, 0.3, 0.9999999,
            1,
            1.5, 4}) {
            double two = integral(0, 1, u -> Math.exp((1 - u) * z) * u);
            double three = integral(0, 1, u -> Math.exp((1 - u) * z) * u * u / 2);
            assertEquals(two, Phi.phi2(z), 1e-14 * two, "phi2(" + z + ")");
            // The quotient at |z| = 1 takes 0.05 from terms of 1: 20 ulp.
            assertEquals(three, Phi.phi3(z), 1e-14 * three, "phi3(" + z + ")");
        }
        assertEquals(0, Phi.phi2(Double.NEGATIVE_INFINITY));
        assertEquals(0, Phi.phi3(Double.NEGATIVE_INFINITY));
    }

    private static void assertExact(DpmAlgorithm algorithm, StepEquation row, Level start, Slots slots, int degree,
            String where) {
        // Around the start of the integral, scaled to its length: values of size 1, and derivatives that matter.
        double h = row.to().lambda() - start.lambda();
        Prediction m = l -> Math.pow((l - start.lambda()) / h, degree);
        double expected = exact(algorithm, start, row.to(), m);
        // Some 20 roundings of terms up to w1 / r and their sum; coefficients below 100 on this grid.
        assertEquals(expected, drift(algorithm, row, slots, m), 1e-12 * Math.max(1, Math.abs(expected)),
                where + ", degree " + degree);
    }

    /** What a row adds to the decayed state where the network predicts m. */
    private static double drift(DpmAlgorithm algorithm, StepEquation row, Slots slots, Prediction m) {
        double sum = (algorithm.isData() ? row.x0() : row.eps()) * m.at(row.at().lambda());
        for (StepEquation.Term term : row.history()) {
            int edge = slots.edge(term.slot());
            sum += edge < 0 ? 0 : term.coefficient() * m.at(GRID.level(edge).lambda());
        }
        return sum;
    }

    private static double exact(DpmAlgorithm algorithm, Level from, Level to, Prediction m) {
        double k = algorithm.isSde() ? 2 : 1;
        double end = to.lambda();
        return algorithm.isData()
                ? k * to.alpha() * integral(from.lambda(), end, l -> Math.exp(k * (l - end)) * m.at(l))
                : -k * to.sigma() * integral(from.lambda(), end, l -> Math.exp(end - l) * m.at(l));
    }

    /** Gauss-Legendre with 16 points on each of 64 pieces: far below rounding for these entire functions. */
    private static double integral(double from, double to, Prediction f) {
        int n = 16;
        double sum = 0;
        double width = (to - from) / 64;
        for (int i = 0; i < n; i++) {
            double x = Math.cos(Math.PI * (i + 0.75) / (n + 0.5));
            double slope = 0;
            for (int iteration = 0; iteration < 20; iteration++) {
                double p0 = 1;
                double p1 = x;
                for (int k = 2; k <= n; k++) {
                    double p2 = ((2 * k - 1) * x * p1 - (k - 1) * p0) / k;
                    p0 = p1;
                    p1 = p2;
                }
                slope = n * (x * p1 - p0) / (x * x - 1);
                x -= p1 / slope;
            }
            double weight = 2 / ((1 - x * x) * slope * slope);
            for (int piece = 0; piece < 64; piece++) {
                sum += weight * width / 2 * f.at(from + width * (piece + (x + 1) / 2));
            }
        }
        return sum;
    }

    @Test
    void theIntegralIsTrusted() {
        assertEquals(1 - Math.exp(-2), integral(0, 2, l -> Math.exp(-l)), 1e-15);
        assertTrue(Math.abs(integral(0, 1, l -> l * l) - 1 / 3.0) < 1e-15);
    }
}
