// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.solver.DpmAlgorithm.Form;
import io.github.alphabar.solver.DpmAlgorithm.Weights;
import java.util.ArrayList;
import java.util.List;

/**
 * The singlestep DPM-Solvers: edges are taken in groups of {@code order}, each a Runge-Kutta step of its own from the group's
 * first level, whose inner points are the grid's own levels (Lu et al. 2022, arXiv:2206.00927, algorithms 1 and 2, and
 * arXiv:2211.01095, algorithm 1; the weights w are those of {@link DpmAlgorithm}). With m_0, m_1, m_2 the predictions at the
 * group's levels, h to the level being computed and {@code r_j = (lambda_j - lambda_0) / h}:
 *
 * <pre>
 * row in the group | D1                                     | D2
 * -----------------+----------------------------------------+----------------------------
 * 1                | 0                                      | 0
 * 2                | (m_1 - m_0) / r_1                      | 0
 * 3, midpoint      | (m_2 - m_0) / r_2                      | 0
 * 3, heun          | (r_2 d1 - r_1 d2) / (r_2 - r_1)        | 2 (d2 - d1) / (r_2 - r_1)
 *                    with d1 = (m_1 - m_0) / r_1,  d2 = (m_2 - m_0) / r_2
 * </pre>
 *
 * Inside a group of three the second row takes w1 by phi2, as the authors' code does. N edges are N network evaluations.
 * Slots: 0 the state at the group's first level, 1 the inner state, 2 and 3 the predictions m_0 and m_1.
 *
 * @param algorithm
 *            what is integrated
 * @param order
 *            2 or 3
 * @param form
 *            the row of the group's own order
 * @param lowerOrderFinal
 *            whether the last group is split into lower orders where N is a multiple of the order, as in the authors' code
 * @param third
 *            which third-order formula; without effect on order 2
 * @param arithmetic
 *            in which numbers coefficients are computed
 */
