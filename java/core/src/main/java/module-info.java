// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0

/**
 * Fused diffusion-sampler steps: noise schedules, timestep grids, solvers, immutable plans and the backends that execute
 * them.
 *
 * <p>
 * The module needs nothing but the JDK. {@code jdk.incubator.vector} is optional: without it the {@code vector} backend
 * reports itself as unavailable and the {@code scalar} backend still returns the same bits.
 */
module io.github.alphabar {
    requires static jdk.incubator.vector;

    exports io.github.alphabar.schedule;
    exports io.github.alphabar.grid;
    exports io.github.alphabar.solver;
    exports io.github.alphabar.plan;
    exports io.github.alphabar.tensor;
    exports io.github.alphabar.random;
    exports io.github.alphabar.backend;
    exports io.github.alphabar.sampling;

    uses io.github.alphabar.backend.BackendProvider;

    provides io.github.alphabar.backend.BackendProvider
            with io.github.alphabar.backend.ScalarBackend.Provider, io.github.alphabar.backend.VectorProvider;
}
