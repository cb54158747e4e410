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
 * The multistep DPM-Solvers: one network evaluation per edge, earlier predictions reused (Lu et al. 2022, arXiv:2211.01095,
 * algorithm 2; the weights w are those of {@link DpmAlgorithm}). With m_i the prediction at edge i,
 * {@code r0 = (lambda_i - lambda_{i-1}) / h} and {@code r1 = (lambda_{i-1} - lambda_{i-2}) / h}:
 *
 * <pre>
 * order | D1                                        | D2
 * ------+-------------------------------------------+----------------------------
 * 1     | 0                                         | 0
 * 2     | (m_i - m_{i-1}) / r0                      | 0
 * 3     | d0 + r0/(r0+r1) (d0 - d1)                 | 2 (d0 - d1) / (r0 + r1)
 *         with d0 = (m_i - m_{i-1}) / r0,  d1 = (m_{i-1} - m_{i-2}) / r1;  order 3 always takes w1 by phi2
 * </pre>
 *
 * The 2 makes D2 the second derivative {@code h^2 m''}, which its weight w2 expects: a divided difference is half of it. The
 * authors' code and those that follow it leave the 2 out, and their third order converges with order 2; see
 * {@link ThirdOrder}. The first edges are of order 1 and 2, and their error is of order 2 as well, but small: m hardly
 * changes at the noisy end.
 *
 * <p>
 * An edge has the order the stored predictions allow: 1, 2, then {@code order}. It is 1 where the edge touches an end of the
 * schedule (sigma or alpha is 0 on either side) or has no length.
 *
 * @param algorithm
 *            what is integrated
 * @param order
 *            1 to 3
 * @param form
 *            how the second-order term is weighted
 * @param lowerOrderFinal
 *            whether the last edges fall to order 2 and 1, which is steadier with few steps
 * @param eulerAtFinal
 *            whether the last edge is of order 1 in any case
 * @param third
 *            which third-order formula; without effect on orders 1 and 2
 * @param arithmetic
 *            in which numbers coefficients are computed
 */