public record DpmSolverSinglestep(DpmAlgorithm algorithm, int order, Form form,
        boolean lowerOrderFinal, ThirdOrder third, Arithmetic arithmetic) implements Solver {
    private static final int BASE = 0;
    private static final int INNER = 1;
    private static final int FIRST_MODEL = 2;
    private static final int SECOND_MODEL = 3;

    /** Checks the order. */
    public DpmSolverSinglestep {
        if (order < 2 || order > 3) {
            throw new IllegalArgumentException(
                    "The singlestep solvers have the orders 2 and 3, but got " + order + "; order 1 is DpmSolver's.");
        }
    }

    /**
     * In double.
     *
     * @param algorithm
     *            what is integrated
     * @param order
     *            2 or 3
     * @param form
     *            the row of the group's own order
     * @param lowerOrderFinal
     *            whether the last group is split into lower orders
     * @param third
     *            which third-order formula
     */
    public DpmSolverSinglestep(DpmAlgorithm algorithm, int order, Form form, boolean lowerOrderFinal,
            ThirdOrder third) {
        this(algorithm, order, form, lowerOrderFinal, third, Arithmetic.DOUBLE);
    }

    /**
     * With the third-order formula that converges with order 3.
     *
     * @param algorithm
     *            what is integrated
     * @param order
     *            2 or 3
     * @param form
     *            the row of the group's own order
     * @param lowerOrderFinal
     *            whether the last group is split into lower orders
     */
    public DpmSolverSinglestep(DpmAlgorithm algorithm, int order, Form form, boolean lowerOrderFinal) {
        this(algorithm, order, form, lowerOrderFinal, ThirdOrder.EXACT);
    }

    /**
     * The midpoint form of order 2, the heun form of order 3 (which is the authors' third order only in that form).
     *
     * @param algorithm
     *            what is integrated
     * @param order
     *            2 or 3
     */
    public DpmSolverSinglestep(DpmAlgorithm algorithm, int order) {
        this(algorithm, order, order == 3 ? Form.HEUN : Form.MIDPOINT, false);
    }

    /** The sizes of the groups, in order; they sum to the number of edges. */
    List<Integer> groups(TimeGrid grid) {
        List<Integer> sizes = new ArrayList<>();
        int n = grid.edges();
        int edge = 0;
        // No higher order starts from or arrives at an end of the schedule: its lambda is infinite.
        if (grid.level(0).alpha() == 0 || grid.level(0).sigma() == 0) {
            sizes.add(1);
            edge = 1;
        }
        boolean atEnd = grid.level(n).sigma() == 0 || grid.level(n).alpha() == 0;
        int last = atEnd && edge < n ? n - 1 : n;
        boolean split = lowerOrderFinal && !atEnd && (last - edge) % order == 0 && last > edge;
        while (edge < last) {
            int size = Math.min(order, last - edge);
            if (split && edge + size == last) {
                size = order - 1;
                split = false;
            }
            sizes.add(size);
            edge += size;
        }
        if (last < n) {
            sizes.add(1);
        }
        return sizes;
    }

    @Override
    public List<StepEquation> equations(TimeGrid grid) {
        if (algorithm.isSde()) {
            Grids.refuseReversed(name(), grid);
        }
        List<StepEquation> rows = new ArrayList<>();
        int edge = 0;
        for (int size : groups(grid)) {
            for (int j = 0; j < size; j++) {
                rows.add(row(grid, edge, j, size));
            }
            edge += size;
        }
        return rows;
    }

    private StepEquation row(TimeGrid grid, int base, int j, int size) {
        Level start = grid.level(base);
        Level at = grid.level(base + j);
        Level to = grid.level(base + j + 1);
        boolean last = j == size - 1;
        StepEquation.Builder row = StepEquation.on(base + j, at, to).slots(j == 0 ? BASE : INNER, last ? BASE : INNER);
        Arithmetic a = arithmetic;
        double h = a.of(to.lambda() - start.lambda());
        if (j == 0) {
            algorithm.firstOrder(row, at, to, a);
            return last ? row.build() : algorithm.store(row, FIRST_MODEL).build();
        }
        if (h == 0) {
            return row.history(BASE, 1).build();
        }
        Form rowForm = j == 1 && size == 3 && third != ThirdOrder.DIFFUSERS ? Form.HEUN : form;
        Weights w = algorithm.weights(start, to, j == 2 ? Form.HEUN : rowForm, third, a);
        row.noise(w.noise()).rederiveEps(!algorithm.isData()).history(BASE, w.decay());
        double rNow = a.of(a.of(at.lambda() - start.lambda()) / h);
        double r1 = a.of(a.of(grid.level(base + 1).lambda() - start.lambda()) / h);
        // An edge without length inside the group leaves a divided difference of nothing by nothing, and so an order less.
        if (rNow == 0) {
            algorithm.model(row, w.w0());
        } else if (j == 1 || form == Form.MIDPOINT || r1 == 0 || r1 == rNow) {
            double d = w.w1() * a.of(1 / rNow);
            row.history(FIRST_MODEL, w.w0() - d);
            algorithm.model(row, d);
        } else {
            double between = a.of(rNow - r1);
            double d1 = (w.w1() * rNow - 2 * w.w2()) / between * a.of(1 / r1);
            double d2 = (2 * w.w2() - w.w1() * r1) / between * a.of(1 / rNow);
            row.history(FIRST_MODEL, w.w0() - d1 - d2).history(SECOND_MODEL, d1);
            algorithm.model(row, d2);
        }
        if (j == 1 && size == 3 && form == Form.HEUN) {
            algorithm.store(row, SECOND_MODEL);
        }
        return row.build();
    }

    @Override
    public String name() {
        boolean usual = form == (order == 3 ? Form.HEUN : Form.MIDPOINT);
        return DpmSolver.dpmName(algorithm, order + "s", Form.MIDPOINT)
                + (usual ? "" : form == Form.HEUN ? "-heun" : "-midpoint") + (order == 3 ? third.suffix() : "");
    }

    @Override
    public boolean isStochastic() {
        return algorithm.isSde();
    }
}
