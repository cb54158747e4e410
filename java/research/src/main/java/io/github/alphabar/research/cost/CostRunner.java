// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

import com.sun.management.ThreadMXBean;
import io.github.alphabar.backend.Backend;
import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.research.problem.GaussianMixture;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.Inverse;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Runs settings: one trajectory of all samples for the errors, then the same again for the times, the first run discarded. The
 * errors of a setting are the same bits every time, with any backend and any number of threads. For one thread.
 */
public final class CostRunner {
    /** The most repetitions that are timed, and the time after which no further one begins. */
    private static final int REPETITIONS = 5;
    private static final long ENOUGH_NANOS = 60_000_000;
    /**
     * Until the JIT has compiled a solver's rows: at least the first, and then until they allocate nothing, as the Vector API does
     * before, at most the second.
     */
    private static final long LEAST_WARM_UP_NANOS = 100_000_000;
    private static final long MOST_WARM_UP_NANOS = 1_500_000_000;

    private final Map<String, ? extends Problem> problems;
    private final Map<String, NoiseSchedule> schedules;
    private final Map<String, SamplingPlan> plans;
    private final Backend backend;
    private final Map<Reference, double[]> ends = new HashMap<>();
    private final Map<Target, Batches> batches = new HashMap<>();
    private final Set<String> warm = new HashSet<>();
    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** The exact end of the same start is asked for by every solver. */
    private record Reference(String problem, Level from, Level to, int start) {
    }

    private record Target(String problem, Level at, int samples) {
    }

    /**
     * A runner.
     *
     * @param problems
     *            the problems by name
     * @param schedules
     *            the schedules by name
     * @param plans
     *            the user's plans by name
     * @param backend
     *            what computes the steps; stays open
     */
    public CostRunner(Map<String, ? extends Problem> problems, Map<String, NoiseSchedule> schedules,
            Map<String, SamplingPlan> plans, Backend backend) {
        this.problems = problems;
        this.schedules = schedules;
        this.plans = plans;
        this.backend = backend;
    }

    /** A plan and the number of steps it was asked for with. */
    private record Planned(SamplingPlan plan, int steps, boolean inverse) {
    }

    /**
     * Runs one setting.
     *
     * @param setting
     *            what to run
     * @return its point; where it cannot be run, the reason
     */
    public Point run(Setting setting) {
        Problem problem = problems.get(setting.problem());
        Planned planned;
        try {
            planned = plan(setting, problem);
        } catch (IllegalArgumentException e) {
            return Point.without(setting, "skipped", e.getMessage());
        }
        try {
            return measure(setting, problem, planned);
        } catch (IllegalArgumentException e) {
            if (setting.solver().startsWith(Sweep.PLAN)) {
                // A plan made elsewhere may ask the network for what it does not return.
                return Point.without(setting, "skipped", e.getMessage());
            }
            throw e;
        }
    }

    private NoiseSchedule schedule(Setting s, Problem problem) {
        return problem.schedule() != null ? problem.schedule() : schedules.get(s.schedule());
    }

    private Planned plan(Setting s, Problem problem) {
        Planned planned;
        if (s.solver().startsWith(Sweep.PLAN)) {
            SamplingPlan plan = plans.get(s.solver());
            boolean inverse = plan.steps().getFirst().at().lambda() > plan.steps().getLast().to().lambda();
            planned = new Planned(plan, plan.evaluations(), inverse);
        } else {
            planned = planned(s, schedule(s, problem));
        }
        if (planned.plan.outputs() != 1) {
            throw new IllegalArgumentException("Solver '" + s.solver() + "' needs a network that returns a variance"
                    + " beside its prediction, and that of " + s.problem() + " returns none; use ddpm.");
        }
        if (planned.plan.guidance() != null) {
            throw new IllegalArgumentException("A guided plan needs a network with a condition, and that of "
                    + s.problem() + " has none; use a plan without guidance.");
        }
        if (planned.plan.isStochastic() && problem.data() == null) {
            throw new IllegalArgumentException("Solver '" + s.solver() + "' draws noise, and the distribution of "
                    + s.problem() + " is not known exactly; see the experiment ddim-table-1, or use mixture.");
        }
        return planned;
    }

