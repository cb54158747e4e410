// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Arithmetic;
import io.github.alphabar.solver.DpmAlgorithm;
import io.github.alphabar.solver.DpmAlgorithm.Form;
import io.github.alphabar.solver.DpmSolver;
import io.github.alphabar.solver.DpmSolverSinglestep;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.ThirdOrder;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * A scheduler loaded from a configuration: it makes plans that do what diffusers does with that file, quirk by quirk. Immutable;
 * safe to share.
 */
public final class LoadedScheduler {
    private final SchedulerConfig config;
    private final Set<Quirk> quirks;
    private final AlphaBarTable table;

    /**
     * What a caller chooses for each run; the rest is in the configuration.
     *
     * @param steps
     *            the number of steps, or null where timesteps are given
     * @param timesteps
     *            explicit timesteps from noisy to clean, or null
     * @param eta
     *            DDIM's eta
     * @param useClippedModelOutput
     *            DDIM: whether eps is derived again from a clipped x0
     * @param mu
     *            the logarithm of the flow shift for dynamic shifting, or null
     * @param guidance
     *            classifier-free guidance, or null
     * @param firstStep
     *            the step to start from, for image-to-image
     */
    public record Run(Integer steps, List<Integer> timesteps, double eta, boolean useClippedModelOutput, Double mu,
            Guidance guidance,
            int firstStep) {
        /** Checks that exactly one of steps and timesteps is given. */
        public Run {
            timesteps = timesteps == null ? null : List.copyOf(timesteps);
            if ((steps == null) == (timesteps == null)) {
                throw new IllegalArgumentException("A run needs either a number of steps or timesteps, but got "
                        + (steps == null ? "neither" : "both") + ".");
            }
            if (timesteps != null && timesteps.isEmpty()) {
                throw new IllegalArgumentException("A run needs at least one timestep, but the list is empty.");
            }
            if (steps != null && steps < 1) {
                throw new IllegalArgumentException("A run needs at least 1 step, but got " + steps + ".");
            }
            if (firstStep < 0 || (timesteps != null && firstStep >= timesteps.size())
                    || (steps != null && firstStep >= steps)) {
                throw new IllegalArgumentException("The first step must be from 0 to "
                        + ((steps != null ? steps : timesteps.size()) - 1) + ", one of the steps, but is " + firstStep
                        + ".");
            }
            if (mu != null && !(Double.isFinite(mu) && Math.exp(mu) > 0 && Double.isFinite(Math.exp(mu)))) {
                throw new IllegalArgumentException(
                        "mu is the logarithm of a shift, usually from 0.5 to 1.15, but is " + mu + ".");
            }
        }

        /**
         * A run of a number of steps with everything else as usual.
         *
         * @param n
         *            at least 1
         * @return the run
         */
        public static Run steps(int n) {
            return new Run(n, null, 0, false, null, null, 0);
        }

        /**
         * A run over explicit timesteps with everything else as usual.
         *
         * @param list
         *            from noisy to clean
         * @return the run
         */
        public static Run timesteps(List<Integer> list) {
            return new Run(null, list, 0, false, null, null, 0);
        }

        int count() {
            return steps != null ? steps : timesteps.size();
        }
    }

    /**
     * Loads a configuration with every quirk, as diffusers would run it.
     *
     * @param config
     *            the configuration
     */
    public LoadedScheduler(SchedulerConfig config) {
        this(config, EnumSet.allOf(Quirk.class));
    }

    /**
     * Loads a configuration with some quirks.
     *
     * @param config
     *            the configuration
     * @param quirks
     *            what to repeat of diffusers' behaviour
     */
    public LoadedScheduler(SchedulerConfig config, Set<Quirk> quirks) {
        this.config = config;
        this.quirks = Collections
                .unmodifiableSet(quirks.isEmpty() ? EnumSet.noneOf(Quirk.class) : EnumSet.copyOf(quirks));
        boolean dpm = config.has("algorithm_type");
        this.table = AlphaBarTable.of(config, quirks.contains(Quirk.FLOAT32_TABLES),
                dpm && quirks.contains(Quirk.ZERO_SNR_FLOOR));
    }

    /**
     * The configuration.
     *
     * @return as loaded
     */
    public SchedulerConfig config() {
        return config;
    }

    /**
     * The quirks repeated.
     *
     * @return unmodifiable
     */
    public Set<Quirk> quirks() {
        return quirks;
    }

    /**
     * The schedule without quirks of spacing: the table behind this scheduler.
     *
     * @return a discrete schedule; one with a floor at zero terminal SNR that is above the entries before it ends at 0 instead
     */
    public NoiseSchedule schedule() {
        double[] all = IntStream.range(0, table.size()).mapToDouble(table::alphaBar).toArray();
        int last = all.length - 1;
        if (last > 0 && all[last] >= all[last - 1]) {
            all[last] = 0;
        }
        return TabulatedSchedule.ofAlphaBar(all);
    }

