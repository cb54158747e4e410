// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

/** Which third-order DPM formula: the one that converges with order 3, or one that published code computes. */
public enum ThirdOrder {
    /** D2 is the second derivative its weight expects; inner points are of second order. */
    EXACT,
    /** The multistep D2 lacks its factor 2, as in the authors' code; it converges with order 2. */
    HALVED,
    /**
     * As diffusers computes it: HALVED; the weight of D2 in SDE-DPM-Solver++ has -1/2 where +1/2 belongs; in the midpoint form the
     * second inner point of a singlestep group is a midpoint step.
     */
    DIFFUSERS;

    String suffix() {
        return this == EXACT ? "" : "-" + name().toLowerCase(java.util.Locale.ROOT);
    }
}
