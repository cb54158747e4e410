// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

/**
 * One point of a sweep: all that its result depends on, in the names of the command line.
 *
 * @param problem
 *            the problem
 * @param schedule
 *            the noise schedule; {@code own} where the problem has one
 * @param solver
 *            the solver, or {@code plan:NAME} for a plan of the user's
 * @param eta
 *            DDIM's eta; 0 for all others
 * @param spacing
 *            the spacing
 * @param finalLevel
 *            {@code clean} or {@code least-noise}
 * @param clip
 *            the clip
 * @param dtype
 *            the type of the state
 * @param nfe
 *            network calls; 0 where a plan of the user's says it
 * @param samples
 *            samples
 * @param seed
 *            sample k takes its noise from seed + k
 */
public record Setting(String problem, String schedule, String solver, double eta, String spacing, String finalLevel,
        String clip, String dtype, int nfe, int samples, long seed) {

    /**
     * The name of the sampler in plots and tables.
     *
     * @return the solver, with eta where it is not 0
     */
    public String label() {
        return eta == 0 ? solver : solver + " eta " + (eta == 1 ? "1" : Double.toString(eta));
    }

    /**
     * A text that tells this point from all others.
     *
     * @return the fields, in order
     */
    public String key() {
        return String.join("|", "point", problem, schedule, solver, Double.toString(eta), spacing, finalLevel, clip,
                dtype, Integer.toString(nfe), Integer.toString(samples), Long.toString(seed));
    }
}
