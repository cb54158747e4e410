// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

import io.github.alphabar.schedule.Level;
import io.github.alphabar.solver.StepEquation.LearnedVariance;
import io.github.alphabar.solver.StepEquation.Term;
import java.util.List;
import java.util.Objects;

/**
 * One row of a plan: what a backend executes after one network evaluation, in double.
 *
 * <pre>
 * g    = u + weight (c - u)                       where the plan is guided, else the output itself
 * p    = clip(px x + pg g)                        the predicted clean sample
 * x'   = cx x + cp p + cg g + sum_k h_k slot_k + cz z
 * slot = sx x + sp p + sg g                       where the row stores something
 * </pre>
 *
 * A coefficient of 0 means the term is absent and its operand is not read. Immutable.
 *
 * @param edge
 *            the edge of the grid, counted absolutely
 * @param at
 *            the level the network is evaluated at; {@code at().t()} is the time it is given
 * @param to
 *            the level of x'
 * @param in
 *            slot of x
 * @param out
 *            slot of x'
 * @param px
 *            coefficient of x in p
 * @param pg
 *            coefficient of g in p
 * @param cx
 *            coefficient of x
 * @param cp
 *            coefficient of p
 * @param cg
 *            coefficient of g
 * @param history
 *            stored values and their coefficients, at most 3
 * @param cz
 *            standard deviation of the noise
 * @param variance
 *            how a learned standard deviation is read; null where it is not learned
 * @param store
 *            what is stored, or null
 */
public record Step(int edge, Level at, Level to, int in, int out, double px, double pg, double cx, double cp, double cg,
        List<Term> history, double cz, LearnedVariance variance, Store store) {

    /**
     * What a row stores.
     *
     * @param slot
     *            the slot written
     * @param sx
     *            coefficient of x
     * @param sp
     *            coefficient of p
     * @param sg
     *            coefficient of g
     */
    public record Store(int slot, double sx, double sp, double sg) {
    }

    /** Checks that every coefficient is finite. */
    public Step {
        Objects.requireNonNull(at, "at");
        Objects.requireNonNull(to, "to");
        history = List.copyOf(history);
        boolean finite = Double.isFinite(px) && Double.isFinite(pg) && Double.isFinite(cx) && Double.isFinite(cp)
                && Double.isFinite(cg) && Double.isFinite(cz);
        for (Term term : history) {
            finite &= Double.isFinite(term.coefficient());
        }
        if (store != null) {
            finite &= Double.isFinite(store.sx) && Double.isFinite(store.sp) && Double.isFinite(store.sg);
        }
        if (variance != null) {
            finite &= Double.isFinite(variance.factor()) && Double.isFinite(variance.offset());
        }
        if (!finite) {
            throw new IllegalArgumentException(
                    "The step from t=" + at.t() + " (alpha=" + at.alpha() + ", sigma=" + at.sigma()
                            + ") to t=" + to.t() + " (alpha=" + to.alpha() + ", sigma=" + to.sigma()
                            + ") has a coefficient that is not finite.");
        }
    }

    /**
     * Whether the row draws noise.
     *
     * @return true where cz is not 0 or the variance is learned
     */
    public boolean isNoisy() {
        return cz != 0 || variance != null;
    }
}
