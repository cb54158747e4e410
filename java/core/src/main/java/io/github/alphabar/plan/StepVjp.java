// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

import java.util.Objects;

/**
 * The vector-Jacobian product of a row: from the gradient of a loss by what the row writes to its gradient by what the row reads.
 * A row is affine but for its clip, so that with {@code c = 1} where p is not clipped and 0 where it is:
 *
 * <pre>
 * d    = cp x'~ + sp slot~                  the gradient that arrives at p
 * x~   = cx x'~ + sx slot~ + px c d
 * g~   = cg x'~ + sg slot~ + pg c d
 * h_k~ = h_k x'~
 * u~   = (1 - weight) g~,  c~ = weight g~   where the plan is guided
 * </pre>
 *
 * (a tilde marks a gradient; the letters are those of {@link Step}). A value on the edge of the range counts as not clipped. Fresh
 * noise does not depend on anything and takes no gradient. Immutable; may be used by any number of threads.
 */
public final class StepVjp {
    private final Step step;
    private final double range;
    private final Guidance guidance;

    private StepVjp(Step step, double range, Guidance guidance) {
        this.step = step;
        this.range = range;
        this.guidance = guidance;
    }

    /**
     * The product of one row of a plan.
     *
     * @param plan
     *            the plan
     * @param row
     *            0 .. plan.evaluations() - 1
     * @return its vector-Jacobian product
     * @throws IllegalArgumentException
     *             for dynamic thresholding, whose threshold depends on the whole sample, and for learned variances
     */
    public static StepVjp of(SamplingPlan plan, int row) {
        if (row < 0 || row >= plan.evaluations()) {
            throw new IllegalArgumentException(
                    "The plan has the rows 0 to " + (plan.evaluations() - 1) + ", but got " + row + ".");
        }
        if (plan.clip().kind() == Clip.Kind.DYNAMIC) {
            throw new IllegalArgumentException("The gradient through dynamic thresholding is not offered; use range:R"
                    + " or none.");
        }
        Step step = plan.steps().get(row);
        if (step.variance() != null) {
            throw new IllegalArgumentException("The gradient through a learned variance is not offered; use a solver"
                    + " that fixes it, such as ddim or ddpm.");
        }
        double range = plan.clip().isNone() ? Double.POSITIVE_INFINITY : plan.clip().range();
        return new StepVjp(step, range, plan.guidance());
    }

    /**
     * The gradients by what a row reads; arrays of the size of the state.
     *
     * @param x
     *            by the state the network saw, the network itself left out
     * @param output
     *            by the network's output; the conditional one where the plan is guided
     * @param uncond
     *            by the unconditional output, or null where the plan is not guided
     * @param history
     *            by each stored value, in the order of {@link Step#history()}
     */
    public record Gradients(double[] x, double[] output, double[] uncond, double[][] history) {
    }

    /**
     * Pulls gradients back through the row.
     *
     * @param x
     *            the state the network saw
     * @param output
     *            what the network returned, as long as x; the conditional output where the plan is guided
     * @param uncond
     *            the unconditional output; null where the plan is not guided
     * @param next
     *            the gradient of the loss by x', as long as x
     * @param stored
     *            the gradient by what the row stores; null where it is 0
     * @return the gradients of the loss by what the row reads
     * @throws IllegalArgumentException
     *             where sizes differ, or an unconditional output is missing or too much
     */
    public Gradients apply(double[] x, double[] output, double[] uncond, double[] next, double[] stored) {
        Objects.requireNonNull(x, "x");
        same("output", output, x.length);
        same("next", next, x.length);
        if (stored != null) {
            same("stored", stored, x.length);
        }
        if ((uncond == null) != (guidance == null)) {
            throw new IllegalArgumentException(guidance == null
                    ? "The plan has no guidance and takes one output, but got an unconditional one as well."
                    : "The plan is guided and needs the unconditional output.");
        }
        if (uncond != null) {
            same("uncond", uncond, x.length);
        }
        int n = x.length;
        Step.Store store = stored == null ? null : step.store();
        double[] toX = new double[n];
        double[] toOutput = new double[n];
        double[] toUncond = guidance == null ? null : new double[n];
        double[][] toHistory = new double[step.history().size()][n];
        for (int i = 0; i < n; i++) {
            double g = guidance == null ? output[i] : uncond[i] + guidance.weight() * (output[i] - uncond[i]);
            double byP = step.cp() * next[i];
            double byX = step.cx() * next[i];
            double byG = step.cg() * next[i];
            if (store != null) {
                byP += store.sp() * stored[i];
                byX += store.sx() * stored[i];
                byG += store.sg() * stored[i];
            }
            // A term that is absent is not read: px x may be infinite where nothing uses p.
            if (byP != 0 && Math.abs(step.px() * x[i] + step.pg() * g) <= range) {
                byX += step.px() * byP;
                byG += step.pg() * byP;
            }
            toX[i] = byX;
            toOutput[i] = guidance == null ? byG : guidance.weight() * byG;
            if (toUncond != null) {
                toUncond[i] = (1 - guidance.weight()) * byG;
            }
            for (int k = 0; k < toHistory.length; k++) {
                toHistory[k][i] = step.history().get(k).coefficient() * next[i];
            }
        }
        return new Gradients(toX, toOutput, toUncond, toHistory);
    }

    private static void same(String name, double[] values, int length) {
        if (values == null || values.length != length) {
            throw new IllegalArgumentException("'" + name + "' needs " + length + " values, as many as x, but has "
                    + (values == null ? "none" : values.length) + ".");
        }
    }
}
