// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.List;
import java.util.SplittableRandom;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

/** Deduce the row: a backend fed with unit tensors gives back the coefficients it was given. */
class ProbeTest {
    /** One vector of 16 lanes and one element, so that the lanes and the scalar tail are both probed. */
    private static final int SIZE = 17;

    private static List<Backend> backends() {
        return List.of(new ScalarBackend(), new VectorBackend(1, Long.MAX_VALUE, FloatVector.SPECIES_PREFERRED));
    }

    /** A row with all operands 0; a probe sets one of them. */
    private static final class Probe {
        final Backend backend;
        final StepParams p;
        final DType type;
        final StepOperands o = new StepOperands();

        Probe(Backend backend, StepParams p, DType type) {
            this.backend = backend;
            this.p = p;
            this.type = type;
            o.samples = 1;
            o.elements = SIZE;
            o.outputStride = 2 * SIZE;
            o.x = zeros();
            o.output = HostTensor.allocate(type, 2 * SIZE);
            o.uncond = HostTensor.allocate(type, 2 * SIZE);
            o.h0 = zeros();
            o.h1 = zeros();
            o.h2 = zeros();
            o.noise = zeros();
            o.out = zeros();
            o.store = zeros();
            o.preview = zeros();
        }

        private HostTensor zeros() {
            return HostTensor.allocate(type, SIZE);
        }

        /** The values of x', the stored value and p where one operand is a value and the others are 0. */
        double[] of(Object operand, double value) {
            HostTensor t = (HostTensor) operand;
            for (int i = 0; i < SIZE; i++) {
                t.setDouble(i, value);
            }
            try (Backend.Workspace w = backend.workspace(1, SIZE)) {
                backend.step(p, o, w);
            }
            for (int i = 0; i < SIZE; i++) {
                t.setDouble(i, 0);
            }
            return new double[] {all(o.out), all(o.store), all(o.preview)};
        }

        private static double all(Object tensor) {
            HostTensor t = (HostTensor) tensor;
            for (int i = 1; i < SIZE; i++) {
                assertEquals(t.getDouble(0), t.getDouble(i), "every element has the same row");
            }
            return t.getDouble(0);
        }
    }

    /** k / 16 with |k| of 1 to 31: sums and products of two of them are exact in any type of the arithmetic. */
    private static double dyadic(SplittableRandom r) {
        return (r.nextBoolean() ? 1 : -1) * r.nextInt(1, 32) / 16.0;
    }

    @Test
    void randomRowsAreDeducedExactly() {
        for (Backend backend : backends()) {
            for (DType type : List.of(DType.F32, DType.F64)) {
                for (int seed = 0; seed < 150; seed++) {
                    deduce(backend, type, seed);
                }
            }
            backend.close();
        }
    }

    private static void deduce(Backend backend, DType type, int seed) {
        SplittableRandom r = new SplittableRandom(seed);
        RowCase c = new RowCase().all(type);
        c.px = dyadic(r);
        c.pg = dyadic(r);
        c.cx = dyadic(r);
        c.cp = dyadic(r);
        c.cg = dyadic(r);
        c.history = new double[] {dyadic(r), dyadic(r), dyadic(r)};
        c.noise = RowCase.Noise.GIVEN;
        c.cz = Math.abs(dyadic(r));
        c.store = true;
        c.sx = dyadic(r);
        c.sp = dyadic(r);
        c.sg = dyadic(r);
        c.guided = seed % 2 == 0 ? RowCase.Guided.NONE : RowCase.Guided.TWO_TENSORS;
        c.weight = dyadic(r);
        // At most (1 + 31/16) 31/16 < 8 is clipped nowhere, 256/16 > 8 everywhere: two equations for cx and cp.
        c.clip = Clip.range(8);
        String what = "seed " + seed + " on " + backend.name() + " in " + type;

        Probe probe = new Probe(backend, c.params(), type);
        double[] x = probe.of(probe.o.x, 1);
        double[] far = probe.of(probe.o.x, 256);
        double guide = c.guided == RowCase.Guided.NONE ? 1 : c.weight;
        double[] g = probe.of(probe.o.output, 1);
        assertEquals(c.px, x[2], what + ": px");
        assertEquals(c.pg * guide, g[2], what + ": pg");
        double[] h = {probe.of(probe.o.h0, 1)[0], probe.of(probe.o.h1, 1)[0], probe.of(probe.o.h2, 1)[0]};
        for (int k = 0; k < 3; k++) {
            assertEquals(c.history[k], h[k], what + ": h" + k);
        }
        assertEquals(c.cz, probe.of(probe.o.noise, 1)[0], what + ": cz");
        // x[0] = cx + cp px and far[0] = 256 cx + 8 cp sign(px), and the same for the stored value.
        double limit = Math.copySign(8, x[2]) - 256 * x[2];
        assertEquals(8, Math.abs(far[2]), what + ": range");
        double cp = (far[0] - 256 * x[0]) / limit;
        double sp = (far[1] - 256 * x[1]) / limit;
        assertEquals(c.cp, cp, what + ": cp");
        assertEquals(c.cx, x[0] - cp * x[2], what + ": cx");
        assertEquals(c.cg * guide, g[0] - cp * g[2], what + ": cg");
        assertEquals(c.sp, sp, what + ": sp");
        assertEquals(c.sx, x[1] - sp * x[2], what + ": sx");
        assertEquals(c.sg * guide, g[1] - sp * g[2], what + ": sg");
        if (c.guided != RowCase.Guided.NONE) {
            double[] u = probe.of(probe.o.uncond, 1);
            assertEquals((1 - c.weight) * c.pg, u[2], what + ": the unconditional part");
        }
    }

