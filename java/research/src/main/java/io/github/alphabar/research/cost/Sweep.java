// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

import io.github.alphabar.grid.Spacing;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.Ddpm;
import io.github.alphabar.solver.Inverse;
import io.github.alphabar.solver.Plms;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.Solvers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What to run: every combination of the lists, each a list of names of the command line.
 *
 * @param problems
 *            the problems
 * @param schedules
 *            the schedules, for problems without their own
 * @param solvers
 *            solvers, and {@code plan:NAME}
 * @param spacings
 *            spacings, and {@code default}, which is what the solver's paper uses
 * @param nfe
 *            network calls
 * @param etas
 *            eta, for ddim; all others run once
 * @param clips
 *            clips
 * @param dtypes
 *            types of the state
 * @param networkDtypes
 *            the same for problems with a network and schedule of their own
 * @param finalLevel
 *            {@code clean} or {@code least-noise}
 * @param samples
 *            samples of problems with exact answers
 * @param networkSamples
 *            samples of problems with a network and schedule of their own, which takes its time
 * @param seed
 *            the first seed
 */
public record Sweep(List<String> problems, List<String> schedules, List<String> solvers, List<String> spacings,
        List<Integer> nfe, List<Double> etas, List<String> clips, List<String> dtypes, List<String> networkDtypes,
        String finalLevel, int samples,
        int networkSamples, long seed) {
    /** What a solver that names a plan of the user's begins with. */
    public static final String PLAN = "plan:";

    /**
     * The spacing a solver is used with unless told otherwise: leading for DDPM, DDIM and PLMS, uniform lambda for the
     * DPM-Solvers, as in their papers; trailing on a schedule that ends in pure noise; linspace for the first three on other
     * continuous schedules.
     *
     * @param solver
     *            the solver
     * @param schedule
     *            the schedule
     * @return a name that {@link Spacing#parse(String)} reads
     */
    public static String defaultSpacing(Solver solver, NoiseSchedule schedule) {
        if (schedule.level(schedule.noisiestTime()).alpha() == 0) {
            return "trailing";
        }
        Solver walked = solver instanceof Inverse inverse ? inverse.solver() : solver;
        if (walked instanceof Ddpm || walked instanceof Ddim || walked instanceof Plms) {
            return schedule.isDiscrete() ? "leading" : "linspace";
        }
        return "uniform-lambda";
    }

    /**
     * The combinations.
     *
     * @param known
     *            the problems by name
     * @param scheduleOf
     *            the schedules by name
     * @return the settings, each once, in the order of the lists
     * @throws IllegalArgumentException
     *             for an unknown solver or spacing, listing the known ones
     */
    public List<Setting> settings(Map<String, ? extends Problem> known, Map<String, NoiseSchedule> scheduleOf) {
        List<Setting> all = new ArrayList<>();
        for (String problem : problems) {
            NoiseSchedule own = known.get(problem).schedule();
            for (String schedule : own == null ? schedules : List.of("own")) {
                NoiseSchedule on = own == null ? scheduleOf.get(schedule) : own;
                for (String dtype : own == null ? dtypes : networkDtypes) {
                    for (String solver : solvers) {
                        solver(all, problem, schedule, on, dtype, solver);
                    }
                }
            }
        }
        return all.stream().distinct().toList();
    }

    private int samples(String schedule) {
        return schedule.equals("own") ? networkSamples : samples;
    }

    private void solver(List<Setting> all, String problem, String schedule, NoiseSchedule on, String dtype,
            String name) {
        if (name.startsWith(PLAN)) {
            all.add(new Setting(problem, schedule, name, 0, "as planned", "as planned", "as planned", dtype, 0,
                    samples(schedule), seed));
            return;
        }
        Solver solver = Solvers.named(name);
        boolean takesEta = solver instanceof Ddim ddim && !ddim.sigmaHat();
        for (double eta : takesEta ? etas : List.of(0.0)) {
            for (String spacing : spacings) {
                String chosen = spacing.equals("default") ? defaultSpacing(solver, on) : spacing;
                boolean listed = Spacing.parse(chosen) instanceof Spacing.Timesteps
                        || Spacing.parse(chosen) instanceof Spacing.Sigmas;
                for (String clip : clips) {
                    for (int calls : listed ? List.of(0) : nfe) {
                        all.add(new Setting(problem, schedule, name, eta, chosen, finalLevel, clip, dtype, calls,
                                samples(schedule), seed));
                    }
                }
            }
        }
    }
}
