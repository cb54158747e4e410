// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.PlanInDouble;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;

/**
 * Data distributed as {@code N(mu, s^2)}: the exact network, and the exact end of the probability-flow ODE, which keeps the
 * quantile of a sample within {@code N(alpha mu, v)}, {@code v = alpha^2 s^2 + sigma^2}.
 */
record GaussianProblem(double mu, double s) {

    double variance(Level at) {
        return at.alpha() * at.alpha() * s * s + at.sigma() * at.sigma();
    }

    /** E[eps | x] = sigma (x - alpha mu) / v. */
    double[] eps(Level at, double[] x) {
        double[] eps = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            eps[i] = at.sigma() * (x[i] - at.alpha() * mu) / variance(at);
        }
        return eps;
    }

    double exact(Level from, Level to, double x) {
        return to.alpha() * mu + (x - from.alpha() * mu) * Math.sqrt(variance(to) / variance(from));
    }

    /** The distance from the exact end after N steps. */
    double error(Solver solver, NoiseSchedule schedule, Spacing spacing, int steps, double start) {
        TimeGrid grid = spacing.grid(schedule, steps, FinalLevel.LEAST_NOISE);
        SamplingPlan plan = SamplingPlan.of(grid, solver, Prediction.EPSILON);
        double end = PlanInDouble.run(plan, this::eps, start)[0];
        return Math.abs(end - exact(grid.level(0), grid.level(steps), start));
    }

    /** The negative slope of a line through (log n, log error). */
    static double slope(int[] steps, double[] errors) {
        double meanX = 0;
        double meanY = 0;
        for (int i = 0; i < steps.length; i++) {
            meanX += Math.log(steps[i]) / steps.length;
            meanY += Math.log(errors[i]) / steps.length;
        }
        double xy = 0;
        double xx = 0;
        for (int i = 0; i < steps.length; i++) {
            double x = Math.log(steps[i]) - meanX;
            xy += x * (Math.log(errors[i]) - meanY);
            xx += x * x;
        }
        return -xy / xx;
    }
}