    private static Planned planned(Setting s, NoiseSchedule schedule) {
        Solver solver = Solvers.named(s.solver());
        Clip clip = Clip.parse(s.clip());
        if (solver instanceof Ddim ddim && !ddim.sigmaHat()) {
            solver = new Ddim(s.eta(), false, !clip.isNone());
        }
        Spacing spacing = Spacing.parse(s.spacing());
        FinalLevel end = s.finalLevel().equals("clean") ? FinalLevel.CLEAN : FinalLevel.LEAST_NOISE;
        boolean inverse = solver instanceof Inverse;
        if (inverse) {
            // From the clean level itself an epsilon prediction says nothing.
            end = FinalLevel.LEAST_NOISE;
        }
        int listed = switch (spacing) {
            case Spacing.Timesteps t -> t.times().size();
            case Spacing.Sigmas t -> t.ratios().size() - 1;
            default -> 0;
        };
        if (listed > 0) {
            return new Planned(SamplingPlan.of(spacing.grid(schedule, listed, end), solver, Prediction.EPSILON, clip,
                    null), listed, inverse);
        }
        return withCalls(s, schedule, solver, clip, spacing, end);
    }

    /** The N whose rows are as many as the calls asked for; pndm makes 9 more calls than steps. */
    private static Planned withCalls(Setting s, NoiseSchedule schedule, Solver solver, Clip clip, Spacing spacing,
            FinalLevel end) {
        IllegalArgumentException first = null;
        for (int n = s.nfe(); n >= Math.max(1, s.nfe() - 9); n--) {
            try {
                TimeGrid grid = spacing.grid(schedule, n, end);
                SamplingPlan plan = SamplingPlan.of(grid, solver, prediction(schedule), clip, null);
                if (plan.evaluations() == s.nfe()) {
                    return new Planned(plan, n, solver instanceof Inverse);
                }
            } catch (IllegalArgumentException e) {
                // Of N itself; smaller N are tried for solvers that make more calls than steps.
                first = n == s.nfe() ? e : first;
            }
        }
        String calls = Solvers.all()
                .stream()
                .filter(e -> e.solver().name().equals(s.solver()))
                .findFirst()
                .map(Solvers.Entry::evaluations)
                .orElse("N");
        throw first != null ? first
                : new IllegalArgumentException("Solver '" + s.solver() + "' makes " + calls
                        + " network calls for N steps, and no N makes " + s.nfe() + "; ask for more.");
    }

    /** Epsilon says nothing about x0 in pure noise, so that a schedule that starts there is walked by velocity. */
    private static Prediction prediction(NoiseSchedule schedule) {
        return schedule.level(schedule.noisiestTime()).alpha() == 0 ? Prediction.V_PREDICTION : Prediction.EPSILON;
    }

    private Point measure(Setting s, Problem problem, Planned planned) {
        SamplingPlan plan = planned.plan;
        DType dtype = DType.parse(s.dtype());
        Level from = plan.steps().getFirst().at();
        Level to = plan.steps().getLast().to();
        Run run = new Run(s, problem, planned, dtype);
        double[] result = run.once();
        double[] start = run.start;
        for (double v : result) {
            if (!Double.isFinite(v)) {
                long bad = Arrays.stream(result).filter(x -> !Double.isFinite(x)).count();
                return Point.without(s, "failed", bad + " of " + result.length
                        + " values came out infinite or not a number; use a clip or a wider dtype.");
            }
        }
        Double rms = null;
        Double max = null;
        if (!plan.isStochastic()) {
            NoiseSchedule schedule = schedule(s, problem);
            // A spacing that starts below the noisiest level takes pure noise for its first state: an error of its own.
            Level noisiest = schedule.level(schedule.noisiestTime());
            Level begin = planned.inverse || from.lambda() < noisiest.lambda() ? from : noisiest;
            double[] exact = ends.computeIfAbsent(
                    new Reference(s.problem(), begin, to, Arrays.hashCode(start)),
                    r -> problem.end(r.from, r.to, start));
            double square = 0;
            max = 0.0;
            for (int i = 0; i < result.length; i++) {
                double off = Math.abs(result[i] - exact[i]);
                square += off * off;
                max = Math.max(max, off);
            }
            rms = Math.sqrt(square / result.length);
        }
        Batches statistics = statistics(s, problem, to);
        Batches.Estimate w = statistics == null ? null : statistics.wasserstein(result);
        Batches.Estimate mean = statistics == null ? null : statistics.meanBias(result);
        Batches.Estimate variance = statistics == null ? null : statistics.varianceBias(result);
        run.time();
        return new Point(s, "ok", "", planned.steps, plan.evaluations(), rms, max, w == null ? null : w.mean(),
                w == null ? null : w.ci(), w == null ? null : statistics.floor(), w == null ? null : mean.mean(),
                w == null ? null : mean.ci(), w == null ? null : variance.mean(), w == null ? null : variance.ci(),
                Traffic.bytesPerStep(plan, dtype, result.length), run.stepMicros, run.networkMicros, run.totalMillis,
                run.allocated);
    }

    private Batches statistics(Setting s, Problem problem, Level at) {
        GaussianMixture data = problem.data();
        if (data == null || s.samples() < Batches.COUNT * Batches.LEAST) {
            return null;
        }
        return batches.computeIfAbsent(new Target(s.problem(), at, s.samples()),
                t -> new Batches(data.marginal(t.at), t.samples));
    }

