// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.grid;

/** Where sampling ends. */
public enum FinalLevel {
    /** alphaBar = 1: the last step returns the predicted clean sample. */
    CLEAN,
    /**
     * The least noisy level of the schedule (alphaBar_0): a trace of noise is left, every edge has a finite lambda. Inversion
     * with multistep solvers and measurements of their order want this end.
     */
    LEAST_NOISE
}
