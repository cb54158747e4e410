// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import java.util.ArrayList;
import java.util.List;

/**
 * Pseudo linear multistep: Adams-Bashforth combinations of predicted noise, carried along the DDIM line (Liu et al. 2022,
 * arXiv:2202.09778, eq. 11 and 12). With {@code A = alpha' / alpha} and {@code C = sigma' - A sigma}, {@code x' = A x + C e}:
 *
 * <pre>
 * stored | e
 * -------+----------------------------------------------------------
 * 1      | (3 e_i - e_{i-1}) / 2
 * 2      | (23 e_i - 16 e_{i-1} + 5 e_{i-2}) / 12
 * 3      | (55 e_i - 59 e_{i-1} + 37 e_{i-2} - 9 e_{i-3}) / 24
 * </pre>
 *
 * The start is either the pseudo improved Euler step (edge 0 takes two evaluations, N + 1 in all; latent diffusion's PLMS), or
 * the pseudo Runge-Kutta of eq. 11 (the first three edges take four each, N + 9 in all; PNDM). Slots 1 to 3 hold a ring of
 * predicted noise, 4 and 5 the inner stages of the Runge-Kutta start.
 *
 * @param rungeKuttaStart
 *            whether to start as PNDM does; needs at least 4 edges
 * @param combined
 *            how many predictions are combined at most: 4, or 2 for the paper's S-PNDM
 */
public record Plms(boolean rungeKuttaStart, int combined) implements Solver {
    private static final int RING = 3;
    private static final int SECOND_STAGE = 4;
    private static final int THIRD_STAGE = 5;
    private static final double[][] ADAMS_BASHFORTH = {{1}, {3 / 2.0, -1 / 2.0}, {23 / 12.0, -16 / 12.0, 5 / 12.0},
        {55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0}};

    /** Checks how many predictions are combined. */
    public Plms {
        if (combined < 2 || combined > 4) {
            throw new IllegalArgumentException(
                    "PLMS combines 2, 3 or 4 predictions of noise, but got " + combined + ".");
        }
    }

    /**
     * With four predictions combined.
     *
     * @param rungeKuttaStart
     *            whether to start as PNDM does; needs at least 4 edges
     */
    public Plms(boolean rungeKuttaStart) {
        this(rungeKuttaStart, 4);
    }

    /** With the improved Euler start. */
    public Plms() {
        this(false);
    }

    @Override
    public List<StepEquation> equations(TimeGrid grid) {
        int n = grid.edges();
        if (grid.level(0).alpha() == 0 && (rungeKuttaStart || n > 1)) {
            throw new IllegalArgumentException("Solver '" + name()
                    + "' averages predicted noise, which says nothing about x0 at the start of this grid (zero terminal"
                    + " SNR, alpha = 0): use ddim, ddpm or a dpmpp solver, or a schedule without the zero-SNR rescale.");
        }
        List<StepEquation> rows = new ArrayList<>();
        int edge;
        int stored;
        if (rungeKuttaStart) {
            if (n < 4) {
                throw new IllegalArgumentException(
                        "PNDM's Runge-Kutta start fills 3 edges and needs at least 4 steps, but got "
                                + n + "; use plms, which needs 1.");
            }
            for (edge = 0; edge < 3; edge++) {
                rungeKutta(rows, grid, edge);
            }
            stored = 3;
        } else {
            improvedEuler(rows, grid);
            edge = 1;
            stored = 1;
        }
        for (; edge < n; edge++, stored++) {
            Level from = grid.level(edge);
            Level to = grid.level(edge + 1);
            double c = noiseGain(from, to);
            double[] weights = ADAMS_BASHFORTH[Math.min(stored, combined - 1)];
            StepEquation.Builder row = eps(edge, from, to).x(decay(from, to)).eps(c * weights[0]);
            for (int k = 1; k < weights.length; k++) {
                row.history(ring(stored - k), c * weights[k]);
            }
            if (edge + 1 < n) {
                row.storeEps(ring(stored));
            }
            rows.add(row.build());
        }
        return rows;
    }

    /** x1 = A x + C e0; then, at x1, x1' = A x + C (e0 + e1) / 2, where A x = x1 - C e0. */
    private static void improvedEuler(List<StepEquation> rows, TimeGrid grid) {
        Level from = grid.level(0);
        Level to = grid.level(1);
        StepEquation.Builder first = eps(0, from, to);
        if (from.alpha() == 0) {
            first.x0(to.alpha()).eps(to.sigma());
        } else {
            first.x(decay(from, to)).eps(noiseGain(from, to));
        }
        if (grid.edges() == 1) {
            rows.add(first.build());
            return;
        }
        rows.add(first.storeEps(ring(0)).build());
        double c = noiseGain(from, to);
        rows.add(eps(0, to, to).x(1).history(ring(0), -c / 2).eps(c / 2).build());
    }

    /**
     * x1 = A1 x + C1 e1, x2 = A1 x + C1 e2, x3 = A x + C e3, x' = A x + C (e1 + 2 e2 + 2 e3 + e4) / 6 with A1, C1 to the middle of
     * the edge. The state x itself is not kept: each stage gives it back.
     */
    private static void rungeKutta(List<StepEquation> rows, TimeGrid grid, int edge) {
        Level from = grid.level(edge);
        Level to = grid.level(edge + 1);
        Level middle = middle(grid.schedule(), from, to);
        int first = ring(edge);
        double a1 = decay(from, middle);
        double c1 = noiseGain(from, middle);
        double a = decay(from, to);
        double c = noiseGain(from, to);
        rows.add(eps(edge, from, middle).x(a1).eps(c1).storeEps(first).build());
        rows.add(eps(edge, middle, middle).x(1).history(first, -c1).eps(c1).storeEps(SECOND_STAGE).build());
        rows.add(eps(edge, middle, to).x(a / a1)
                .history(SECOND_STAGE, -a / a1 * c1)
                .eps(c)
                .storeEps(THIRD_STAGE)
                .build());
        rows.add(eps(edge, to, to).x(1)
                .history(first, c / 6)
                .history(SECOND_STAGE, c / 3)
                .history(THIRD_STAGE, c / 3 - c)
                .eps(c / 6)
                .build());
    }

    private static Level middle(NoiseSchedule schedule, Level from, Level to) {
        double t = (from.t() + to.t()) / 2;
        return schedule.level(schedule.isDiscrete() ? Math.floor(t) : t);
    }

    private static StepEquation.Builder eps(int edge, Level at, Level to) {
        return StepEquation.on(edge, at, to).rederiveEps(true);
    }

    private static double decay(Level from, Level to) {
        return to.alpha() / from.alpha();
    }

    private static double noiseGain(Level from, Level to) {
        return to.sigma() - to.alpha() / from.alpha() * from.sigma();
    }

    private static int ring(int index) {
        return 1 + index % RING;
    }

    @Override
    public String name() {
        return rungeKuttaStart ? "pndm" : combined == 2 ? "s-pndm" : "plms";
    }

    @Override
    public int order() {
        return 2;
    }

    @Override
    public boolean isStochastic() {
        return false;
    }
}
