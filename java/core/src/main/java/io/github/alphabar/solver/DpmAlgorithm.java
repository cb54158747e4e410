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

    Weights weights(Level from, Level to, Form form) {
        double h = to.lambda() - from.lambda();
        double k = sde ? 2 : 1;
        double w0;
        double w1;
        double w2;
        double decay;
        if (data) {
            decay = to.sigma() / from.sigma() * (sde ? Math.exp(-h) : 1);
            w0 = -to.alpha() * Math.expm1(-k * h);
            w1 = to.alpha() * k * h * Phi.phi2(-k * h);
            w2 = to.alpha() * k * h * Phi.phi3(-k * h);
        } else {
            decay = to.alpha() / from.alpha();
            w0 = -k * to.sigma() * Math.expm1(h);
            w1 = -k * to.sigma() * h * Phi.phi2(h);
            w2 = -k * to.sigma() * h * Phi.phi3(h);
        }
        double noise = !sde ? 0
                : data ? to.sigma() * Math.sqrt(-Math.expm1(-2 * h)) : to.sigma() * Math.sqrt(Math.expm1(2 * h));
        return new Weights(decay, w0, form == Form.MIDPOINT ? w0 / 2 : w1, w2, noise);
    }

    /** The weight of D2, or what diffusers takes for it. */
    double secondWeight(Weights w, Level to, ThirdOrder third) {
        return third == ThirdOrder.DIFFUSERS && data && sde ? w.w2 - to.alpha() : w.w2;
    }

    /**
     * A first-order row. At an end of the schedule (alpha = 0 or sigma = 0 on either side) the exponential form divides by zero or
     * multiplies infinities; there the row is the same line through x0 and eps, which is DDIM, and draws no noise at sigma' = 0.
     */
    StepEquation.Builder firstOrder(StepEquation.Builder row, Level from, Level to) {
        row.rederiveEps(!data);
        boolean end = to.sigma() == 0 || from.sigma() == 0 || to.alpha() == 0 || (from.alpha() == 0 && !sde);
        if (end) {
            return row.x0(to.alpha()).eps(to.sigma());
        }
        Weights w = weights(from, to, Form.MIDPOINT);
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
