// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.BackendProvider;
import io.github.alphabar.backend.ScalarBackend;
import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.solver.StepEquation.Term;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The scalar backend with one coefficient of every row changed: the first that the row has, by its last bit or, for types of two
 * bytes, by a 64th, which their results can show. */
public final class BrokenBackend implements Backend {
    static final String NAME = "broken";
    private final Backend scalar = new ScalarBackend();

    /** Finds it. */
    public static final class Provider implements BackendProvider {
        /** For the service loader. */
        public Provider() {
        }

        @Override
        public String name() {
            return NAME;
        }

        @Override
        public int priority() {
            return -1;
        }

        @Override
        public Optional<String> unavailable() {
            return Optional.empty();
        }

        @Override
        public Backend open(Options options) {
            return new BrokenBackend();
        }
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public String description() {
        return "wrong on purpose.";
    }

    @Override
    public Tensor allocate(DType dtype, long elements) {
        return scalar.allocate(dtype, elements);
    }

    @Override
    public Workspace workspace(int samples, long elements) {
        return scalar.workspace(samples, elements);
    }

    @Override
    public void step(StepParams p, StepOperands o, Workspace w) {
        scalar.step(changed(p, o.out.dtype()), o, w);
    }

    @Override
    public void copy(Tensor from, Tensor to, Workspace w) {
        scalar.copy(from, to, w);
    }

    private static StepParams changed(StepParams p, DType dtype) {
        boolean x = p.has(StepParams.CX);
        boolean clean = !x && p.has(StepParams.CP);
        double cx = x ? next(p.cx, dtype) : p.cx;
        double cp = clean ? next(p.cp, dtype) : p.cp;
        double cz = x || clean ? p.cz : next(p.cz, dtype);
        List<Term> history = new ArrayList<>();
        for (double h : new double[] {p.h0, p.h1, p.h2}) {
            if (h != 0) {
                history.add(new Term(1, h));
            }
        }
        Step.Store store = p.has(StepParams.STORE) ? new Step.Store(1, p.sx, p.sp, p.sg) : null;
        Level to = Level.of(0, p.knownAlpha, p.knownSigma);
        Step step = new Step(0, to, to, 0, 0, p.px, p.pg, cx, cp, p.cg, history, cz, null, store);
        Clip clip = p.has(StepParams.CLIP_RANGE) ? Clip.range(p.range) : Clip.NONE;
        if (!p.has(StepParams.GUIDED)) {
            return StepParams.narrow(step, clip, p.stream, DType.F32);
        }
        return StepParams.narrow(new SamplingPlan("broken", Prediction.EPSILON, clip, new Guidance(p.weight), 1,
                List.of(step)), 0, DType.F32);
    }

    private static double next(double coefficient, DType dtype) {
        return dtype == DType.F32 ? Math.nextUp((float) coefficient) : coefficient * (1 + 0x1p-6);
    }

    @Override
    public void close() {
        scalar.close();
    }
}
