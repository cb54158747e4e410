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
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.Ddpm;
import io.github.alphabar.solver.DpmAlgorithm;
import io.github.alphabar.solver.DpmAlgorithm.Form;
import io.github.alphabar.solver.DpmSolver;
import io.github.alphabar.solver.DpmSolverSinglestep;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.StepEquation;
import io.github.alphabar.solver.ThirdOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * A scheduler loaded from a configuration: it makes plans that do what diffusers does with that file, quirk by quirk. Immutable;
 * safe to share.
 */
public final class LoadedScheduler {
    private static final double SMALLEST_ALPHA = 0x1p-80;

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
     * @return a discrete schedule
     */
    public NoiseSchedule schedule() {
        return TabulatedSchedule.ofAlphaBar(IntStream.range(0, table.size()).mapToDouble(table::alphaBar).toArray());
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
            case DDPM -> singleSteps(run, this::ddpm);
            case DDIM, DDIM_INVERSE -> singleSteps(run, this::ddim);
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

    /** A timestep's level; -1, which a float range may yield, is Python's last entry. */
    private Level level(int t) {
        boolean wrapped = t == -1 && quirks.contains(Quirk.FLOAT_RANGE_TRAILING);
        Level level = wrapped ? table.level(table.size() - 1).withTime(-1) : table.level(t);
        boolean infinite = level.alpha() == 0 && prediction() == Prediction.EPSILON && !clip().isNone();
        // A trace of signal far below any clip range stands for none: x0 is huge instead of infinite, and is clipped all the same.
        return infinite && quirks.contains(Quirk.CLIPPED_INFINITE_X0)
                ? Level.of(level.t(), SMALLEST_ALPHA, level.sigma())
                : level;
    }

    Level finalLevel() {
        boolean one = !config.has("set_alpha_to_one") || config.flag("set_alpha_to_one");
        return one ? Level.clean(0) : table.level(0);
    }

    private interface Row {
        StepEquation row(Run run, int i, int[] times);
    }

    private SamplingPlan singleSteps(Run run, Row row) {
        int[] times = times(run);
        List<StepEquation> rows = new ArrayList<>();
        for (int i = run.firstStep(); i < times.length; i++) {
            rows.add(row.row(run, i, times));
        }
        boolean learned = config.type() == SchedulerClass.DDPM && config.text("variance_type").startsWith("learned");
        String name = config.type() == SchedulerClass.DDIM_INVERSE ? "ddim-inverse"
                : config.type() == SchedulerClass.DDIM ? "ddim" : "ddpm";
        return SamplingPlan.of(rows, run.firstStep(), name, prediction(), clip(), run.guidance(), learned ? 2 : 1);
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

    private StepEquation only(Solver solver, Level from, Level to, int edge) {
        StepEquation e = solver.equations(new TimeGrid(schedule(), List.of(from, to))).getFirst();
        return new StepEquation(edge, e.at(), e.to(), 0, 0, e.x(), e.x0(), e.eps(), e.history(), e.noise(),
                e.variance(), e.store(),
                e.rederiveEps());
    }

    private StepEquation ddpm(Run run, int i, int[] times) {
        int t = times[i];
        int previous = i + 1 < times.length ? times[i + 1] : -1;
        Level from = level(t);
        Level to = previous >= 0 ? table.level(previous) : Level.clean(0);
        Ddpm.Variance variance = Ddpm.Variance.valueOf(config.text("variance_type").toUpperCase(Locale.ROOT));
        StepEquation row = only(new Ddpm(variance), from, to, i - run.firstStep());
        if (quirks.contains(Quirk.FLOAT32_TABLES) && t >= 0 && from.alpha() > SMALLEST_ALPHA) {
            row = float32Ddpm(row, variance, (float) table.alphaBar(t),
                    previous >= 0 ? (float) table.alphaBar(previous) : 1);
        }
        if (to.sigma() > 0 || t <= 0 || !quirks.contains(Quirk.NOISE_INTO_CLEAN)) {
            return row;
        }
        // The reference adds noise wherever t > 0; at the clean level the posterior variance is its clamp.
        double small = 1e-20;
        double beta = from.sigma() * from.sigma();
        double std = switch (variance) {
            case FIXED_SMALL, FIXED_SMALL_LOG -> Math.sqrt(small);
            case FIXED_LARGE, FIXED_LARGE_LOG -> from.sigma();
            default -> 0;
        };
        StepEquation.LearnedVariance learned = switch (variance) {
            case LEARNED -> new StepEquation.LearnedVariance(false, 0, 0);
            case LEARNED_RANGE -> new StepEquation.LearnedVariance(true, (Math.log(beta) - Math.log(small)) / 4,
                    (Math.log(beta) + Math.log(small)) / 4);
            default -> null;
        };
        return new StepEquation(row.edge(), row.at(), row.to(), 0, 0, row.x(), row.x0(), row.eps(), row.history(), std,
                learned, null,
                false);
    }

    /** Ddpm's coefficients as float32 scalars: 1 - alphaBar / alphaBar' loses digits where the two are close. */
    private static StepEquation float32Ddpm(StepEquation row, Ddpm.Variance variance, float bar, float previous) {
        float alpha = bar / previous;
        float beta = 1 - alpha;
        float fromVariance = 1 - bar;
        float toVariance = 1 - previous;
        float x0 = (float) Math.sqrt(previous) * beta / fromVariance;
        float x = (float) Math.sqrt(alpha) * toVariance / fromVariance;
        float small = Math.max(toVariance / fromVariance * beta, 1e-20f);
        double std = row.noise()
                == 0 ? 0 : variance == Ddpm.Variance.FIXED_LARGE || variance == Ddpm.Variance.FIXED_LARGE_LOG
                        ? Math.sqrt(beta)
                        : Math.sqrt(small);
        StepEquation.LearnedVariance learned = row.variance();
        if (learned != null && learned.logScale()) {
            double low = Math.log(small);
            double high = Math.log(beta);
            learned = new StepEquation.LearnedVariance(true, (high - low) / 4, (high + low) / 4);
        }
        return new StepEquation(row.edge(), row.at(), row.to(), 0, 0, x, x0, 0, row.history(), std, learned, null,
                false);
    }

    private StepEquation ddim(Run run, int i, int[] times) {
        int t = times[i];
        int stride = table.size() / run.count();
        boolean strided = quirks.contains(Quirk.STRIDE_PREVIOUS_TIMESTEP);
        Ddim solver = new Ddim(run.eta(), false, run.useClippedModelOutput());
        if (config.type() == SchedulerClass.DDIM_INVERSE) {
            int source = strided ? Math.min(t - stride, table.size() - 1) : i > 0 ? times[i - 1] : -1;
            Level from = source >= 0 ? table.level(source) : finalLevel();
            if (from.sigma() == 0 && prediction() == Prediction.SAMPLE) {
                throw new IllegalArgumentException("The inversion starts at the clean level (sigma = 0), where a sample"
                        + " prediction says nothing about the noise; set set_alpha_to_one to false.");
            }
            return only(solver, from.withTime(t), level(t), i - run.firstStep());
        }
        int previous = strided ? t - stride : i + 1 < times.length ? times[i + 1] : -1;
        return only(solver, level(t), previous >= 0 ? table.level(previous) : finalLevel(), i - run.firstStep());
    }

    /** Whether timesteps are found from sigmas rather than sigmas from timesteps. */
    boolean isResampled() {
        return config.flag("use_karras_sigmas") || config.flag("use_exponential_sigmas")
                || config.flag("use_beta_sigmas")
                || config.flag("use_lu_lambdas");
    }

    DpmSigmas sigmas(Run run) {
        int[] custom = run.timesteps() == null ? null : run.timesteps().stream().mapToInt(Integer::intValue).toArray();
        return DpmSigmas.of(config, table, quirks, run.steps(), custom, run.mu());
    }

    private SamplingPlan dpm(Run run) {
        DpmSigmas sigmas = sigmas(run);
        TimeGrid grid = sigmas.grid(schedule(), config.flag("use_flow_sigmas"));
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
            solver = new DpmSolverSinglestep(algorithm, order, form, lower || flipped, third);
        } else {
            boolean few = !quirks.contains(Quirk.LOWER_ORDER_BELOW_15) || n < 15;
            boolean multistep = config.type() != SchedulerClass.DPM_SINGLESTEP;
            solver = new DpmSolver(algorithm, order, form, multistep && lower && few, config.flag("euler_at_final"),
                    third);
        }
        boolean learned = config.text("variance_type") != null && config.text("variance_type").startsWith("learned")
                && prediction() == Prediction.EPSILON;
        SamplingPlan plan = SamplingPlan.of(grid, solver, prediction(), clip(), run.guidance());
        return learned ? plan.withOutputs(2) : plan;
    }
}
