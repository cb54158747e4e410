// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import io.github.alphabar.schedule.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * One row of a sampler, in double and independent of what the network predicts:
 *
 * <pre>
 * x'   = x X + x0 X0 + eps E + sum_k history_k slot_k + noise z
 * slot = store.x X + store.x0 X0 + store.eps E
 * </pre>
 *
 * where X is the state the network saw, X0 and E the clean sample and the noise read from its output. Slots are numbered
 * buffers: slot 0 holds the initial sample; {@code in} is the slot of X and {@code out} the slot of x'. Immutable.
 *
 * @param edge
 *            the edge of the grid the row belongs to
 * @param at
 *            the level of X, where the network is evaluated
 * @param to
 *            the level of x'
 * @param in
 *            the slot X is read from
 * @param out
 *            the slot x' is written to
 * @param x
 *            coefficient of X
 * @param x0
 *            coefficient of the predicted clean sample
 * @param eps
 *            coefficient of the predicted noise
 * @param history
 *            coefficients of stored values, at most 3
 * @param noise
 *            standard deviation of the fresh noise
 * @param variance
 *            where the standard deviation is learned: how to read it; null otherwise
 * @param store
 *            what the row remembers, or null
 * @param rederiveEps
 *            whether E is derived again from a clipped X0, {@code E = (X - alpha X0) / sigma}
 */
public record StepEquation(int edge, Level at, Level to, int in, int out, double x, double x0, double eps,
        List<Term> history,
        double noise, LearnedVariance variance, Store store, boolean rederiveEps) {

    /** The most stored values one row may read. */
    public static final int MAX_HISTORY = 3;

    /** Checks the number of history terms. */
    public StepEquation {
        Objects.requireNonNull(at, "at");
        Objects.requireNonNull(to, "to");
        history = List.copyOf(history);
        if (history.size() > MAX_HISTORY) {
            throw new IllegalArgumentException(
                    "A row reads at most " + MAX_HISTORY + " stored values, but got " + history.size()
                            + "; combine them in an earlier row.");
        }
    }

    /**
     * A stored value and its coefficient.
     *
     * @param slot
     *            the slot read
     * @param coefficient
     *            its factor
     */
    public record Term(int slot, double coefficient) {
    }

    /**
     * What a row remembers.
     *
     * @param slot
     *            the slot written
     * @param x
     *            coefficient of X
     * @param x0
     *            coefficient of the predicted clean sample
     * @param eps
     *            coefficient of the predicted noise
     */
    public record Store(int slot, double x, double x0, double eps) {
    }

    /**
     * A learned standard deviation, read from the second half v of the network's output.
     *
     * @param logScale
     *            whether {@code std = exp(factor v + offset)} (learned range); otherwise {@code std = sqrt(v)}
     * @param factor
     *            a quarter of the log ratio of the two variances
     * @param offset
     *            half the mean of their logarithms
     */
    public record LearnedVariance(boolean logScale, double factor, double offset) {
    }

    /**
     * Starts a row on an edge.
     *
     * @param edge
     *            the edge
     * @param at
     *            the level of X
     * @param to
     *            the level of x'
     * @return a builder of a row that leaves x' in slot 0
     */
    public static Builder on(int edge, Level at, Level to) {
        return new Builder(edge, at, to);
    }

    /** Builds a row; mutable, for one thread. */
    public static final class Builder {
        private final int edge;
        private final Level at;
        private final Level to;
        private final List<Term> history = new ArrayList<>();
        private int in;
        private int out;
        private double x;
        private double x0;
        private double eps;
        private double noise;
        private LearnedVariance variance;
        private Store store;
        private boolean rederiveEps;

        private Builder(int edge, Level at, Level to) {
            this.edge = edge;
            this.at = at;
            this.to = to;
        }

        /**
         * Sets the slots of the state.
         *
         * @param from
         *            the slot of X
         * @param into
         *            the slot of x'
         * @return this
         */
        public Builder slots(int from, int into) {
            in = from;
            out = into;
            return this;
        }

        /**
         * Adds to the coefficient of X.
         *
         * @param coefficient
         *            what to add
         * @return this
         */
        public Builder x(double coefficient) {
            x += coefficient;
            return this;
        }

        /**
         * Adds to the coefficient of the predicted clean sample.
         *
         * @param coefficient
         *            what to add
         * @return this
         */
        public Builder x0(double coefficient) {
            x0 += coefficient;
            return this;
        }

        /**
         * Adds to the coefficient of the predicted noise.
         *
         * @param coefficient
         *            what to add
         * @return this
         */
        public Builder eps(double coefficient) {
            eps += coefficient;
            return this;
        }

        /**
         * Adds a stored value; a coefficient of 0 adds nothing.
         *
         * @param slot
         *            the slot read
         * @param coefficient
         *            its factor
         * @return this
         */
        public Builder history(int slot, double coefficient) {
            if (coefficient != 0) {
                history.add(new Term(slot, coefficient));
            }
            return this;
        }

        /**
         * Sets the standard deviation of the fresh noise.
         *
         * @param std
         *            at least 0
         * @return this
         */
        public Builder noise(double std) {
            noise = std;
            return this;
        }

        /**
         * Reads the standard deviation of the noise from the network.
         *
         * @param learned
         *            how
         * @return this
         */
        public Builder noise(LearnedVariance learned) {
            variance = learned;
            return this;
        }

        /**
         * Remembers the predicted clean sample.
         *
         * @param slot
         *            the slot written
         * @return this
         */
        public Builder storeX0(int slot) {
            store = new Store(slot, 0, 1, 0);
            return this;
        }

        /**
         * Remembers the predicted noise.
         *
         * @param slot
         *            the slot written
         * @return this
         */
        public Builder storeEps(int slot) {
            store = new Store(slot, 0, 0, 1);
            return this;
        }

        /**
         * Derives eps again from x0 where x0 was clipped.
         *
         * @param on
         *            whether to
         * @return this
         */
        public Builder rederiveEps(boolean on) {
            rederiveEps = on;
            return this;
        }

        /**
         * Finishes the row.
         *
         * @return the row
         */
        public StepEquation build() {
            return new StepEquation(edge, at, to, in, out, x, x0, eps, history, noise, variance, store, rederiveEps);
        }
    }
}
