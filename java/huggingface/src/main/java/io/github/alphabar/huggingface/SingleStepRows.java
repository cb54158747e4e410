// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.solver.Arithmetic;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.Ddpm;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.StepEquation;
import io.github.alphabar.solver.StepEquation.LearnedVariance;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The rows of DDPMScheduler, DDIMScheduler and DDIMInverseScheduler, each on an edge of its own. With {@code b = alphaBar} at the
 * level a row starts from and {@code b'} where it ends, diffusers computes
 *
 * <pre>
 * beta = 1 - b / b',  posterior = (1 - b') / (1 - b) beta
 *
 *      | x                                 | x0                           | eps                 | noise
 * -----+-----------------------------------+------------------------------+---------------------+--------------------------
 * DDPM | sqrt(b / b') (1 - b') / (1 - b)   | sqrt(b') beta / (1 - b)      | 0                   | sqrt(posterior) or sqrt(beta)
 * DDIM | 0                                 | sqrt(b')                     | sqrt(1 - b' - s^2)  | s = eta sqrt(posterior)
 * </pre>
 *
 * in float32 (see {@link Quirk#FLOAT32_COEFFICIENTS}); in double the rows are those of {@link Ddpm} and {@link Ddim}.
 */
final class SingleStepRows {
    /** A trace of signal far below any clip range: x0 is huge instead of infinite, and is clipped all the same. */
    private static final double SMALLEST_ALPHA = 0x1p-80;
    private static final float SMALLEST_VARIANCE = 1e-20f;

    private final LoadedScheduler scheduler;
    private final SchedulerConfig config;
    private final AlphaBarTable table;
    private final LoadedScheduler.Run run;
    private final int[] times;
    private final NoiseSchedule schedule;
    private final Arithmetic a;

    private SingleStepRows(LoadedScheduler scheduler, LoadedScheduler.Run run) {
        this.scheduler = scheduler;
        this.config = scheduler.config();
        this.table = scheduler.table();
        this.run = run;
        this.times = scheduler.times(run);
        this.schedule = scheduler.schedule();
        this.a = scheduler.arithmetic();
    }

    static List<StepEquation> of(LoadedScheduler scheduler, LoadedScheduler.Run run) {
        SingleStepRows rows = new SingleStepRows(scheduler, run);
        List<StepEquation> equations = new ArrayList<>();
        for (int i = run.firstStep(); i < rows.times.length; i++) {
            equations.add(switch (scheduler.config().type()) {
                case DDPM -> rows.ddpm(i);
                case DDIM_INVERSE -> rows.ddimInverse(i);
                default -> rows.ddim(i);
            });
        }
        return equations;
    }

    private boolean has(Quirk quirk) {
        return scheduler.quirks().contains(quirk);
    }

    /** The table's index of a timestep; -1, which a float range may yield, is Python's last entry. */
    private int index(int t) {
        return t == -1 && has(Quirk.FLOAT_RANGE_TRAILING) ? table.size() - 1 : t;
    }

    private Level level(int t) {
        Level level = table.level(index(t), a).withTime(t);
        boolean infinite = level.alpha() == 0 && scheduler.prediction() == Prediction.EPSILON
                && !scheduler.clip().isNone();
        return infinite && has(Quirk.CLIPPED_INFINITE_X0) ? Level.of(level.t(), SMALLEST_ALPHA, level.sigma()) : level;
    }

    private StepEquation only(Solver solver, Level from, Level to, int i) {
        StepEquation e = solver.equations(new TimeGrid(schedule, List.of(from, to))).getFirst();
        return with(e, i, e.x(), e.x0(), e.eps(), e.noise(), e.variance());
    }

    private StepEquation with(StepEquation e, int i, double x, double x0, double eps, double noise,
            LearnedVariance learned) {
        return new StepEquation(i - run.firstStep(), e.at(), e.to(), 0, 0, x, x0, eps, e.history(), noise, learned,
                e.store(), e.rederiveEps());
    }

    private StepEquation ddpm(int i) {
        int t = times[i];
        int previous = i + 1 < times.length ? times[i + 1] : -1;
        Level from = level(t);
        Level to = previous >= 0 ? table.level(previous, a) : Level.clean(0);
        Ddpm.Variance variance = Ddpm.Variance.valueOf(config.text("variance_type").toUpperCase(Locale.ROOT));
        StepEquation row = only(new Ddpm(variance), from, to, i);
        if (a != Arithmetic.DOUBLE) {
            row = ddpmByAlphaBar(row, i, variance, previous);
        }
        return to.sigma() > 0 || t <= 0 || !has(Quirk.NOISE_INTO_CLEAN) ? row : noisyEnd(row, i, variance);
    }

    private StepEquation ddpmByAlphaBar(StepEquation row, int i, Ddpm.Variance variance, int previous) {
        double bar = table.alphaBar(index(times[i]));
        double barTo = previous >= 0 ? table.alphaBar(previous) : 1;
        double kept = a.of(bar / barTo);
        double beta = a.of(1 - kept);
        double fromVariance = a.of(1 - bar);
        double toVariance = a.of(1 - barTo);
        double x0 = a.of(a.of(a.sqrt(barTo) * beta) / fromVariance);
        double x = a.of(a.of(a.sqrt(kept) * toVariance) / fromVariance);
        if (row.noise() == 0 && row.variance() == null) {
            return with(row, i, x, x0, 0, 0, null);
        }
        double small = Math.max(a.of(a.of(toVariance / fromVariance) * beta), SMALLEST_VARIANCE);
        double std = switch (variance) {
            case FIXED_SMALL -> a.sqrt(small);
            case FIXED_SMALL_LOG -> a.exp(0.5 * a.log(small));
            case FIXED_LARGE, FIXED_LARGE_LOG -> a.sqrt(beta);
            case LEARNED, LEARNED_RANGE -> 0;
        };
        LearnedVariance learned = row.variance() != null && row.variance().logScale()
                ? between(a.log(small), a.log(beta))
                : row.variance();
        return with(row, i, x, x0, 0, std, learned);
    }

    /** std = exp(log variance / 2), log variance = low + (v + 1)/2 (high - low). */
    private static LearnedVariance between(double low, double high) {
        return new LearnedVariance(true, (high - low) / 4, (high + low) / 4);
    }

    /** The reference adds noise wherever t > 0; at the clean level the posterior variance is its clamp. */
    private StepEquation noisyEnd(StepEquation row, int i, Ddpm.Variance variance) {
        double sigma = row.at().sigma();
        double std = switch (variance) {
            case FIXED_SMALL, FIXED_SMALL_LOG -> Math.sqrt(SMALLEST_VARIANCE);
            case FIXED_LARGE, FIXED_LARGE_LOG -> sigma;
            case LEARNED, LEARNED_RANGE -> 0;
        };
        LearnedVariance learned = switch (variance) {
            case LEARNED -> new LearnedVariance(false, 0, 0);
            case LEARNED_RANGE -> between(a.log(SMALLEST_VARIANCE), a.log(a.of(sigma * sigma)));
            default -> null;
        };
        return with(row, i, row.x(), row.x0(), row.eps(), std, learned);
    }

    private StepEquation ddim(int i) {
        int stride = table.size() / run.count();
        int previous = has(Quirk.STRIDE_PREVIOUS_TIMESTEP) ? times[i] - stride
                : i + 1 < times.length ? times[i + 1] : -1;
        Level to = previous >= 0 ? table.level(previous, a) : scheduler.finalLevel(a);
        StepEquation row = only(new Ddim(run.eta(), false, run.useClippedModelOutput()), level(times[i]), to, i);
        if (a == Arithmetic.DOUBLE || run.eta() == 0) {
            return row;
        }
        double bar = table.alphaBar(index(times[i]));
        double barTo = previous >= 0 ? table.alphaBar(previous) : to.sigma() == 0 ? 1 : table.alphaBar(0);
        double toVariance = a.of(1 - barTo);
        double posterior = a.of(a.of(toVariance / a.of(1 - bar)) * a.of(1 - a.of(bar / barTo)));
        double std = a.of(a.of(run.eta()) * a.sqrt(posterior));
        // 0 up to rounding at zero terminal SNR with eta = 1, where the reference takes the root of what may fall below it.
        double eps = a.sqrt(Math.max(0, a.of(toVariance - a.of(std * std))));
        return with(row, i, row.x(), row.x0(), eps, std, null);
    }

    private StepEquation ddimInverse(int i) {
        int t = times[i];
        int stride = table.size() / run.count();
        int source = has(Quirk.STRIDE_PREVIOUS_TIMESTEP) ? Math.min(t - stride, table.size() - 1)
                : i > 0 ? times[i - 1] : -1;
        Level from = source >= 0 ? table.level(source, a) : scheduler.finalLevel(a);
        if (from.sigma() == 0 && scheduler.prediction() == Prediction.SAMPLE) {
            throw new IllegalArgumentException("The inversion starts at the clean level (sigma = 0), where a sample"
                    + " prediction says nothing about the noise; set set_alpha_to_one to false.");
        }
        return only(new Ddim(run.eta(), false, run.useClippedModelOutput()), from.withTime(t), level(t), i);
    }
}
