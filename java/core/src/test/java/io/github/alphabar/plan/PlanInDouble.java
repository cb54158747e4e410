// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

import io.github.alphabar.schedule.Level;
import io.github.alphabar.solver.StepEquation.Term;

/**
 * Runs a plan on vectors of doubles, by the formulas in {@link Step}'s documentation and nothing else: without clipping and
 * guidance. A vector may be a batch of numbers, or the coefficients of a symbolic state.
 */
public final class PlanInDouble {
    private final SamplingPlan plan;
    private final double[][] slots;

    /** A network. */
    public interface Network {
        /** What it returns for x at a level. */
        double[] output(Level at, double[] x);
    }

    /** Fresh noise for a row. */
    public interface Noise {
        /** The vector z of a row. */
        double[] draw(int row);
    }

    /** Puts the initial state into its slot. */
    public PlanInDouble(SamplingPlan plan, double... start) {
        this.plan = plan;
        slots = new double[plan.slots()][start.length];
        slots[plan.steps().getFirst().in()] = start.clone();
    }

    /** The content of a slot, to be read or replaced. */
    public double[][] slots() {
        return slots;
    }

    /** Executes one row on a network's output. */
    public void step(int row, double[] g, double[] z) {
        Step s = plan.steps().get(row);
        double[] x = slots[s.in()];
        int n = x.length;
        double[] next = new double[n];
        double[] store = new double[n];
        for (int i = 0; i < n; i++) {
            double p = s.cp() != 0 || (s.store() != null && s.store().sp() != 0) ? s.px() * x[i] + s.pg() * g[i] : 0;
            next[i] = s.cx() * x[i] + s.cp() * p + s.cg() * g[i];
            for (Term term : s.history()) {
                next[i] += term.coefficient() * slots[term.slot()][i];
            }
            if (s.cz() != 0) {
                next[i] += s.cz() * z[i];
            }
            if (s.store() != null) {
                store[i] = s.store().sx() * x[i] + s.store().sp() * p + s.store().sg() * g[i];
            }
        }
        if (s.store() != null) {
            slots[s.store().slot()] = store;
        }
        slots[s.out()] = next;
    }

    /** Runs a whole plan that draws no noise. */
    public static double[] run(SamplingPlan plan, Network network, double... start) {
        return run(plan, network, null, start);
    }

    /** Runs a whole plan. */
    public static double[] run(SamplingPlan plan, Network network, Noise noise, double... start) {
        PlanInDouble state = new PlanInDouble(plan, start);
        for (int i = 0; i < plan.evaluations(); i++) {
            Step s = plan.steps().get(i);
            state.step(i, network.output(s.at(), state.slots[s.in()]), noise == null ? null : noise.draw(i));
        }
        return state.slots[plan.steps().getLast().out()];
    }

    /** What a network that predicts so returns where x0 and eps are these, coefficient by coefficient. */
    public static double[] output(Prediction prediction, Level at, double[] x0, double[] eps) {
        double[] g = new double[x0.length];
        for (int i = 0; i < g.length; i++) {
            g[i] = switch (prediction) {
                case EPSILON -> eps[i];
                case SAMPLE -> x0[i];
                case V_PREDICTION -> at.alpha() * eps[i] - at.sigma() * x0[i];
                case FLOW -> eps[i] - x0[i];
            };
        }
        return g;
    }
}
