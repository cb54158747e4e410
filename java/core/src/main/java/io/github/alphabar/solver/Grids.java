// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import io.github.alphabar.grid.TimeGrid;

/** What solvers ask of a grid. */
final class Grids {
    private Grids() {
    }

    static void refuseReversed(String solver, TimeGrid grid) {
        if (grid.isReversed()) {
            throw new IllegalArgumentException("Solver '" + solver
                    + "' draws noise and cannot be inverted; use ddim-inverse or dpmpp-2m-inverse on this grid.");
        }
    }
}