    @Test
    void theRowsOfEverySolverAreDeducedToTheLastBit() {
        TimeGrid grid = new Spacing.Trailing().grid(TabulatedSchedule.stableDiffusion(), 9, FinalLevel.CLEAN);
        TimeGrid back = new Spacing.Trailing().grid(TabulatedSchedule.stableDiffusion(), 9, FinalLevel.LEAST_NOISE)
                .reversed();
        for (Backend backend : backends()) {
            for (Solvers.Entry entry : Solvers.all()) {
                TimeGrid walked = entry.solver().name().endsWith("-inverse") ? back : grid;
                SamplingPlan plan = SamplingPlan.of(walked, entry.solver(), Prediction.V_PREDICTION);
                for (int i = 0; i < plan.evaluations(); i++) {
                    Step step = plan.steps().get(i);
                    // Without clipping p is folded into x and g, so every response is a coefficient.
                    Probe probe = new Probe(backend, StepParams.narrow(plan, i, DType.F32), DType.F32);
                    double[] x = probe.of(probe.o.x, 1);
                    double[] g = probe.of(probe.o.output, 1);
                    String what = entry.solver().name() + " row " + i + " on " + backend.name();
                    assertEquals((float) step.cx(), x[0], what + ": cx");
                    assertEquals((float) step.cg(), g[0], what + ": cg");
                    assertEquals((float) step.px(), x[2], what + ": px");
                    assertEquals((float) step.pg(), g[2], what + ": pg");
                    Object[] slots = {probe.o.h0, probe.o.h1, probe.o.h2};
                    for (int k = 0; k < step.history().size(); k++) {
                        assertEquals((float) step.history().get(k).coefficient(), probe.of(slots[k], 1)[0], what);
                    }
                    if (step.variance() == null) {
                        assertEquals((float) step.cz(), probe.of(probe.o.noise, 1)[0], what + ": cz");
                    }
                    if (step.store() != null) {
                        assertEquals((float) step.store().sx(), x[1], what + ": sx");
                        assertEquals((float) step.store().sg(), g[1], what + ": sg");
                    }
                }
            }
            backend.close();
        }
    }

    @Test
    void theWeightOfGuidanceIsDeduced() {
        SamplingPlan plain = SamplingPlan.of(
                new Spacing.Trailing().grid(TabulatedSchedule.stableDiffusion(), 3, FinalLevel.CLEAN),
                Solvers.named("ddim"), Prediction.SAMPLE, Clip.NONE, Guidance.scale(7.5));
        for (Backend backend : backends()) {
            Probe probe = new Probe(backend, StepParams.narrow(plain, 0, DType.F32), DType.F32);
            // A sample prediction is p itself.
            assertEquals(7.5, probe.of(probe.o.output, 1)[2]);
            assertEquals(1 - 7.5, probe.of(probe.o.uncond, 1)[2]);
            backend.close();
        }
    }
}