    AlphaBarTable table() {
        return table;
    }

    /**
     * The timesteps the network will be asked at.
     *
     * @param run
     *            the run
     * @return one for each network evaluation
     */
    public List<Double> timesteps(Run run) {
        return switch (config.type()) {
            case DPM_MULTISTEP, DPM_MULTISTEP_INVERSE,
                    DPM_SINGLESTEP -> Arrays.stream(sigmas(run).timesteps()).boxed().toList();
            case PNDM -> PndmPlan.timesteps(this, run).stream().map(Integer::doubleValue).toList();
            default -> Arrays.stream(times(run)).mapToObj(t -> (double) t).toList();
        };
    }

    /**
     * The noise level at which an image is started from, or a training sample is noised.
     *
     * @param run
     *            the run that fixes the sigmas of the DPM family
     * @param timestep
     *            the timestep
     * @return its level; for the DPM family that of the step whose timestep it is, or of the last step where there is none
     */
    public Level noiseLevel(Run run, int timestep) {
        if (!config.has("algorithm_type")) {
            return table.level(timestep);
        }
        DpmSigmas s = sigmas(run);
        int index = -1;
        int found = 0;
        for (int i = 0; i < s.timesteps().length && found < 2; i++) {
            if (s.timesteps()[i] == timestep) {
                index = i;
                found++;
            }
        }
        double sigma = s.sigmas()[index < 0 ? s.timesteps().length - 1 : index];
        return DpmSigmas.level(timestep, sigma, config.flag("use_flow_sigmas"));
    }

    /**
     * Lays out a run.
     *
     * @param run
     *            what the caller chooses
     * @return the plan
     * @throws IllegalArgumentException
     *             where the settings cannot work, saying which and what to change
     */
    public SamplingPlan plan(Run run) {
        int train = table.size();
        if (run.count() > train) {
            throw new IllegalArgumentException(
                    "The number of steps must be from 1 to num_train_timesteps = " + train + ", but got "
                            + run.count() + ".");
        }
        boolean custom = run.timesteps() != null;
        boolean dpm = config.has("algorithm_type");
        if (custom && config.type() != SchedulerClass.DDPM && config.type() != SchedulerClass.DPM_MULTISTEP
                && config.type() != SchedulerClass.DPM_SINGLESTEP) {
            throw new IllegalArgumentException(
                    config.type().className() + " takes a number of steps, not explicit timesteps.");
        }
        if (run.eta() != 0 && config.type() != SchedulerClass.DDIM) {
            throw new IllegalArgumentException(
                    "eta is DDIMScheduler's, but the configuration is of " + config.type().className() + ".");
        }
        if (run.useClippedModelOutput() && config.type() != SchedulerClass.DDIM) {
            throw new IllegalArgumentException(
                    "use_clipped_model_output is DDIMScheduler's, but the configuration is of "
                            + config.type().className() + ".");
        }
        if (run.mu() != null && !(config.flag("use_dynamic_shifting") && config.flag("use_flow_sigmas"))) {
            throw new IllegalArgumentException(
                    "mu shifts flow sigmas and needs use_dynamic_shifting and use_flow_sigmas.");
        }
        if (custom) {
            checkCustom(run.timesteps(), train);
        }
        return switch (config.type()) {
            case DDPM, DDIM, DDIM_INVERSE -> singleSteps(run);
            case PNDM -> PndmPlan.of(this, run);
            case DPM_MULTISTEP, DPM_MULTISTEP_INVERSE, DPM_SINGLESTEP -> dpm(run);
        };
    }

    private void checkCustom(List<Integer> list, int train) {
        if (isResampled() || config.flag("use_flow_sigmas")) {
            throw new IllegalArgumentException(
                    "Explicit timesteps and a sigma schedule exclude each other; turn off the use_..._sigmas key.");
        }
        for (int i = 0; i < list.size(); i++) {
            if (list.get(i) < 0 || list.get(i) >= train || (i > 0 && list.get(i) >= list.get(i - 1))) {
                throw new IllegalArgumentException(
                        "Timesteps must decrease strictly from at most " + (train - 1) + " to at least 0, but entry "
                                + i + " is " + list.get(i) + ".");
            }
        }
    }

    /** Whole timesteps of DDPM, DDIM and its inverse, in the order of the steps. */
    int[] times(Run run) {
        if (run.timesteps() != null) {
            return run.timesteps().stream().mapToInt(Integer::intValue).toArray();
        }
        int n = run.steps();
        int train = table.size();
        int[] ascending = spaced(n, train);
        boolean inverse = config.type() == SchedulerClass.DDIM_INVERSE;
        return inverse ? ascending
                : IntStream.range(0, ascending.length).map(i -> ascending[ascending.length - 1 - i]).toArray();
    }