public record DpmSolver(DpmAlgorithm algorithm, int order, Form form, boolean lowerOrderFinal, boolean eulerAtFinal,
        ThirdOrder third, Arithmetic arithmetic)
        implements
            Solver {

    /** Checks the order. */
    public DpmSolver {
        checkOrder(order);
    }

    /**
     * In double.
     *
     * @param algorithm
     *            what is integrated
     * @param order
     *            1 to 3
     * @param form
     *            how the second-order term is weighted
     * @param lowerOrderFinal
     *            whether the last edges fall to order 2 and 1
     * @param eulerAtFinal
     *            whether the last edge is of order 1 in any case
     * @param third
     *            which third-order formula
     */
    public DpmSolver(DpmAlgorithm algorithm, int order, Form form, boolean lowerOrderFinal, boolean eulerAtFinal,
            ThirdOrder third) {
        this(algorithm, order, form, lowerOrderFinal, eulerAtFinal, third, Arithmetic.DOUBLE);
    }

    /**
     * With the second difference its weight expects.
     *
     * @param algorithm
     *            what is integrated
     * @param order
     *            1 to 3
     * @param form
     *            how the second-order term is weighted
     * @param lowerOrderFinal
     *            whether the last edges fall to order 2 and 1
     * @param eulerAtFinal
     *            whether the last edge is of order 1 in any case
     */
    public DpmSolver(DpmAlgorithm algorithm, int order, Form form, boolean lowerOrderFinal, boolean eulerAtFinal) {
        this(algorithm, order, form, lowerOrderFinal, eulerAtFinal, ThirdOrder.EXACT);
    }

    /**
     * The midpoint form with lower-order-final, the usual choice.
     *
     * @param algorithm
     *            what is integrated
     * @param order
     *            1 to 3
     */
    public DpmSolver(DpmAlgorithm algorithm, int order) {
        this(algorithm, order, Form.MIDPOINT, true, false);
    }

    static void checkOrder(int order) {
        if (order < 1 || order > 3) {
            throw new IllegalArgumentException("DPM-Solver has the orders 1, 2 and 3, but got " + order + ".");
        }
    }

    @Override
    public List<StepEquation> equations(TimeGrid grid) {
        if (algorithm.isSde()) {
            Grids.refuseReversed(name(), grid);
        }
        int n = grid.edges();
        int[] usable = new int[n];
        for (int i = 0; i < n; i++) {
            usable[i] = usableOrder(grid, i);
        }
        List<StepEquation> rows = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            Level from = grid.level(i);
            Level to = grid.level(i + 1);
            StepEquation.Builder row = StepEquation.on(i, from, to);
            if (usable[i] == 1) {
                algorithm.firstOrder(row, from, to, arithmetic);
            } else {
                higherOrder(row, grid, i, usable[i]);
            }
            boolean needed = (i + 1 < n && usable[i + 1] >= 2) || (i + 2 < n && usable[i + 2] >= 3);
            if (needed) {
                algorithm.store(row, slot(i));
            }
            rows.add(row.build());
        }
        return rows;
    }

    private int usableOrder(TimeGrid grid, int i) {
        Level from = grid.level(i);
        Level to = grid.level(i + 1);
        int k = Math.min(order, i + 1);
        if (lowerOrderFinal) {
            k = Math.min(k, grid.edges() - i);
        }
        if (eulerAtFinal && i == grid.edges() - 1) {
            k = 1;
        }
        if (to.sigma() == 0 || from.sigma() == 0 || to.alpha() == 0 || from.alpha() == 0
                || to.lambda() == from.lambda()) {
            k = 1;
        }
        // An earlier edge without length gives a divided difference of nothing by nothing.
        for (int back = 1; back < k; back++) {
            if (grid.level(i - back).lambda() == grid.level(i - back + 1).lambda()) {
                k = back;
            }
        }
        return k;
    }

    private void higherOrder(StepEquation.Builder row, TimeGrid grid, int i, int k) {
        Level from = grid.level(i);
        Level to = grid.level(i + 1);
        Arithmetic a = arithmetic;
        Weights w = algorithm.weights(from, to, k == 3 ? Form.HEUN : form, third, a);
        double h = a.of(to.lambda() - from.lambda());
        double r0 = a.of(a.of(from.lambda() - grid.level(i - 1).lambda()) / h);
        double d0 = w.w1();
        double d1 = 0;
        double r1 = Double.POSITIVE_INFINITY;
        if (k == 3) {
            r1 = a.of(a.of(grid.level(i - 1).lambda() - grid.level(i - 2).lambda()) / h);
            double sum = a.of(r0 + r1);
            double q = a.of(r0 / sum);
            double second = (third == ThirdOrder.EXACT ? 2 : 1) * w.w2() * a.of(1 / sum);
            d0 = w.w1() * (1 + q) + second;
            d1 = -w.w1() * q - second;
        }
        // d0 and d1 are sums over the terms of a row, which float32 code adds element by element: they stay in double.
        d0 *= a.of(1 / r0);
        d1 *= a.of(1 / r1);
        row.x(w.decay()).noise(w.noise()).rederiveEps(!algorithm.isData());
        algorithm.model(row, w.w0() + d0);
        row.history(slot(i - 1), d1 - d0);
        if (k == 3) {
            row.history(slot(i - 2), -d1);
        }
    }

    /** A ring of order - 1 slots; an edge overwrites the oldest after reading it. */
    private int slot(int edge) {
        return 1 + edge % (order - 1);
    }

    @Override
    public String name() {
        return dpmName(algorithm, order == 1 ? "1" : order + "m", form)
                + (order == 3 ? third.suffix() : "");
    }

    static String dpmName(DpmAlgorithm algorithm, String kind, Form form) {
        return algorithm.prefix() + "-" + kind + (form == Form.HEUN ? "-heun" : "") + (algorithm.isSde() ? "-sde" : "");
    }

    @Override
    public boolean isStochastic() {
        return algorithm.isSde();
    }
}
