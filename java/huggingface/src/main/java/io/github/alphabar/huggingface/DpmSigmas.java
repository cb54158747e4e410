// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.solver.Arithmetic;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The sigmas and timesteps of diffusers' DPM-Solver family. The network is told whole timesteps, the solver keeps the exact sigmas.
 *
 * @param timesteps
 *            what the network is told, one for each step
 * @param sigmas
 *            noise-to-signal ratios (or flow sigmas), one more than the timesteps
 */
record DpmSigmas(double[] timesteps, double[] sigmas) {
    private static final double RHO = 7;

    static DpmSigmas of(SchedulerConfig c, AlphaBarTable table, Set<Quirk> quirks, Integer steps, int[] custom,
            Double mu) {
        boolean float32 = quirks.contains(Quirk.FLOAT32_TABLES);
        boolean inverse = c.type() == SchedulerClass.DPM_MULTISTEP_INVERSE;
        int train = table.size();
        int clipped = clipped(c, table, float32);
        double[] timesteps = custom != null ? Arrays.stream(custom).asDoubleStream().toArray()
                : spaced(c, train, clipped, steps, inverse, quirks);
        int n = custom != null ? custom.length : steps;
        double[] all = IntStream.range(0, train).mapToDouble(table::sigma).map(s -> float32 ? (float) s : s).toArray();
        double[] logs = Arrays.stream(all).map(s -> float32 ? NumpyLog.log((float) s) : Math.log(s)).toArray();
        double first = inverse ? all[0] : all[train - 1];
        double last = inverse ? all[train - 1] : all[0];
        boolean whole = quirks.contains(Quirk.WHOLE_TIMESTEPS);
        boolean cosine = "squaredcos_cap_v2".equals(c.text("beta_schedule"));
        double[] sigmas;
        boolean rounds = false;
        checkResampling(c, train, Math.max(first, last));
        if (c.flag("use_karras_sigmas")) {
            double a = Math.pow(first, 1 / RHO);
            double b = Math.pow(last, 1 / RHO);
            sigmas = ramp(n).map(u -> Math.pow(a + u * (b - a), RHO)).toArray();
            rounds = c.type() != SchedulerClass.DPM_MULTISTEP || !cosine;
        } else if (c.flag("use_lu_lambdas")) {
            double a = logs[train - 1];
            double b = logs[0];
            sigmas = ramp(n).map(u -> Math.exp(a + u * (b - a))).toArray();
            rounds = !cosine;
        } else if (c.flag("use_exponential_sigmas")) {
            double a = Math.log(first);
            double b = Math.log(last);
            sigmas = linspace(a, b, n).map(Math::exp).toArray();
        } else if (c.flag("use_beta_sigmas")) {
            sigmas = linspace(0, 1, n).map(u -> last + BetaQuantile.of(1 - u, 0.6) * (first - last)).toArray();
        } else if (c.flag("use_flow_sigmas")) {
            double shift = mu == null ? c.number("flow_shift") : Math.exp(mu);
            double[] alphas = linspace(1, 1.0 / train, n + 1).toArray();
            sigmas = IntStream.range(0, n)
                    .mapToDouble(i -> 1 - alphas[n - i])
                    .map(s -> shift * s / (1 + (shift - 1) * s))
                    .toArray();
            timesteps = Arrays.stream(sigmas).map(s -> s * train).map(t -> whole ? (long) t : t).toArray();
            return finished(c, table, timesteps, sigmas, inverse, train - 1 - clipped, float32);
        } else {
            sigmas = Arrays.stream(timesteps).map(t -> all[(int) Math.max(0, Math.min(train - 1, t))]).toArray();
            return finished(c, table, timesteps, sigmas, inverse, train - 1 - clipped, float32);
        }
        boolean round = rounds;
        timesteps = Arrays.stream(sigmas)
                .map(s -> timestep(s, logs, float32))
                .map(t -> !whole ? t : round ? Math.rint(t) : (long) t)
                .toArray();
        return finished(c, table, timesteps, sigmas, inverse, train - 1 - clipped, float32);
    }

