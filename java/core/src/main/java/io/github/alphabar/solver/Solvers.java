// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import static io.github.alphabar.solver.DpmAlgorithm.DPM_SOLVER;
import static io.github.alphabar.solver.DpmAlgorithm.DPM_SOLVER_PP;
import static io.github.alphabar.solver.DpmAlgorithm.SDE_DPM_SOLVER;
import static io.github.alphabar.solver.DpmAlgorithm.SDE_DPM_SOLVER_PP;

import io.github.alphabar.solver.DpmAlgorithm.Form;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** The solvers by name. A new solver is one file and one line here. */
public final class Solvers {
    private static final String DDPM = "Ho et al. 2020, arXiv:2006.11239";
    private static final String DDIM = "Song et al. 2020, arXiv:2010.02502";
    private static final String PNDM = "Liu et al. 2022, arXiv:2202.09778";
    private static final String DPM = "Lu et al. 2022, arXiv:2206.00927";
    private static final String DPMPP = "Lu et al. 2022, arXiv:2211.01095";

    private Solvers() {
    }

    /**
     * A solver and where it comes from.
     *
     * @param solver
     *            the solver
     * @param paper
     *            authors, year and arXiv number
     * @param evaluations
     *            network evaluations for N steps
     */
    public record Entry(Solver solver, String paper, String evaluations) {
    }

    /**
     * The known solvers.
     *
     * @return in the order of the documentation
     */
    public static List<Entry> all() {
        return List.of(new Entry(new Ddpm(), DDPM, "N"), new Entry(new Ddpm(Ddpm.Variance.FIXED_LARGE), DDPM, "N"),
                new Entry(new Ddpm(Ddpm.Variance.LEARNED), DDPM, "N"),
                new Entry(new Ddpm(Ddpm.Variance.LEARNED_RANGE), "Nichol and Dhariwal 2021, arXiv:2102.09672", "N"),
                new Entry(new Ddim(), DDIM, "N"), new Entry(new Ddim(1, true, false), DDIM, "N"),
                new Entry(new Inverse(new Ddim()), DDIM, "N"), new Entry(new Plms(), PNDM, "N + 1"),
                new Entry(new Plms(false, 2), PNDM, "N + 1"), new Entry(new Plms(true), PNDM, "N + 9"),
                new Entry(new DpmSolver(DPM_SOLVER, 1), DPM, "N"),
                new Entry(new DpmSolver(DPM_SOLVER, 2), DPM, "N"), new Entry(new DpmSolver(DPM_SOLVER, 3), DPM, "N"),
                new Entry(new DpmSolverSinglestep(DPM_SOLVER, 2), DPM, "N"),
                new Entry(new DpmSolverSinglestep(DPM_SOLVER, 3), DPM, "N"),
                new Entry(new DpmSolver(DPM_SOLVER_PP, 1), DPMPP, "N"),
                new Entry(new DpmSolver(DPM_SOLVER_PP, 2), DPMPP, "N"),
                new Entry(new DpmSolver(DPM_SOLVER_PP, 2, Form.HEUN, true, false), DPMPP, "N"),
                new Entry(new DpmSolver(DPM_SOLVER_PP, 3), DPMPP, "N"),
                new Entry(new DpmSolverSinglestep(DPM_SOLVER_PP, 2), DPMPP, "N"),
                new Entry(new DpmSolverSinglestep(DPM_SOLVER_PP, 3), DPMPP, "N"),
                new Entry(new Inverse(new DpmSolver(DPM_SOLVER_PP, 2)), DPMPP, "N"),
                new Entry(new DpmSolver(SDE_DPM_SOLVER, 1), DPMPP, "N"),
                new Entry(new DpmSolver(SDE_DPM_SOLVER, 2), DPMPP, "N"),
                new Entry(new DpmSolver(SDE_DPM_SOLVER, 3), DPMPP, "N"),
                new Entry(new DpmSolver(SDE_DPM_SOLVER_PP, 1), DPMPP, "N"),
                new Entry(new DpmSolver(SDE_DPM_SOLVER_PP, 2), DPMPP, "N"),
                new Entry(new DpmSolver(SDE_DPM_SOLVER_PP, 3), DPMPP, "N"),
                new Entry(new DpmSolverSinglestep(SDE_DPM_SOLVER_PP, 2), DPMPP, "N"));
    }

    /**
     * A solver by its name.
     *
     * @param name
     *            for instance {@code dpmpp-2m}
     * @return the solver
     * @throws IllegalArgumentException
     *             for an unknown name, listing the known ones
     */
    public static Solver named(String name) {
        return find(name).map(Entry::solver)
                .orElseThrow(() -> new IllegalArgumentException("Unknown solver '" + name
                        + "'; the solvers are "
                        + all().stream().map(e -> e.solver().name()).collect(Collectors.joining(", ")) + "."));
    }

    private static Optional<Entry> find(String name) {
        return all().stream().filter(e -> e.solver().name().equals(name)).findFirst();
    }
}
