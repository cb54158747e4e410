// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.sampling.NoiseSource;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.List;

/**
 * Runs a recorded case through a backend, in two ways: step by step, every row from the recorded state, so that an error cannot hide
 * in or be blamed on another row; and as a rollout, from the first state alone, with the recorded network outputs. Errors are
 * relative to max(1, |expected|). Where float32 cannot give that, because a row's terms are large and cancel, it must give what it
 * can: {@value #ULPS} ulp of the largest term (see {@link RowTerms}). Where the reference itself is not finite, this library's value
 * must be.
 */
final class TraceRunner {
    /** What every backend promises of a binary32 row against exact arithmetic; an ulp is at most 2^-23 of a value. */
    private static final int ULPS = 4;

    private final Backend backend;
    private final DType dtype;
    private final Tolerances tolerances;

    private double worst;
    private double letter;
    private int compared;
    private int conditioned;
    private String failure;
    private String where;

    TraceRunner(Backend backend, Tolerances tolerances) {
        this.backend = backend;
        this.dtype = tolerances.dtype;
        this.tolerances = tolerances;
    }

    /**
     * What a case is held to.
     *
     * @param dtype
     *            the arithmetic
     * @param step
     *            of a row from the recorded state
     * @param rollout
     *            of the whole run
     */
    record Tolerances(DType dtype, double step, double rollout) {
    }

    /**
     * What came of a case.
     *
     * @param steps
     *            rows compared step by step
     * @param worst
     *            the largest error step by step, relative to what it was held against
     * @param conditioned
     *            rows beyond the tolerance of max(1, |expected|), but within that of their largest term
     * @param letter
     *            the largest error of a state, relative to max(1, |expected|)
     * @param failure
     *            the first difference beyond the tolerance, or null
     */
    record Result(int steps, double worst, int conditioned, double letter, String failure) {
    }

    Result run(TraceCase trace) {
        for (TraceCase.Part part : trace.parts()) {
            times(part);
            stepByStep(part);
            if (part.whole()) {
                rollout(part);
            }
        }
        return new Result(compared, worst, conditioned, letter, failure);
    }

    private void fail(String message) {
        if (failure == null) {
            failure = message;
        }
    }

    private void times(TraceCase.Part part) {
        if (part.times() == null) {
            return;
        }
        for (int k = 0; k < part.rows().length; k++) {
            double t = part.plan().steps().get(part.rows()[k]).at().t();
            // Whole timesteps must agree exactly, fractional ones but for rounding: a float32 time found of a lambda moves by 1e-4 where
            // torch's exp or log is not the nearest float.
            boolean whole = part.times()[k] == Math.rint(part.times()[k]) && t == Math.rint(t);
            if (Math.abs(t - part.times()[k]) > (whole ? 0 : dtype == DType.F32 ? 1e-3 : 1e-6)) {
                fail("row " + part.rows()[k] + ": the network is asked at t=" + t + ", the reference asks at t="
                        + part.times()[k]);
            }
        }
    }

    private Trajectory.Builder builder(TraceCase.Part part, SamplingPlan plan, HostTensor preview, int[] noiseAt) {
        Trajectory.Builder b = Trajectory.builder(plan, backend)
                .shape(part.samples(), part.before()[0].length / part.samples())
                .dtype(dtype);
        if (part.noise() != null) {
            NoiseSource source = (_, _, target) -> fill(target, part.noise()[noiseAt[0]]);
            b.noise(source);
        }
        return preview == null ? b : b.preview(preview);
    }

    private static void fill(HostTensor target, double[] values) {
        for (int i = 0; i < values.length; i++) {
            target.setDouble(i, values[i]);
        }
    }

    private HostTensor tensor(double[] values) {
        HostTensor t = HostTensor.allocate(dtype, values.length);
        fill(t, values);
        return t;
    }