    /** Sigma schedules interpolate between the ends of the table: there must be two, and finite ones. */
    private static void checkResampling(SchedulerConfig c, int train, double most) {
        for (String key : List.of("use_karras_sigmas", "use_lu_lambdas", "use_exponential_sigmas", "use_beta_sigmas")) {
            if (c.flag(key) && train < 2) {
                throw new IllegalArgumentException(
                        key + " needs a schedule of at least 2 timesteps, but num_train_timesteps is "
                                + train + ".");
            }
            if (c.flag(key) && Double.isInfinite(most)) {
                throw new IllegalArgumentException(
                        key + " starts at the largest sigma, which is infinite at zero terminal SNR;"
                                + " set rescale_betas_zero_snr to false, or keep " + Quirk.ZERO_SNR_FLOOR + ".");
            }
        }
    }

    private static DpmSigmas finished(SchedulerConfig c, AlphaBarTable table, double[] timesteps, double[] sigmas,
            boolean inverse,
            int noisiest, boolean float32) {
        double end;
        if (inverse) {
            boolean resampled = c.flag("use_karras_sigmas") || c.flag("use_exponential_sigmas")
                    || c.flag("use_beta_sigmas")
                    || c.flag("use_flow_sigmas");
            end = resampled ? sigmas[sigmas.length - 1] : table.sigma(noisiest);
        } else {
            end = "zero".equals(c.text("final_sigmas_type")) ? 0 : table.sigma(0);
        }
        if (c.flag("use_flow_sigmas") && !inverse && end >= sigmas[sigmas.length - 1]) {
            throw new IllegalArgumentException("final_sigmas_type sigma_min ends at sigma = " + end
                    + ", above the last flow sigma " + sigmas[sigmas.length - 1]
                    + "; set final_sigmas_type to zero, or use fewer steps.");
        }
        double[] full = Arrays.copyOf(sigmas, sigmas.length + 1);
        full[sigmas.length] = end;
        if (float32) {
            for (int i = 0; i < full.length; i++) {
                full[i] = (float) full[i];
            }
        }
        if (inverse) {
            // Repeated timesteps are dropped while sigmas are not: the steps are fewer than the sigmas then.
            timesteps = Arrays.stream(timesteps).distinct().toArray();
        }
        return new DpmSigmas(timesteps, full);
    }

    /** How many of the noisiest timesteps lambda_min_clipped cuts off. */
    private static int clipped(SchedulerConfig c, AlphaBarTable table, boolean float32) {
        double limit = c.number("lambda_min_clipped");
        int n = 0;
        for (int t = table.size() - 1; t >= 0; t--) {
            double bar = table.alphaBar(t);
            double lambda = float32
                    ? (float) Math.log((float) Math.sqrt(bar)) - (float) Math.log((float) Math.sqrt((float) (1 - bar)))
                    : Math.log(Math.sqrt(bar)) - Math.log(Math.sqrt(1 - bar));
            if (!(lambda < limit)) {
                break;
            }
            n++;
        }
        if (n == table.size()) {
            throw new IllegalArgumentException("\"lambda_min_clipped\" " + limit + " cuts off the whole schedule.");
        }
        return n;
    }

    private static double[] spaced(SchedulerConfig c, int train, int clipped, int steps, boolean inverse,
            Set<Quirk> quirks) {
        int last = train - clipped;
        String spacing = c.has("timestep_spacing") ? c.text("timestep_spacing") : "linspace";
        int extra = quirks.contains(Quirk.DPM_EXTRA_POINT) ? 1 : 0;
        double[] ascending = switch (spacing) {
            case "linspace" -> linspace(0, last - 1, steps + extra).map(Math::rint).toArray();
            case "leading" -> {
                int stride = last / (steps + extra);
                int offset = c.whole("steps_offset");
                yield IntStream.range(0, steps + extra).mapToDouble(i -> (double) i * stride + offset).toArray();
            }
            default -> {
                double[] descending = NumpyRange.trailing(last, (double) train / steps, steps, quirks);
                yield IntStream.range(0, descending.length)
                        .mapToDouble(i -> descending[descending.length - 1 - i])
                        .toArray();
            }
        };
        if (!spacing.equals("trailing") && extra == 1) {
            // diffusers drops the cleanest point of a sampler, and the noisiest of an inversion.
            ascending = inverse ? Arrays.copyOf(ascending, steps) : Arrays.copyOfRange(ascending, 1, steps + 1);
        }
        double[] up = ascending;
        return inverse ? up : IntStream.range(0, up.length).mapToDouble(i -> up[up.length - 1 - i]).toArray();
    }

