// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.schedule.Level;
import java.util.ArrayList;
import java.util.List;

/**
 * Denoising diffusion implicit models (Song et al. 2020, arXiv:2010.02502, eq. 12 and 16).
 *
 * <pre>
 * s = eta sqrt((1 - alphaBar') / (1 - alphaBar)) sqrt(1 - alphaBar / alphaBar') = eta sigma' sqrt(1 - e^-2h),  h = lambda' - lambda
 *
 * row   | x0     | eps                     | noise
 * ------+--------+-------------------------+-------------------------------------------------
 * i     | alpha' | sqrt(sigma'^2 - s^2)    | s, or sqrt(1 - alphaBar / alphaBar') = sigma sqrt(1 - e^-2h) for sigma-hat
 * </pre>
 *
 * The forms in h hold for schedules that do not preserve variance as well, and nothing cancels in them.
 *
 * <p>
 * eta = 0 is deterministic and the first-order DPM-Solver; eta = 1 is DDPM with the posterior variance.
 *
 * @param eta
 *            in [0, 1]
 * @param sigmaHat
 *            whether the noise has the larger standard deviation that the paper's section 5.1 calls sigma-hat; needs eta = 1
 * @param rederiveEps
 *            whether eps is derived again from a clipped x0, as ADM does (diffusers: use_clipped_model_output)
 */
public record Ddim(double eta, boolean sigmaHat, boolean rederiveEps) implements Solver {

    /** Checks eta. */
    public Ddim {
        if (!(eta >= 0 && eta <= 1)) {
            throw new IllegalArgumentException(
                    "DDIM's eta is in [0, 1] (0 is deterministic, 1 is DDPM), but got " + eta + ".");
        }
        if (sigmaHat && eta != 1) {
            throw new IllegalArgumentException(
                    "DDIM's sigma-hat variance is defined for eta = 1, but got eta = " + eta + ".");
        }
    }

    /**
     * DDIM with some noise.
     *
     * @param eta
     *            in [0, 1]
     */
    public Ddim(double eta) {
        this(eta, false, false);
    }

    /** Deterministic DDIM. */
    public Ddim() {
        this(0);
    }

    @Override
    public List<StepEquation> equations(TimeGrid grid) {
        if (eta > 0) {
            Grids.refuseReversed(name(), grid);
        }
        List<StepEquation> rows = new ArrayList<>();
        for (int i = 0; i < grid.edges(); i++) {
            Level from = grid.level(i);
            Level to = grid.level(i + 1);
            StepEquation.Builder row = StepEquation.on(i, from, to).x0(to.alpha()).rederiveEps(rederiveEps);
            if (eta == 0) {
                row.eps(to.sigma());
            } else {
                double h = to.lambda() - from.lambda();
                double forgotten = Math.sqrt(-Math.expm1(-2 * h));
                // sqrt(sigma'^2 - s^2); the difference itself would cancel out of pure noise, and could round below 0.
                row.eps(to.sigma() * Math.sqrt((1 - eta) * (1 + eta) + eta * eta * Math.exp(-2 * h)));
                if (to.sigma() > 0) {
                    row.noise(forgotten * (sigmaHat ? from.sigma() : eta * to.sigma()));
                }
            }
            rows.add(row.build());
        }
        return rows;
    }

    @Override
    public String name() {
        return sigmaHat ? "ddim-sigma-hat" : "ddim";
    }

    @Override
    public int order() {
        return 1;
    }

    @Override
    public boolean isStochastic() {
        return eta > 0;
    }
}
