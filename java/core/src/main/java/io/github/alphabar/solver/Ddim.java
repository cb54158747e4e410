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
 * s = eta sqrt((1 - alphaBar') / (1 - alphaBar)) sqrt(1 - alphaBar / alphaBar')
 *
 * row   | x0     | eps                     | noise
 * ------+--------+-------------------------+-------------------------------------------------
 * i     | alpha' | sqrt(sigma'^2 - s^2)    | s, or sqrt(1 - alphaBar / alphaBar') for sigma-hat
 * </pre>
 *
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
                double ratio = from.alpha() / to.alpha();
                double forward = Math.sqrt(1 - ratio * ratio);
                double s = eta * to.sigma() / from.sigma() * forward;
                // At eta = 1 out of pure noise the difference is 0 up to rounding, and may round below it.
                row.eps(Math.sqrt(Math.max(0, to.sigma() * to.sigma() - s * s)));
                row.noise(sigmaHat && to.sigma() > 0 ? forward : s);
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