    private static java.util.stream.DoubleStream ramp(int n) {
        return linspace(0, 1, n);
    }

    /** numpy's linspace. */
    static java.util.stream.DoubleStream linspace(double start, double stop, int n) {
        double step = n > 1 ? (stop - start) / (n - 1) : 0;
        return IntStream.range(0, n).mapToDouble(i -> i == n - 1 && n > 1 ? stop : i * step + start);
    }

    /**
     * The fractional timestep of a sigma: linear in log(sigma) between table entries. numpy before version 2 computes it in float32
     * where the table is; whether a timestep is truncated to the one before can hang on that.
     */
    private static double timestep(double sigma, double[] logs, boolean float32) {
        Arithmetic a = float32 ? Arithmetic.FLOAT32 : Arithmetic.DOUBLE;
        double log = a.of(Math.log(Math.max(sigma, 1e-10)));
        int low = 0;
        for (int i = 0; i < logs.length; i++) {
            if (log - logs[i] >= 0) {
                low = i;
            }
        }
        low = Math.min(low, logs.length - 2);
        double w = a.of(a.of(logs[low] - log) / a.of(logs[low] - logs[low + 1]));
        w = Math.max(0, Math.min(1, w));
        return a.of(1 - w) * low + w * (low + 1);
    }

    /** The level of a sigma, which is infinite at zero terminal SNR. */
    static Level level(double t, double sigma, boolean flow) {
        if (flow) {
            return Level.of(t, 1 - sigma, sigma);
        }
        return Double.isInfinite(sigma) ? Level.of(t, 0, 1) : Level.ofNoiseRatio(t, sigma);
    }

    /** The same by diffusers' operations: alpha = 1 / sqrt(sigma^2 + 1), lambda = log(alpha) - log(sigma alpha). */
    private static Level level(double t, double ratio, boolean flow, Arithmetic a) {
        double square = a.of(a.of(ratio) * a.of(ratio));
        if (a == Arithmetic.DOUBLE || Double.isInfinite(square)) {
            return level(t, ratio, flow);
        }
        double sigma = a.of(ratio);
        double alpha = flow ? a.of(1 - sigma) : a.of(1 / a.sqrt(a.of(square + 1)));
        sigma = flow ? sigma : a.of(sigma * alpha);
        return new Level(t, alpha, sigma, a.of(a.log(alpha) - a.log(sigma)));
    }

    /** The grid the solver walks: exact sigmas under the timesteps the network is told. */
    TimeGrid grid(NoiseSchedule schedule, boolean flow, Arithmetic arithmetic) {
        List<Level> levels = new ArrayList<>();
        for (int i = 0; i <= timesteps.length; i++) {
            double t = i < timesteps.length ? timesteps[i] : 0;
            double s = sigmas[i];
            Level level = level(t, s, flow, arithmetic);
            // A last sigma that repeats the one before differs by rounding, and may differ upwards: it is the same level.
            if (i > 0 && Math.abs(level.lambda() - levels.get(i - 1).lambda()) < 1e-6) {
                level = levels.get(i - 1).withTime(t);
            }
            levels.add(level);
        }
        boolean floored = levels.getFirst().t() > levels.get(1).t()
                && levels.getFirst().lambda() > levels.get(1).lambda();
        if (floored) {
            throw new IllegalArgumentException("With rescale_betas_zero_snr the noisiest sigma is held at "
                    + sigmas[0] + ", below that of the second step, " + sigmas[1] + "; use fewer steps.");
        }
        return new TimeGrid(schedule, levels);
    }
}