    /** One setting, run again and again. */
    private final class Run {
        private final Setting setting;
        private final Problem problem;
        private final Planned planned;
        private final DType dtype;
        private final DType wide;
        private final long[] seeds;
        private final HostTensor output;
        private final long[] stepNanos;
        private final long[] networkNanos;
        private double[] start;
        private double stepMicros;
        private double networkMicros;
        private double totalMillis = Double.POSITIVE_INFINITY;
        private double allocated;

        Run(Setting setting, Problem problem, Planned planned, DType dtype) {
            this.setting = setting;
            this.problem = problem;
            this.planned = planned;
            this.dtype = dtype;
            wide = dtype == DType.F64 ? DType.F64 : DType.F32;
            seeds = new long[setting.samples()];
            Arrays.setAll(seeds, i -> setting.seed() + i);
            output = HostTensor.allocate(wide, (long) seeds.length * problem.dimension());
            stepNanos = new long[planned.plan.evaluations()];
            networkNanos = new long[planned.plan.evaluations()];
        }

        private Trajectory begin() {
            Trajectory.Builder builder = Trajectory.builder(planned.plan, backend)
                    .shape(seeds.length, problem.dimension())
                    .dtype(dtype)
                    .seeds(seeds);
            if (dtype != wide) {
                builder.modelInput(wide, 1);
            }
            if (!planned.inverse) {
                return builder.start();
            }
            HostTensor state = HostTensor.allocate(dtype, (long) seeds.length * problem.dimension());
            Level first = planned.plan.steps().getFirst().at();
            state.copyFrom(HostTensor.of(problem.samples(first, seeds.length, setting.seed())));
            return builder.startFrom(state);
        }

        double[] once() {
            try (Trajectory t = begin()) {
                start = ((HostTensor) t.sample()).toDoubleArray();
                long bytes = 0;
                while (!t.isDone()) {
                    int row = t.cursor();
                    long asked = System.nanoTime();
                    problem.evaluate((HostTensor) t.modelInput(), planned.plan.steps().get(row).at(),
                            planned.plan.prediction(), output);
                    long allocatedBefore = threads.getCurrentThreadAllocatedBytes();
                    long answered = System.nanoTime();
                    t.advance(output);
                    long done = System.nanoTime();
                    bytes += threads.getCurrentThreadAllocatedBytes() - allocatedBefore;
                    networkNanos[row] = answered - asked;
                    stepNanos[row] = done - answered;
                }
                allocated = (double) bytes / stepNanos.length;
                return ((HostTensor) t.sample()).toDoubleArray();
            }
        }

        /** Steps alone, on the last output, once for each kind of row. */
        private void warmUp() {
            long begin = System.nanoTime();
            long past = 0;
            boolean compiled = false;
            while (past < LEAST_WARM_UP_NANOS || (!compiled && past < MOST_WARM_UP_NANOS)) {
                try (Trajectory t = begin()) {
                    long before = threads.getCurrentThreadAllocatedBytes();
                    while (!t.isDone()) {
                        t.advance(output);
                    }
                    // The counter itself allocates a few bytes now and then.
                    compiled = threads.getCurrentThreadAllocatedBytes() - before < 16L * stepNanos.length;
                }
                past = System.nanoTime() - begin;
            }
        }

        void time() {
            if (warm.add(setting.label() + setting.dtype() + setting.clip())) {
                warmUp();
            }
            long begin = System.nanoTime();
            for (int i = 0; i < REPETITIONS && (i == 0 || System.nanoTime() - begin < ENOUGH_NANOS); i++) {
                once();
                double total = (Arrays.stream(stepNanos).sum() + Arrays.stream(networkNanos).sum()) / 1e6;
                if (total < totalMillis) {
                    totalMillis = total;
                    stepMicros = median(stepNanos) / 1e3;
                    networkMicros = median(networkNanos) / 1e3;
                }
            }
        }

        private double median(long[] values) {
            long[] sorted = values.clone();
            Arrays.sort(sorted);
            int n = sorted.length;
            return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0;
        }
    }

    /**
     * The settings, in groups that share a plot.
     *
     * @param points
     *            points
     * @return by problem, schedule and dtype, in order of appearance
     */
    public static Map<String, List<Point>> groups(List<Point> points) {
        Map<String, List<Point>> groups = new java.util.LinkedHashMap<>();
        for (Point p : points) {
            Setting s = p.setting();
            String name = s.problem() + (s.schedule().equals("own") ? "" : ", " + s.schedule()) + ", " + s.dtype();
            groups.computeIfAbsent(name, _ -> new java.util.ArrayList<>()).add(p);
        }
        return groups;
    }
}
