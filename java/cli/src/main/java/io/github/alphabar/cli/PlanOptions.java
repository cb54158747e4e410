// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.research.cost.Sweep;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.Solvers;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;

/** The options that make a plan, shared by the commands that need one. */
final class PlanOptions {
    /** For the help text. */
    static final class SolverNames implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Solvers.all().stream().map(e -> e.solver().name()).iterator();
        }
    }

    @Option(names = "--solver", paramLabel = "NAME", defaultValue = "dpmpp-2m",
            completionCandidates = SolverNames.class,
            description = "The solver (default: ${DEFAULT-VALUE}). One of: ${COMPLETION-CANDIDATES}."
                    + " dpm-2m-sde and dpm-3m-sde want 50 steps or more.")
    String solver;

    @Option(names = "--steps", paramLabel = "N", defaultValue = "20",
            description = "Steps, from 1 to the training steps of the schedule (default: ${DEFAULT-VALUE}).")
    int steps;

    @Option(names = "--eta", paramLabel = "ETA",
            description = "ddim only: its noise, from 0 (deterministic, the default) to 1 (as much as DDPM).")
    Double eta;

    @Option(names = "--spacing", paramLabel = "NAME",
            description = "How the times are spaced: leading[:OFFSET], linspace, trailing, quadratic, uniform-lambda,"
                    + " karras[:RHO], timesteps:T,T,... or sigmas:S,S,...,0. Default: leading for ddpm, ddim and plms,"
                    + " uniform-lambda for the DPM-Solvers, as in their papers; trailing on a schedule that ends in pure"
                    + " noise (--zero-snr, flow); linspace for ddpm, ddim and plms on other continuous schedules.")
    String spacing;

    @Option(names = "--schedule", paramLabel = "NAME", completionCandidates = Schedules.Names.class,
            description = "The noise schedule: ${COMPLETION-CANDIDATES}. The first two and sigmoid take their first and"
                    + " last beta, as in linear:0.0001:0.02. Default: the digits model's own, else linear.")
    String schedule;

    @Option(names = "--train-steps", paramLabel = "T",
            description = "The training steps of a schedule of betas (default: 1000).")
    Integer trainSteps;

    @Option(names = "--zero-snr",
            description = "Rescale the schedule to end in pure noise (zero terminal signal-to-noise ratio).")
    boolean zeroSnr;

    @Option(names = "--final-level", paramLabel = "LEVEL", defaultValue = "clean",
            description = "Where the last step arrives: clean, or least-noise, the first level of the schedule"
                    + " (default: ${DEFAULT-VALUE}).")
    String finalLevel;

    @Option(names = "--clip", paramLabel = "RULE", defaultValue = "none",
            description = "What happens to each predicted clean sample: none, range[:R] or"
                    + " dynamic[:QUANTILE[:MAXIMUM]] (default: ${DEFAULT-VALUE}).")
    String clip;

    @Option(names = "--keep-eps",
            description = "ddim with --clip only: take the network's noise prediction as it is, as diffusers does unless"
                    + " told otherwise, instead of deriving it again from the clipped sample, as ADM does.")
    boolean keepEps;

    @Option(names = "--guidance", paramLabel = "W",
            description = "Classifier-free guidance: uncond + W (cond - uncond). 1 is the conditional model alone."
                    + " Default: no guidance.")
    Double guidance;

    @Option(names = "--guidance-rescale", paramLabel = "SHARE", defaultValue = "0",
            description = "How much of the conditional output's standard deviation guidance keeps, 0 to 1; needs"
                    + " --guidance. 0.7 is usual for large weights. Default: ${DEFAULT-VALUE}.")
    double guidanceRescale;

    @Option(names = "--scheduler", paramLabel = "FILE",
            description = "A Hugging Face scheduler_config.json: takes the place of --solver, --spacing, --schedule,"
                    + " --zero-snr, --final-level and --clip, and repeats what diffusers does with it.")
    Path scheduler;

    @Option(names = "--scheduler-class", paramLabel = "CLASS",
            description = "--scheduler only: load the file into this class, such as DDIMScheduler, instead of its own.")
    String schedulerClass;

    /** The options a scheduler file takes the place of, where given. */
    void refuseBesideScheduler(ParseResult given) {
        for (String option : List.of("--solver", "--spacing", "--schedule", "--train-steps", "--zero-snr",
                "--final-level", "--clip",
                "--keep-eps")) {
            if (given.hasMatchedOption(option)) {
                throw new UsageException(option + " is settled by --scheduler; leave one of them out.");
            }
        }
    }

    NoiseSchedule schedule(NoiseSchedule own) {
        if (schedule == null && own != null) {
            if (trainSteps != null) {
                throw new UsageException("--train-steps belongs to --schedule; name one, such as linear.");
            }
            return zeroSnr ? Schedules.zeroSnr(own, "of the model") : own;
        }
        String name = schedule == null ? "linear" : schedule;
        return UsageException.checked(() -> {
            NoiseSchedule made = Schedules.parse(name, trainSteps == null ? 1000 : trainSteps, zeroSnr);
            if (trainSteps != null && !made.isDiscrete()) {
                throw new UsageException("--train-steps belongs to a schedule of betas, and '" + name
                        + "' is continuous; leave it out.");
            }
            return made;
        });
    }

    Solver solver() {
        Solver named = UsageException.checked(() -> Solvers.named(solver));
        if (!(named instanceof Ddim ddim)) {
            if (eta != null || keepEps) {
                throw new UsageException(
                        (eta != null ? "--eta" : "--keep-eps") + " belongs to ddim, but the solver is '"
                                + solver + "'; leave it out or use --solver ddim.");
            }
            return named;
        }
        boolean hat = ddim.sigmaHat();
        boolean again = !keepEps && !clip().isNone();
        return UsageException.checked(() -> new Ddim(eta == null ? ddim.eta() : eta, hat, again));
    }

    private Clip clip() {
        return UsageException.checked(() -> Clip.parse(clip));
    }

    private FinalLevel finalLevel() {
        return switch (finalLevel) {
            case "clean" -> FinalLevel.CLEAN;
            case "least-noise" -> FinalLevel.LEAST_NOISE;
            default -> throw new UsageException(
                    "Unknown final level '" + finalLevel + "'; it is clean or least-noise.");
        };
    }

    private Spacing spacing(Solver chosen, NoiseSchedule on) {
        if (spacing != null) {
            return UsageException.checked(() -> Spacing.parse(spacing));
        }
        return Spacing.parse(Sweep.defaultSpacing(chosen, on));
    }

    /** The whole plan, or its end where an image is to be changed by a strength. */
    SamplingPlan plan(NoiseSchedule on, Prediction prediction, Double strength) {
        Solver chosen = solver();
        Clip rule = clip();
        FinalLevel end = finalLevel();
        Spacing places = spacing(chosen, on);
        return UsageException.checked(() -> {
            TimeGrid grid = places.grid(on, steps, end);
            return SamplingPlan.of(strength == null ? grid : grid.fromStrength(strength), chosen, prediction, rule,
                    guidance());
        });
    }

    /** The guidance asked for, or null. */
    Guidance guidance() {
        if (guidance == null && guidanceRescale != 0) {
            throw new UsageException("--guidance-rescale rescales guidance, but there is no --guidance; give both.");
        }
        return guidance == null ? null
                : UsageException.checked(() -> Guidance.scale(guidance).rescaled(guidanceRescale));
    }
}
