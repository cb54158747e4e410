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
import java.util.Arrays;
import java.util.List;

/**
 * Runs a recorded case through a backend, in two ways: step by step, every row from the recorded state, so that an error cannot hide
 * in or be blamed on another row; and as a rollout, from the first state alone, with the recorded network outputs. Errors are
 * relative to max(1, |expected|); in float32, where each side rounds what it adds, to the largest term of the step if that is
 * more (a predicted x0 subtracts terms of size 1/alpha). Where the reference itself is not finite, this library's value must be.
 */
final class TraceRunner {
    private final Backend backend;
    private final DType dtype;
    private final double stepTolerance;
    private final double rolloutTolerance;

    private double worst;
    private int compared;
    private String failure;
    private String where;

    TraceRunner(Backend backend, DType dtype, double stepTolerance, double rolloutTolerance) {
        this.backend = backend;
        this.dtype = dtype;
        this.stepTolerance = stepTolerance;
        this.rolloutTolerance = rolloutTolerance;
    }

    /**
     * What came of a case.
     *
     * @param steps
     *            rows compared step by step
     * @param worst
     *            the largest relative error step by step
     * @param failure
     *            the first difference beyond the tolerance, or null
     */
    record Result(int steps, double worst, String failure) {
    }

    Result run(TraceCase trace) {
        for (TraceCase.Part part : trace.parts()) {
            times(part);
            stepByStep(part);
            if (part.whole()) {
                rollout(part);
            }
        }
        return new Result(compared, worst, failure);
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
            // Whole timesteps must agree. Fractional ones pass through float32 in the float32 recordings, and one that is truncated
            // from a float32 logarithm may fall to either side of a whole number.
            boolean whole = part.times()[k] == Math.rint(part.times()[k]) && t == Math.rint(t);
            double allowed = whole ? part.resampled() && stepTolerance > 1e-8 ? 1 : 0
                    : dtype == DType.F32 ? 1e-2 : 1e-6;
            if (Math.abs(t - part.times()[k]) > allowed) {
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
        Trajectory whole = part.whole() ? builder(part, part.plan(), preview, at).startFrom(tensor(part.before()[0]))
                : null;
        try {
            for (int k = 0; k < part.rows().length; k++) {
                at[0] = k;
                where = "row " + part.rows()[k] + ", step by step";
                if (whole != null) {
                    fill((HostTensor) whole.sample(), part.before()[k]);
                    step(whole, part, k, preview);
                } else {
                    // Rows recorded here and there: each is a plan of its own.
                    SamplingPlan plan = part.plan();
                    SamplingPlan one = new SamplingPlan(plan.solver(), plan.prediction(), plan.clip(), plan.guidance(),
                            plan.outputs(),
                            List.of(plan.steps().get(part.rows()[k])));
                    try (Trajectory t = builder(part, one, preview, at).startFrom(tensor(part.before()[k]))) {
                        step(t, part, k, preview);
                    }
                }
            }
        } finally {
            if (whole != null) {
                whole.close();
            }
        }
    }

    private void step(Trajectory t, TraceCase.Part part, int k, HostTensor preview) {
        advance(t, part, k);
        compared++;
        boolean sane = isFinite(part.before()[k]);
        compare((HostTensor) t.sample(), part.after()[k], stepTolerance, sane, scales(part, k, false));
        if (preview != null) {
            where += ", predicted x0";
            compare(preview, part.preview()[k], stepTolerance, sane, scales(part, k, true));
        }
    }

    /** The largest of 1 and the terms that a float32 step rounds: x / alpha and g sigma / alpha, as far as x0 counts in the result. */
    private double[] scales(TraceCase.Part part, int k, boolean ofPrediction) {
        double[] x = part.before()[k];
        double[] scale = new double[x.length];
        Arrays.fill(scale, 1);
        if (stepTolerance < 1e-8) {
            return scale;
        }
        Step s = part.plan().steps().get(part.rows()[k]);
        double share = ofPrediction ? 1 : s.to().alpha();
        double weight = part.plan().guidance() == null ? 1 : Math.abs(part.plan().guidance().weight());
        int perSample = x.length / part.samples();
        int stride = perSample * part.plan().outputs();
        for (int i = 0; i < x.length; i++) {
            int at = i / perSample * stride + i % perSample;
            double g = Math.abs(part.output()[k][at]);
            if (part.uncond() != null) {
                g = weight * Math.max(g, Math.abs(part.uncond()[k][at]));
            }
            double ratio = ofPrediction || s.at().sigma() == 0 ? 0 : s.to().sigma() / s.at().sigma();
            scale[i] = Math.max(Math.max(1, ratio * Math.abs(x[i])),
                    share * Math.max(Math.abs(s.px() * x[i]), Math.abs(s.pg() * g)));
            if (!ofPrediction) {
                scale[i] = Math.max(scale[i], Math.max(Math.abs(s.cx() * x[i]), Math.abs(s.cg() * g)));
            }
        }
        return scale;
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
                compare((HostTensor) t.sample(), part.after()[k], rolloutTolerance, true, null);
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

    private void compare(HostTensor got, double[] expected, double tolerance, boolean inputFinite, double[] scale) {
        if (!inputFinite) {
            return;
        }
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
            double error = Math.abs(value - expected[i]) / (scale == null ? size : Math.max(size, scale[i]));
            if (scale != null && !(error <= worst)) {
                worst = error;
            }
            if (!(error <= tolerance)) {
                fail(where + ", element " + i + ": " + value + ", expected " + expected[i] + ", relative error " + error
                        + " above " + tolerance);
            }
        }
    }
}
