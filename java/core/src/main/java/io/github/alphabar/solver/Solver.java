// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import io.github.alphabar.grid.TimeGrid;
import java.util.List;

/**
 * A sampler as a pure function of its grid. Implementations are immutable values without state: what a multistep method
 * remembers is named by the slots of its rows and kept by the trajectory.
 */
public interface Solver {

    /**
     * The rows of the sampler, one for each network evaluation.
     *
     * @param grid
     *            the levels to visit
     * @return the rows in order; their number is the number of function evaluations (NFE)
     * @throws IllegalArgumentException
     *             where the solver cannot walk the grid, saying what to change
     */
    List<StepEquation> equations(TimeGrid grid);

    /**
     * The name on the command line and in files.
     *
     * @return for instance {@code dpmpp-2m}
     */
    String name();

    /**
     * The order of convergence for the probability-flow ODE (stochastic solvers: of their deterministic part).
     *
     * @return 1 to 4
     */
    int order();

    /**
     * Whether rows draw noise.
     *
     * @return true where two seeds give two results from the same initial sample
     */
    boolean isStochastic();
}