    private void stepByStep(TraceCase.Part part) {
        HostTensor preview = part.preview() == null ? null : HostTensor.allocate(dtype, part.before()[0].length);
        int[] at = new int[1];
        RowTerms terms = new RowTerms(part.plan().slots());
        Trajectory whole = part.whole() ? builder(part, part.plan(), preview, at).startFrom(tensor(part.before()[0]))
                : null;
        try {
            for (int k = 0; k < part.rows().length; k++) {
                at[0] = k;
                where = "row " + part.rows()[k] + ", step by step";
                if (whole != null) {
                    fill((HostTensor) whole.sample(), part.before()[k]);
                    step(whole, part, k, preview, terms);
                } else {
                    // Rows recorded here and there: each is a plan of its own.
                    SamplingPlan plan = part.plan();
                    SamplingPlan one = new SamplingPlan(plan.solver(), plan.prediction(), plan.clip(), plan.guidance(),
                            plan.outputs(),
                            List.of(plan.steps().get(part.rows()[k])));
                    try (Trajectory t = builder(part, one, preview, at).startFrom(tensor(part.before()[k]))) {
                        step(t, part, k, preview, terms);
                    }
                }
            }
        } finally {
            if (whole != null) {
                whole.close();
            }
        }
    }

    private void step(Trajectory t, TraceCase.Part part, int k, HostTensor preview, RowTerms terms) {
        advance(t, part, k);
        compared++;
        Step row = part.plan().steps().get(part.rows()[k]);
        double[] x = part.before()[k];
        double[] g = output(part, k);
        double[] largest = terms.of(row, x, g, part.noise() == null ? null : part.noise()[k]);
        if (!isFinite(x)) {
            return;
        }
        double error = compare((HostTensor) t.sample(), part.after()[k], tolerances.step, largest);
        letter = Math.max(letter, error);
        conditioned += error > tolerances.step && failure == null ? 1 : 0;
        if (preview != null) {
            where += ", predicted x0";
            compare(preview, part.preview()[k], tolerances.step, RowTerms.ofPrediction(row, x, g));
        }
    }

    /** The first, or only, output of each element that the row reads; where guided, the terms it is combined of. */
    static double[] output(TraceCase.Part part, int k) {
        double weight = part.plan().guidance() == null ? 1 : Math.abs(part.plan().guidance().weight());
        int perSample = part.before()[k].length / part.samples();
        double[] g = new double[part.before()[k].length];
        for (int i = 0; i < g.length; i++) {
            int at = i / perSample * perSample * part.plan().outputs() + i % perSample;
            g[i] = part.output()[k][at];
            if (part.uncond() != null) {
                g[i] = Math.max(Math.abs(part.uncond()[k][at]),
                        weight * Math.max(Math.abs(g[i]), Math.abs(part.uncond()[k][at])));
            }
        }
        return g;
    }

    private void advance(Trajectory t, TraceCase.Part part, int k) {
        if (part.uncond() != null) {
            t.advance(tensor(part.uncond()[k]), tensor(part.output()[k]));
        } else {
            t.advance(tensor(part.output()[k]));
        }
    }

    private void rollout(TraceCase.Part part) {
        for (double[] state : part.after()) {
            if (!isFinite(state)) {
                return;
            }
        }
        int[] at = new int[1];
        try (Trajectory t = builder(part, part.plan(), null, at).startFrom(tensor(part.before()[0]))) {
            for (int k = 0; k < part.rows().length; k++) {
                at[0] = k;
                where = "row " + part.rows()[k] + ", rollout";
                advance(t, part, k);
                compare((HostTensor) t.sample(), part.after()[k], tolerances.rollout, null);
            }
        }
    }

    private static boolean isFinite(double[] values) {
        for (double v : values) {
            if (!Double.isFinite(v)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Compares element by element; the largest terms of a row are null in a rollout.
     *
     * @return the largest error relative to max(1, |expected|)
     */
    private double compare(HostTensor got, double[] expected, double tolerance, double[] largest) {
        double strict = 0;
        for (int i = 0; i < expected.length; i++) {
            double value = got.getDouble(i);
            if (!Double.isFinite(expected[i])) {
                if (!Double.isFinite(value)) {
                    fail(where + ", element " + i + ": " + value + " where the reference has " + expected[i]
                            + " and a finite value is promised");
                }
                continue;
            }
            double size = Math.max(1, Math.abs(expected[i]));
            double difference = Math.abs(value - expected[i]);
            double error = difference / size;
            strict = error <= strict ? strict : error;
            if (largest != null) {
                double promised = dtype == DType.F32 ? ULPS * 0x1p-23 * largest[i] / tolerance : 0;
                error = difference / Math.max(size, promised);
                worst = error <= worst ? worst : error;
            }
            if (!(error <= tolerance)) {
                fail(where + ", element " + i + ": " + value + ", expected " + expected[i] + ", relative error " + error
                        + " above " + tolerance);
            }
        }
        return strict;
    }
}
