// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import io.github.alphabar.plan.Step;
import io.github.alphabar.solver.StepEquation.Term;

/**
 * How well a row is conditioned: the largest term that is added or subtracted on the way to each of its values. Where terms are large
 * and their sum is small, float32 loses the digits they share, in this library and in whatever it is compared with. What a slot
 * holds was made of terms as well, of the row that stored it. For one thread.
 */
final class RowTerms {
    private final double[][] slots;

    RowTerms(int slots) {
        this.slots = new double[slots][];
    }

    /** The largest of the absolute values, element by element. */
    private static void add(double[] largest, double coefficient, double[] operand) {
        if (coefficient == 0 || operand == null) {
            return;
        }
        for (int i = 0; i < largest.length; i++) {
            largest[i] = Math.max(largest[i], Math.abs(coefficient * operand[i]));
        }
    }

    /** The terms of the predicted clean sample. */
    static double[] ofPrediction(Step s, double[] x, double[] g) {
        double[] p = new double[x.length];
        add(p, s.px(), x);
        add(p, s.pg(), g);
        return p;
    }

    /**
     * The terms of a row's result, after which the row's own values are what later rows read.
     *
     * @param s
     *            the row
     * @param x
     *            the state it sees
     * @param g
     *            the network's output
     * @param z
     *            its noise, or null
     */
    double[] of(Step s, double[] x, double[] g, double[] z) {
        double[] p = ofPrediction(s, x, g);
        double[] result = new double[x.length];
        add(result, s.cx(), x);
        add(result, s.cp(), p);
        add(result, s.cg(), g);
        add(result, s.cz(), z);
        slots[s.in()] = x;
        for (Term term : s.history()) {
            add(result, term.coefficient(), slots[term.slot()]);
        }
        if (s.store() != null) {
            double[] stored = new double[x.length];
            add(stored, s.store().sx(), x);
            add(stored, s.store().sp(), p);
            add(stored, s.store().sg(), g);
            slots[s.store().slot()] = stored;
        }
        slots[s.out()] = result;
        return result;
    }
}
