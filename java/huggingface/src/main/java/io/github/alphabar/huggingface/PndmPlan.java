// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.solver.Arithmetic;
import io.github.alphabar.solver.StepEquation.Term;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * PNDMScheduler's rows. Each carries the state along eq. 9 of Liu et al. 2022 (arXiv:2202.09778) from t to t - T div N, whatever the
 * next timestep is (see {@link Quirk#STRIDE_PREVIOUS_TIMESTEP}), with a combination of network outputs:
 *
 * <pre>
 * x' = A x + C e,  A = sqrt(abar' / abar),  C = -(abar' - abar) / (abar sqrt(1 - abar') + sqrt(abar (1 - abar) abar'))
 * </pre>
 *
 * With v predictions {@code e = sqrt(abar) v + sqrt(1 - abar) x} of the combined v (see {@link Quirk#PNDM_COMBINES_RAW_V}). Slots: 0 the state at the start of an edge, 1 the
 * state inside it, 2 to 4 a ring of outputs, 5 and 6 the inner stages of the Runge-Kutta start.
 */
final class PndmPlan {
    private static final int BASE = 0;
    private static final int INNER = 1;
    private static final int RING = 2;
    private static final int SECOND_STAGE = 5;
    private static final int THIRD_STAGE = 6;
    private static final double[][] ADAMS_BASHFORTH = {{1}, {3 / 2.0, -1 / 2.0}, {23 / 12.0, -16 / 12.0, 5 / 12.0},
        {55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0}};

    private final LoadedScheduler scheduler;
    private final int stride;
    private final List<Integer> times;
    private final boolean velocity;
    /** Whether combinations are of raw v; else each v is converted to noise with its own state first. */
    private final boolean raw;
    /** Whether an edge ends T div N below its start; else at the next timestep. */
    private final boolean strided;
    private final Arithmetic a;
    private final List<Step> steps = new ArrayList<>();

    private PndmPlan(LoadedScheduler scheduler, LoadedScheduler.Run run) {
        this.scheduler = scheduler;
        this.stride = scheduler.table().size() / run.count();
        this.times = timesteps(scheduler, run);
        this.velocity = scheduler.prediction() == Prediction.V_PREDICTION;
        this.a = scheduler.arithmetic();
        this.strided = scheduler.quirks().contains(Quirk.STRIDE_PREVIOUS_TIMESTEP);
        this.raw = scheduler.quirks().contains(Quirk.PNDM_COMBINES_RAW_V);
    }

    static List<Integer> timesteps(LoadedScheduler scheduler, LoadedScheduler.Run run) {
        int n = run.count();
        int train = scheduler.table().size();
        int[] up = scheduler.spaced(n, train);
        List<Integer> times = new ArrayList<>();
        if (scheduler.config().flag("skip_prk_steps")) {
            for (int i = up.length - 1; i >= 0; i--) {
                times.add(up[i]);
                if (i == up.length - 2) {
                    times.add(up[i]);
                }
            }
            return times;
        }
        if (n < 4) {
            throw new IllegalArgumentException(
                    "PNDM's Runge-Kutta start fills 3 edges and needs at least 4 steps, but got " + n
                            + "; set skip_prk_steps or use more steps.");
        }
        int half = train / n / 2;
        int[] pairs = Arrays.stream(up, up.length - 4, up.length).flatMap(t -> IntStream.of(t, t + half)).toArray();
        List<Integer> doubled = new ArrayList<>();
        for (int i = 0; i < pairs.length - 1; i++) {
            doubled.add(pairs[i]);
            doubled.add(pairs[i]);
        }
        times.addAll(doubled.subList(1, doubled.size() - 1).reversed());
        for (int i = up.length - 4; i >= 0; i--) {
            times.add(up[i]);
        }
        return times;
    }

    static SamplingPlan of(LoadedScheduler scheduler, LoadedScheduler.Run run) {
        if (run.firstStep() > 0) {
            throw new IllegalArgumentException(
                    "PNDM's start cannot be skipped; start image-to-image with fewer steps instead.");
        }
        PndmPlan plan = new PndmPlan(scheduler, run);
        if (scheduler.config().flag("skip_prk_steps")) {
            plan.improvedEuler();
        } else {
            plan.rungeKutta();
        }
        return new SamplingPlan(scheduler.config().flag("skip_prk_steps") ? "plms" : "pndm", scheduler.prediction(),
                Clip.NONE,
                run.guidance(), 1, plan.steps);
    }

    /** A and C of eq. 9 between two levels, for a combination of raw outputs. */
    private record Carry(Level at, Level to, double state, double output) {
    }

    private Carry carry(int from, int to) {
        Level start = scheduler.table().level(from, a);
        Level end = to >= 0 ? scheduler.table().level(to, a) : scheduler.finalLevel(a);
        double bar = scheduler.table().alphaBar(from);
        double barTo = to >= 0 ? scheduler.table().alphaBar(to) : end.sigma() == 0 ? 1 : scheduler.table().alphaBar(0);
        double inner = a.sqrt(a.of(a.of(bar * a.of(1 - bar)) * barTo));
        double gain = -a.of(barTo - bar) / a.of(a.of(bar * end.sigma()) + inner);
        double decay = a.sqrt(a.of(barTo / bar));
        return velocity && raw ? new Carry(start, end, decay + gain * start.sigma(), gain * start.alpha())
                : new Carry(start, end, decay, gain);
    }

    /** The timestep at which the edge of a row ends, negative for the end of the walk. */
    private int end(int row) {
        return strided ? times.get(row) - stride : row + 1 < times.size() ? times.get(row + 1) : -1;
    }

    private void add(int row, Carry c, int in, int out, double x, double g, List<Term> history, int store) {
        Level at = scheduler.table().level(times.get(row), a);
        double px = velocity ? at.alpha() : 1 / at.alpha();
        double pg = velocity ? -at.sigma() : -at.sigma() / at.alpha();
        double stateInStore = 0;
        double outputInStore = 1;
        if (velocity && !raw) {
            x += g * at.sigma();
            g *= at.alpha();
            stateInStore = at.sigma();
            outputInStore = at.alpha();
        }
        steps.add(new Step(row, at, c.to, in, out, px, pg, x, 0, g, history, 0, null,
                store < 0 ? null : new Step.Store(store, stateInStore, 0, outputInStore)));
    }

    private void improvedEuler() {
        int t0 = times.get(0);
        boolean alone = times.size() == 1;
        Carry first = carry(t0, end(0));
        add(0, first, BASE, alone ? BASE : INNER, first.state, first.output, List.of(), alone ? -1 : RING);
        if (alone) {
            return;
        }
        int t1 = times.get(1);
        Carry again = carry(strided ? t1 + stride : t0, t1);
        add(1, again, INNER, BASE, 0, again.output / 2,
                List.of(new Term(BASE, again.state), new Term(RING, again.output / 2)), -1);
        multistep(2, 1);
    }

    private void multistep(int row, int stored) {
        for (; row < times.size(); row++, stored++) {
            int t = times.get(row);
            Carry c = carry(t, end(row));
            double[] weights = ADAMS_BASHFORTH[Math.min(stored, 3)];
            List<Term> history = new ArrayList<>();
            for (int k = 1; k < weights.length; k++) {
                history.add(new Term(RING + (stored - k) % 3, c.output * weights[k]));
            }
            add(row, c, BASE, BASE, c.state, c.output * weights[0], history,
                    row + 1 < times.size() ? RING + stored % 3 : -1);
        }
    }

    private void rungeKutta() {
        int half = stride / 2;
        for (int edge = 0; edge < 3; edge++) {
            int r = 4 * edge;
            int t = times.get(r);
            int ring = RING + edge;
            Carry a = carry(t, strided ? t - half : times.get(r + 1));
            Carry b = carry(t, times.get(r + 1));
            Carry c = carry(t, strided ? times.get(r + 2) - half : times.get(r + 3));
            Carry d = carry(t, times.get(r + 3));
            add(r, a, BASE, INNER, a.state, a.output, List.of(), ring);
            add(r + 1, b, INNER, INNER, 0, b.output, List.of(new Term(BASE, b.state)), SECOND_STAGE);
            add(r + 2, c, INNER, INNER, 0, c.output, List.of(new Term(BASE, c.state)), THIRD_STAGE);
            // c and d carry the base over the same edge: the state is A x + C e3, so A x is the state less C e3.
            double w = d.output;
            add(r + 3, d, INNER, BASE, 1, w / 6, List.of(new Term(ring, w / 6), new Term(SECOND_STAGE, w / 3),
                    new Term(THIRD_STAGE, w / 3 - w)), -1);
        }
        multistep(12, 3);
    }
}
