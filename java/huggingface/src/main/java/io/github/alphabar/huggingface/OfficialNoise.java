// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import io.github.alphabar.schedule.Level;
import io.github.alphabar.solver.Arithmetic;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The noise schedule of the DPM-Solver authors' code on its own time axis, in the arithmetic that code ran in: log(alpha) over t, its
 * inverse, and the ways to space times. A table's entry i is at t = (i + 1) / N, log(alpha) is linear between entries and beyond
 * them; without a table it is that of the linear VP SDE. In float32 the time itself is rounded: near the clean end an ulp of t moves
 * lambda by fifty of its own.
 */
final class OfficialNoise {
    /** The authors cut the table off where lambda falls below this. */
    private static final double CLIPPED_LAMBDA = -5.1;
    private static final double BETA_0 = 0.1;
    private static final double BETA_1 = 20;

    private final Arithmetic a;
    private final String skip;
    /** Ascending times and their log(alpha); null without a table. */
    private final double[] times;
    private final double[] logAlphas;

    private OfficialNoise(Arithmetic arithmetic, String skip, double[] times, double[] logAlphas) {
        this.a = arithmetic;
        this.skip = skip;
        this.times = times;
        this.logAlphas = logAlphas;
    }

    /** The linear VP SDE. */
    static OfficialNoise continuous(Arithmetic arithmetic, String skip) {
        return new OfficialNoise(arithmetic, skip, null, null);
    }

    /** A table of betas, cut off where lambda is too small. */
    static OfficialNoise discrete(double[] betas, Arithmetic a, String skip) {
        double[] logs = new double[betas.length];
        double sum = 0;
        for (int i = 0; i < logs.length; i++) {
            // torch sums float32 in double and rounds each partial sum.
            sum += a.log(a.of(1 - a.of(betas[i])));
            logs[i] = 0.5 * a.of(sum);
        }
        int kept = logs.length;
        OfficialNoise whole = new OfficialNoise(a, skip, null, logs);
        while (kept > 1 && whole.lambdaOf(logs[kept - 1]) < CLIPPED_LAMBDA) {
            kept--;
        }
        int n = kept;
        double[] all = whole.linspace(0, 1, n + 1);
        return new OfficialNoise(a, skip, Arrays.copyOfRange(all, 1, n + 1), Arrays.copyOf(logs, n));
    }

    Arithmetic arithmetic() {
        return a;
    }

    double[] times() {
        return times.clone();
    }

    double[] logAlphas() {
        return logAlphas.clone();
    }

    boolean isDiscrete() {
        return times != null;
    }

    /** The number of entries left of a table. */
    int entries() {
        return times.length;
    }

    boolean isSpacedInLambda() {
        return skip.equals("logSNR");
    }

    double noisiest() {
        return 1;
    }

    double cleanest() {
        return isDiscrete() ? 1.0 / entries() : 1e-3;
    }

    private double[] linspace(double from, double to, int n) {
        return a == Arithmetic.DOUBLE ? DpmSigmas.linspace(from, to, n).toArray() : TorchLinspace.of(from, to, n);
    }

    private double logAlpha(double t) {
        if (isDiscrete()) {
            return interpolate(t, times, logAlphas);
        }
        double quadratic = a.of(a.of(-0.25 * a.of(t * t)) * a.of(BETA_1 - BETA_0));
        return a.of(quadratic - a.of(a.of(0.5 * t) * a.of(BETA_0)));
    }

    private double variance(double logAlpha) {
        return a.of(1 - a.exp(2 * logAlpha));
    }

    private double lambdaOf(double logAlpha) {
        return a.of(logAlpha - 0.5 * a.log(variance(logAlpha)));
    }

    double lambda(double t) {
        return lambdaOf(logAlpha(t));
    }

    /** The time of a lambda. */
    double inverse(double lambda) {
        // log(1 + e^(-2 lambda)) as torch adds logarithms: the 1 swallows most digits of a small exponential.
        double x = -2 * lambda;
        double sum = a.of(Math.max(0, x) + a.log(a.of(1 + a.exp(-Math.abs(x)))));
        if (isDiscrete()) {
            return interpolate(-0.5 * sum, reversed(logAlphas), reversed(times));
        }
        double scaled = a.of(a.of(2 * (BETA_1 - BETA_0)) * sum);
        double root = a.sqrt(a.of(a.of(BETA_0 * BETA_0) + scaled));
        return a.of(a.of(scaled / a.of(root + a.of(BETA_0))) / a.of(BETA_1 - BETA_0));
    }

    private static double[] reversed(double[] values) {
        return IntStream.range(0, values.length).mapToDouble(i -> values[values.length - 1 - i]).toArray();
    }

    /** Linear between the points below and at or above x, and along the outermost two beyond them. */
    private double interpolate(double x, double[] xs, double[] ys) {
        int at = 0;
        while (at < xs.length && xs[at] < x) {
            at++;
        }
        int i = at == 0 ? 0 : at == xs.length ? at - 2 : at - 1;
        double rise = a.of(a.of(x - xs[i]) * a.of(ys[i + 1] - ys[i]));
        return a.of(ys[i] + a.of(rise / a.of(xs[i + 1] - xs[i])));
    }

    /** What the network is told: (t - 1/N) 1000, or t itself without a table. */
    double told(double t) {
        return isDiscrete() ? a.of(a.of(t - a.of(1.0 / entries())) * 1000) : t;
    }

    /** The time at which the network was told something; in float32 an ulp of it may be lost. */
    double recovered(double told) {
        return isDiscrete() ? a.of(told / 1000 + 1.0 / entries()) : told;
    }

    /** The level of a time. */
    Level level(double t) {
        double logAlpha = logAlpha(a.of(t));
        return new Level(told(a.of(t)), a.exp(logAlpha), a.sqrt(variance(logAlpha)), lambdaOf(logAlpha));
    }

    /** The level at a lambda: its scales are those of a time near it, the solver goes on with the lambda meant. */
    Level levelAtLambda(double lambda) {
        Level near = level(inverse(lambda));
        return new Level(near.t(), near.alpha(), near.sigma(), lambda);
    }

    /** n + 1 times from one to another. */
    double[] points(double from, double to, int n) {
        return switch (skip) {
            case "logSNR" -> Arrays.stream(linspace(lambda(a.of(from)), lambda(a.of(to)), n + 1))
                    .map(this::inverse)
                    .toArray();
            case "time_quadratic" -> Arrays.stream(linspace(Math.sqrt(from), Math.sqrt(to), n + 1))
                    .map(root -> a.of(root * root))
                    .toArray();
            default -> linspace(from, to, n + 1);
        };
    }

    /** The levels inside a group of singlestep rows: at the shares r of its length in lambda. */
    List<Level> inside(double from, double to, double... shares) {
        double start = lambda(a.of(from));
        double h = a.of(lambda(a.of(to)) - start);
        List<Level> levels = new ArrayList<>();
        for (double r : shares) {
            levels.add(levelAtLambda(a.of(start + a.of(r * h))));
        }
        return levels;
    }

    /** The shares at which n - 1 inner points spaced like the outer ones lie. */
    double[] shares(double from, double to, int n) {
        double[] inner = Arrays.stream(points(from, to, n)).map(this::lambda).toArray();
        double h = a.of(inner[n] - inner[0]);
        return IntStream.range(1, n).mapToDouble(i -> a.of(a.of(inner[i] - inner[0]) / h)).toArray();
    }
}
