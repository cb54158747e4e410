// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.schedule.Level;
import io.github.alphabar.tensor.HostTensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The rows as the papers state them and as schedulers execute them today: operation by operation, each with a pass over memory of
 * its own. Written from the levels alone, not from a plan: that both give the same result is checked before anything is timed.
 * For one thread.
 *
 * @param <T>
 *            a tensor
 */
public final class OpByOp<T> implements Contender {
    private final TensorOps<T> ops;
    private final Task task;
    private final T x;
    private final T output;
    private final List<T> history = new ArrayList<>();
    private final T givenNoise;
    private boolean given;
    private T out;
    private T stored;

    /**
     * Takes over the inputs of a task.
     *
     * @param task
     *            the row and its inputs
     * @param ops
     *            the tensor library; closed with this
     */
    public OpByOp(Task task, TensorOps<T> ops) {
        this.task = task;
        this.ops = ops;
        x = task.x() == null ? null : ops.tensor(task.x());
        output = task.output() == null ? null : ops.tensor(task.output());
        for (HostTensor stored : task.history()) {
            history.add(ops.tensor(stored));
        }
        givenNoise = task.noise() == null ? null : ops.tensor(HostTensor.of(task.noise()));
    }

    @Override
    public void step() {
        ops.free();
        stored = null;
        if (task.row().equals("normals")) {
            out = ops.randn(task.elements());
            return;
        }
        T eps = output;
        if (task.guidance() != 0) {
            // Ho and Salimans 2022, arXiv:2207.12598, eq. 6, as diffusers' guidance_scale counts.
            T uncond = ops.half(output, 0);
            eps = ops.add(uncond, ops.mul(ops.sub(ops.half(output, 1), uncond), task.guidance()));
        }
        Level at = task.levels().get(0);
        Level to = task.to();
        if (task.row().equals("plms")) {
            plms(eps, at, to);
            return;
        }
        T x0 = ops.div(ops.sub(x, ops.mul(eps, at.sigma())), at.alpha());
        if (task.range() != 0) {
            x0 = ops.clamp(x0, task.range());
        }
        switch (task.row()) {
            // Song et al. 2020, arXiv:2010.02502, eq. 12 with eta = 0.
            case "ddim", "ddim-clipped",
                    "ddim-guided" -> out = ops.add(ops.mul(x0, to.alpha()), ops.mul(eps, to.sigma()));
            case "ddpm" -> ddpm(x0, at, to);
            case "dpmpp-2m" -> dpmpp2m(x0, at, to);
            case "dpmpp-3m" -> dpmpp3m(x0, at, to);
            case "dpmpp-2m-sde" -> dpmpp2mSde(x0, at, to);
            default -> throw new UnsupportedOperationException("There is no formula for the row '" + task.row() + "'.");
        }
    }

    @Override
    public void comparableStep() {
        given = true;
        step();
        given = false;
    }

    private T noise() {
        return given ? givenNoise : ops.randn(task.elements());
    }

    /** Ho et al. 2020, arXiv:2006.11239, eq. 7, for a step over several timesteps. */
    private void ddpm(T x0, Level at, Level to) {
        double variance = at.sigma() * at.sigma();
        double kept = at.alphaBar() / to.alphaBar();
        double left = to.sigma() * to.sigma() / variance;
        T mean = ops.add(ops.mul(x0, to.alpha() * (1 - kept) / variance), ops.mul(x, Math.sqrt(kept) * left));
        out = ops.add(mean, ops.mul(noise(), Math.sqrt((1 - kept) * left)));
    }

    /** Lu et al. 2022, arXiv:2211.01095, algorithm 2. */
    private void dpmpp2m(T x0, Level at, Level to) {
        double h = to.lambda() - at.lambda();
        double gain = -to.alpha() * Math.expm1(-h);
        T d1 = ops.mul(ops.sub(x0, history.get(0)), h / span(0));
        out = ops.add(ops.add(ops.mul(x, to.sigma() / at.sigma()), ops.mul(x0, gain)), ops.mul(d1, 0.5 * gain));
        stored = x0;
    }

    /** The same paper, appendix B, with the whole second derivative. */
    private void dpmpp3m(T x0, Level at, Level to) {
        double h = to.lambda() - at.lambda();
        double r0 = span(0) / h;
        double r1 = span(1) / h;
        T first = ops.mul(ops.sub(x0, history.get(0)), 1 / r0);
        T second = ops.mul(ops.sub(history.get(0), history.get(1)), 1 / r1);
        T d1 = ops.add(first, ops.mul(ops.sub(first, second), r0 / (r0 + r1)));
        T d2 = ops.mul(ops.sub(first, second), 2 / (r0 + r1));
        double e = Math.expm1(-h);
        T linear = ops.add(ops.mul(x, to.sigma() / at.sigma()), ops.mul(x0, -to.alpha() * e));
        T curved = ops.add(linear, ops.mul(d1, to.alpha() * (e / h + 1)));
        out = ops.add(curved, ops.mul(d2, -to.alpha() * ((e + h) / (h * h) - 0.5)));
        stored = x0;
    }

    /** The same paper, eq. 14, of second order. */
    private void dpmpp2mSde(T x0, Level at, Level to) {
        double h = to.lambda() - at.lambda();
        double gain = -to.alpha() * Math.expm1(-2 * h);
        T d1 = ops.mul(ops.sub(x0, history.get(0)), h / span(0));
        T mean = ops.add(ops.add(ops.mul(x, to.sigma() / at.sigma() * Math.exp(-h)), ops.mul(x0, gain)),
                ops.mul(d1, 0.5 * gain));
        out = ops.add(mean, ops.mul(noise(), to.sigma() * Math.sqrt(-Math.expm1(-2 * h))));
        stored = x0;
    }

    /** Liu et al. 2022, arXiv:2202.09778, eqs. 11 and 12. */
    private void plms(T eps, Level at, Level to) {
        T mixed = ops.sub(ops.add(ops.sub(ops.mul(eps, 55), ops.mul(history.get(0), 59)), ops.mul(history.get(1), 37)),
                ops.mul(history.get(2), 9));
        T e = ops.div(mixed, 24);
        double divisor = at.alpha() * (at.alpha() * to.sigma() + at.sigma() * to.alpha());
        T change = ops.div(ops.mul(e, to.alphaBar() - at.alphaBar()), divisor);
        out = ops.sub(ops.mul(x, to.alpha() / at.alpha()), change);
        stored = eps;
    }

    /** The step in lambda that ended at the k-th level before this row's. */
    private double span(int k) {
        return task.levels().get(k).lambda() - task.levels().get(k + 1).lambda();
    }

    @Override
    public HostTensor out() {
        return ops.values(out);
    }

    @Override
    public HostTensor store() {
        return stored == null ? null : ops.values(stored);
    }

    @Override
    public Match match() {
        return task.row().equals("normals") ? Match.MOMENTS : Match.ROUNDINGS;
    }

    @Override
    public void close() {
        ops.close();
    }
}
