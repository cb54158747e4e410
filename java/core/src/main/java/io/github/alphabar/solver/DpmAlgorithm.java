// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import io.github.alphabar.schedule.Level;

/**
 * The four integrands of the DPM-Solver family. Over an edge with {@code h = lambda' - lambda} and with m the predicted clean
 * sample (++) or noise, expanded as {@code m(lambda + s) = D0 + (s/h) D1 + (s/h)^2 / 2 D2}:
 *
 * <pre>
 * x' = decay x + w0 D0 + w1 D1 + w2 D2 + noise z
 *
 *                    | decay                 | w0                     | w1                      | w2              | noise
 * -------------------+-----------------------+------------------------+-------------------------+-----------------+----------------------
 * DPM-Solver         | alpha'/alpha          | -sigma' (e^h - 1)      | -sigma' h phi2(h)       | -sigma' h phi3(h) | 0
 * DPM-Solver++       | sigma'/sigma          | -alpha' (e^-h - 1)     | alpha' h phi2(-h)       | alpha' h phi3(-h) | 0
 * SDE-DPM-Solver     | alpha'/alpha          | twice DPM-Solver's     | twice                   | twice           | sigma' sqrt(e^2h - 1)
 * SDE-DPM-Solver++   | sigma'/sigma e^-h     | -alpha' (e^-2h - 1)    | alpha' 2h phi2(-2h)     | alpha' 2h phi3(-2h) | sigma' sqrt(1 - e^-2h)
 * </pre>
 *
 * DPM-Solver: Lu et al. 2022, arXiv:2206.00927, eq. 3.4 and appendix B; DPM-Solver++ and the SDE forms: Lu et al. 2022,
 * arXiv:2211.01095, eq. 8, 9 and 18 to 20.
 */
public enum DpmAlgorithm {
    /** Integrates the predicted noise. */
    DPM_SOLVER(false, false, "dpm"),
    /** Integrates the predicted clean sample. */
    DPM_SOLVER_PP(true, false, "dpmpp"),
    /** The reverse SDE in the predicted noise. */
    SDE_DPM_SOLVER(false, true, "dpm"),
    /** The reverse SDE in the predicted clean sample. */
    SDE_DPM_SOLVER_PP(true, true, "dpmpp");

    private final boolean data;
    private final boolean sde;
    private final String prefix;

    DpmAlgorithm(boolean data, boolean sde, String prefix) {
        this.data = data;
        this.sde = sde;
        this.prefix = prefix;
    }

    /** How the second-order term is weighted. */
    public enum Form {
        /** w1 = w0 / 2, the solvers' midpoint rule. */
        MIDPOINT,
        /** w1 by phi2: exact for a linear m; the official code calls it taylor. */
        HEUN
    }

    /**
     * Whether m is the predicted clean sample.
     *
     * @return true for the ++ algorithms
     */
    public boolean isData() {
        return data;
    }

    /**
     * Whether rows draw noise.
     *
     * @return true for the SDE algorithms
     */
    public boolean isSde() {
        return sde;
    }

    String prefix() {
        return prefix;
    }

    /** The coefficients of one edge. */
    record Weights(double decay, double w0, double w1, double w2, double noise) {
    }

    Weights weights(Level from, Level to, Form form, ThirdOrder third, Arithmetic a) {
        double h = a.of(to.lambda() - from.lambda());
        double k = sde ? 2 : 1;
        double z = data ? -k * h : h;
        // What multiplies z phi1(z), z phi2(z) and z phi3(z); k is a power of 2 and rounds nothing.
        double scale = data ? -to.alpha() : -k * to.sigma();
        double w0 = a.of(scale * a.expm1(z));
        double w1 = form == Form.MIDPOINT ? w0 / 2 : a.of(scale * a.zPhi2(z));
        // diffusers has -1/2 where +1/2 belongs.
        double w2 = a.of(scale * (third == ThirdOrder.DIFFUSERS && data && sde ? a.of(a.zPhi3(z) + 1) : a.zPhi3(z)));
        double ratio = a.of(data ? to.sigma() / from.sigma() : to.alpha() / from.alpha());
        double decay = data && sde ? a.of(ratio * a.exp(-h)) : ratio;
        double noise = sde ? a.of(to.sigma() * a.sqrt(data ? -a.expm1(-2 * h) : a.expm1(2 * h))) : 0;
        return new Weights(decay, w0, w1, w2, noise);
    }

    /**
     * A first-order row. At an end of the schedule (alpha = 0 or sigma = 0 on either side) the exponential form divides by zero or
     * multiplies infinities; there the row is the same line through x0 and eps, which is DDIM, and draws no noise at sigma' = 0.
     */
    StepEquation.Builder firstOrder(StepEquation.Builder row, Level from, Level to, Arithmetic arithmetic) {
        row.rederiveEps(!data);
        boolean end = to.sigma() == 0 || from.sigma() == 0 || to.alpha() == 0 || (from.alpha() == 0 && !sde);
        if (end) {
            return row.x0(to.alpha()).eps(to.sigma());
        }
        Weights w = weights(from, to, Form.MIDPOINT, ThirdOrder.EXACT, arithmetic);
        return model(row.x(w.decay).noise(w.noise), w.w0);
    }

    /** Adds to the coefficient of the network's prediction in the quantity this algorithm integrates. */
    StepEquation.Builder model(StepEquation.Builder row, double coefficient) {
        return data ? row.x0(coefficient) : row.eps(coefficient);
    }

    StepEquation.Builder store(StepEquation.Builder row, int slot) {
        return data ? row.storeX0(slot) : row.storeEps(slot);
    }
}