    int[] spaced(int n, int train) {
        return switch (config.text("timestep_spacing")) {
            case "linspace" -> DpmSigmas.linspace(0, train - 1, n).mapToInt(t -> (int) Math.rint(t)).toArray();
            case "leading" -> IntStream.range(0, n).map(i -> i * (train / n) + config.whole("steps_offset")).toArray();
            default -> {
                double[] down = NumpyRange.trailing(train, (double) train / n, n, quirks);
                yield IntStream.range(0, down.length).map(i -> (int) down[down.length - 1 - i]).toArray();
            }
        };
    }

    Level finalLevel(Arithmetic arithmetic) {
        boolean one = !config.has("set_alpha_to_one") || config.flag("set_alpha_to_one");
        return one ? Level.clean(0) : table.level(0, arithmetic);
    }

    private SamplingPlan singleSteps(Run run) {
        boolean learned = config.type() == SchedulerClass.DDPM && config.text("variance_type").startsWith("learned");
        String name = config.type() == SchedulerClass.DDIM_INVERSE ? "ddim-inverse"
                : config.type() == SchedulerClass.DDIM ? "ddim" : "ddpm";
        return SamplingPlan.of(SingleStepRows.of(this, run), run.firstStep(), name, prediction(), clip(),
                run.guidance(), learned ? 2 : 1);
    }

    Prediction prediction() {
        return Prediction.parse(config.text("prediction_type"));
    }

    Clip clip() {
        if (config.flag("thresholding")) {
            return Clip.dynamic(config.number("dynamic_thresholding_ratio"), config.number("sample_max_value"));
        }
        return config.flag("clip_sample") ? Clip.range(config.number("clip_sample_range")) : Clip.NONE;
    }

    /** Whether timesteps are found from sigmas rather than sigmas from timesteps. */
    boolean isResampled() {
        return config.flag("use_karras_sigmas") || config.flag("use_exponential_sigmas")
                || config.flag("use_beta_sigmas")
                || config.flag("use_lu_lambdas");
    }

    /** In which numbers coefficients are computed. */
    Arithmetic arithmetic() {
        return quirks.contains(Quirk.FLOAT32_COEFFICIENTS) ? Arithmetic.FLOAT32 : Arithmetic.DOUBLE;
    }

    DpmSigmas sigmas(Run run) {
        int[] custom = run.timesteps() == null ? null : run.timesteps().stream().mapToInt(Integer::intValue).toArray();
        return DpmSigmas.of(config, table, quirks, run.steps(), custom, run.mu());
    }

    private SamplingPlan dpm(Run run) {
        DpmSigmas sigmas = sigmas(run);
        TimeGrid grid = sigmas.grid(schedule(), config.flag("use_flow_sigmas"), arithmetic());
        int n = grid.edges();
        if (run.firstStep() >= n) {
            throw new IllegalArgumentException("The first step must be from 0 to " + (n - 1)
                    + ", one of the steps left where timesteps repeat, but is " + run.firstStep() + ".");
        }
        if (run.firstStep() > 0) {
            grid = grid.from(run.firstStep());
        }
        DpmAlgorithm algorithm = switch (config.text("algorithm_type")) {
            case "dpmsolver" -> DpmAlgorithm.DPM_SOLVER;
            case "sde-dpmsolver" -> DpmAlgorithm.SDE_DPM_SOLVER;
            case "sde-dpmsolver++" -> DpmAlgorithm.SDE_DPM_SOLVER_PP;
            default -> DpmAlgorithm.DPM_SOLVER_PP;
        };
        Form form = config.text("solver_type").equals("heun") ? Form.HEUN : Form.MIDPOINT;
        int order = config.whole("solver_order");
        boolean lower = config.flag("lower_order_final");
        ThirdOrder third = quirks.contains(Quirk.THIRD_ORDER_AS_PUBLISHED) ? ThirdOrder.DIFFUSERS : ThirdOrder.EXACT;
        Solver solver;
        if (config.type() == SchedulerClass.DPM_SINGLESTEP && order > 1) {
            boolean flipped = run.count() % order != 0 || "zero".equals(config.text("final_sigmas_type"));
            solver = new DpmSolverSinglestep(algorithm, order, form, lower || flipped, third, arithmetic());
        } else {
            boolean few = !quirks.contains(Quirk.LOWER_ORDER_BELOW_15) || n < 15;
            boolean multistep = config.type() != SchedulerClass.DPM_SINGLESTEP;
            solver = new DpmSolver(algorithm, order, form, multistep && lower && few, config.flag("euler_at_final"),
                    third, arithmetic());
        }
        boolean learned = config.text("variance_type") != null && config.text("variance_type").startsWith("learned")
                && prediction() == Prediction.EPSILON;
        SamplingPlan plan = SamplingPlan.of(grid, solver, prediction(), clip(), run.guidance());
        return learned ? plan.withOutputs(2) : plan;
    }
}
