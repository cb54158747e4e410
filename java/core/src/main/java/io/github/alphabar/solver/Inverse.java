// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import io.github.alphabar.grid.TimeGrid;
import java.util.List;

/**
 * The inversion of a deterministic solver: it walks the reversed edges of the grid it would sample on, from a clean sample to the
 * noise that gives it back (Song et al. 2020, arXiv:2010.02502, section 4.3). Every row evaluates the network at the level it
 * starts from; a multistep solver inverts with its own order.
 *
 * @param solver
 *            the solver to run backwards
 */
public record Inverse(Solver solver) implements Solver {

    /** Checks that the solver draws no noise. */
    public Inverse {
        if (solver.isStochastic()) {
            throw new IllegalArgumentException("Solver '" + solver.name() + "' draws noise and has no inverse.");
        }
    }

    @Override
    public List<StepEquation> equations(TimeGrid grid) {
        return solver.equations(grid.isReversed() ? grid : grid.reversed());
    }

    @Override
    public String name() {
        return solver.name() + "-inverse";
    }

    @Override
    public int order() {
        return solver.order();
    }

    @Override
    public boolean isStochastic() {
        return false;
    }
}
