// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.solver.StepEquation.LearnedVariance;
import java.util.ArrayList;
import java.util.List;

/**
 * Ancestral sampling of denoising diffusion probabilistic models (Ho et al. 2020, arXiv:2006.11239, eq. 7). On a grid coarser
 * than the training steps alpha_t is the ratio of the two alphaBar (Nichol and Dhariwal 2021, arXiv:2102.09672, section 4).
 *
 * <pre>
 * a = alphaBar / alphaBar',  b = 1 - a,  s^2 = (1 - alphaBar') / (1 - alphaBar) b,  h = lambda' - lambda
 *
 * row   | x                                      | x0                                 | noise
 * ------+----------------------------------------+------------------------------------+---------------------------
 * i     | sqrt(a) (1 - alphaBar')/(1 - alphaBar) | sqrt(alphaBar') b / (1 - alphaBar) | s (small), sqrt(b) (large)
 * or    | sigma'/sigma e^-h                      | alpha' (1 - e^-2h)                 | sigma' or sigma times sqrt(1 - e^-2h)
 * </pre>
 *
 * The second line is the same and holds for schedules that do not preserve variance as well; nothing cancels in it. No noise is
 * added by the step that ends at the clean level.
 *
 * @param variance
 *            which standard deviation the noise has
 */
public record Ddpm(Variance variance) implements Solver {

    /** The variances of the field. */
    public enum Variance {
        /** The posterior variance s^2. */
        FIXED_SMALL,
        /** s^2 clamped from below at 1e-20, taken through its logarithm. */
        FIXED_SMALL_LOG,
        /** b, the variance of the forward step. */
        FIXED_LARGE,
        /** b, taken through its logarithm. */
        FIXED_LARGE_LOG,
        /** The second half of the network's output is the variance. */
        LEARNED,
        /** The second half v of the network's output, in [-1, 1], interpolates between log s^2 and log b (eq. 15 there). */
        LEARNED_RANGE
    }

    private static final double SMALLEST_VARIANCE = 1e-20;

    /** With the posterior variance. */
    public Ddpm() {
        this(Variance.FIXED_SMALL);
    }

    @Override
    public List<StepEquation> equations(TimeGrid grid) {
        Grids.refuseReversed(name(), grid);
        List<StepEquation> rows = new ArrayList<>();
        for (int i = 0; i < grid.edges(); i++) {
            Level from = grid.level(i);
            Level to = grid.level(i + 1);
            double h = to.lambda() - from.lambda();
            double forgotten = -Math.expm1(-2 * h);
            double beta = from.sigma() * from.sigma() * forgotten;
            double small = to.sigma() * to.sigma() * forgotten;
            StepEquation.Builder row = StepEquation.on(i, from, to)
                    .x(to.sigma() / from.sigma() * Math.exp(-h))
                    .x0(to.alpha() * forgotten);
            if (to.sigma() > 0 && beta > 0) {
                switch (variance) {
                    case FIXED_SMALL -> row.noise(Math.sqrt(small));
                    case FIXED_SMALL_LOG -> row.noise(Math.exp(0.5 * Math.log(Math.max(small, SMALLEST_VARIANCE))));
                    case FIXED_LARGE -> row.noise(Math.sqrt(beta));
                    case FIXED_LARGE_LOG -> row.noise(Math.exp(0.5 * Math.log(beta)));
                    case LEARNED -> row.noise(new LearnedVariance(false, 0, 0));
                    case LEARNED_RANGE -> {
                        double low = Math.log(Math.max(small, SMALLEST_VARIANCE));
                        double high = Math.log(beta);
                        // std = exp(log variance / 2), log variance = low + (v + 1)/2 (high - low)
                        row.noise(new LearnedVariance(true, (high - low) / 4, (high + low) / 4));
                    }
                }
            }
            rows.add(row.build());
        }
        return rows;
    }

    /**
     * Whether the network returns a variance beside its prediction.
     *
     * @return true for the learned variances
     */
    public boolean isVarianceLearned() {
        return variance == Variance.LEARNED || variance == Variance.LEARNED_RANGE;
    }

    @Override
    public String name() {
        return switch (variance) {
            case FIXED_SMALL -> "ddpm";
            case FIXED_LARGE -> "ddpm-large";
            default -> "ddpm-" + variance.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
        };
    }

    @Override
    public int order() {
        return 1;
    }

    @Override
    public boolean isStochastic() {
        return true;
    }
}
