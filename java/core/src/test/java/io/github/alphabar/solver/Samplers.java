// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import io.github.alphabar.grid.Spacing;
import io.github.alphabar.schedule.Betas;
import io.github.alphabar.schedule.FlowSchedule;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.schedule.VpCosineSchedule;
import io.github.alphabar.schedule.VpLinearSchedule;
import io.github.alphabar.solver.DpmAlgorithm.Form;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the tests combine: the listed solvers and every variant beside them, schedules with difficult ends, spacings. */
public final class Samplers {
    private Samplers() {
    }

    /** The listed solvers, and the settings the list leaves out. */
    public static List<Solver> solvers() {
        List<Solver> solvers = new ArrayList<>();
        Solvers.all().forEach(e -> solvers.add(e.solver()));
        for (Ddpm.Variance variance : Ddpm.Variance.values()) {
            solvers.add(new Ddpm(variance));
        }
        solvers.add(new Ddim(0.3));
        solvers.add(new Ddim(1));
        solvers.add(new Ddim(0, false, true));
        solvers.add(new Inverse(new Plms()));
        for (DpmAlgorithm algorithm : DpmAlgorithm.values()) {
            for (Form form : Form.values()) {
                for (int order = 1; order <= 3; order++) {
                    solvers.add(new DpmSolver(algorithm, order, form, false, false));
                    solvers.add(new DpmSolver(algorithm, order, form, true, true, ThirdOrder.HALVED));
                    if (!algorithm.isSde()) {
                        solvers.add(new Inverse(new DpmSolver(algorithm, order, form, true, false)));
                    }
                    if (order == 3) {
                        solvers.add(new DpmSolver(algorithm, order, form, false, false, ThirdOrder.DIFFUSERS));
                        solvers.add(new DpmSolverSinglestep(algorithm, order, form, false, ThirdOrder.DIFFUSERS));
                    }
                    if (order > 1) {
                        solvers.add(new DpmSolverSinglestep(algorithm, order, form, false));
                        solvers.add(new DpmSolverSinglestep(algorithm, order, form, true));
                    }
                }
            }
        }
        return solvers;
    }

    /** Schedules by name. */
    public static Map<String, NoiseSchedule> schedules() {
        Map<String, NoiseSchedule> schedules = new LinkedHashMap<>();
        schedules.put("linear", TabulatedSchedule.ddpmLinear());
        schedules.put("stable-diffusion", TabulatedSchedule.stableDiffusion());
        // sigma / alpha reaches 20291 at the noisy end.
        schedules.put("capped-cosine", TabulatedSchedule.ofBetas(Betas.cosine(1000)));
        schedules.put("zero-terminal-snr", TabulatedSchedule.stableDiffusion().zeroTerminalSnr());
        schedules.put("vp-linear", new VpLinearSchedule());
        schedules.put("vp-cosine", new VpCosineSchedule());
        // The one that does not preserve variance, and starts at alpha = 0.
        schedules.put("flow", new FlowSchedule());
        return schedules;
    }

    /** Spacings that take any number of steps. */
    public static List<Spacing> spacings() {
        return List.of(Spacing.leading(0), Spacing.linspace(), Spacing.trailing(), Spacing.quadratic(),
                Spacing.uniformLambda(), Spacing.karras(7));
    }
}
