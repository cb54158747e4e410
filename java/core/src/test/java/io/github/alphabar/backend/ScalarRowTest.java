// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.RowCase.Guided;
import io.github.alphabar.backend.RowCase.Noise;
import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.random.Normals;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.solver.StepEquation;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The reference backend against the formula of a row, evaluated a second time in double and with no thought for speed. */
class ScalarRowTest {
    private static final int[] SIZES = {24};

    /** A sum in double that remembers the sum of the magnitudes of its terms. */
    private static final class Sum {
        double value;
        double magnitudes;

        Sum add(double factor, double term) {
            value += factor * term;
            magnitudes += Math.abs(factor * term);
            return this;
        }

        /** Adds a multiple of another sum, whose terms are terms of this one. */
        Sum add(double factor, Sum other) {
            value += factor * other.value;
            magnitudes += Math.abs(factor) * other.magnitudes;
            return this;
        }
    }

    /** One row in double. */
    private static final class Reference {
        final RowCase c;
        final StepParams p;
        final StepOperands o;
        final double[] thresholds;
        final double[] factors;

        Reference(RowCase c, StepParams p) {
            this.c = c;
            this.p = p;
            o = c.build().operands;
            thresholds = new double[o.samples];
            factors = new double[o.samples];
            for (int s = 0; s < o.samples; s++) {
                factors[s] = c.guided == Guided.NONE || p.rescale == 0 ? 1 : factor(s);
            }
            if (c.clip.kind() == Clip.Kind.DYNAMIC) {
                for (int s = 0; s < o.samples; s++) {
                    double[] magnitudes = new double[(int) o.elements];
                    for (int e = 0; e < magnitudes.length; e++) {
                        magnitudes[e] = Math.abs(unclipped(s, e).value);
                    }
                    thresholds[s] = quantile(magnitudes);
                }
            }
        }

        private double factor(int s) {
            double[] cond = new double[(int) o.elements];
            double[] guided = new double[cond.length];
            for (int e = 0; e < cond.length; e++) {
                cond[e] = at(o.output, o.outputOffset + s * o.outputStride + e);
                guided[e] = combined(s, e).value;
            }
            return p.rescale * deviation(cond) / deviation(guided) + (1 - p.rescale);
        }

        private static double deviation(double[] values) {
            double mean = Arrays.stream(values).average().orElseThrow();
            return Math.sqrt(Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum() / (values.length - 1));
        }

        private double quantile(double[] values) {
            Arrays.sort(values);
            double position = p.quantile * (values.length - 1);
            int below = (int) position;
            double fraction = position - below;
            double next = values[Math.min(below + 1, values.length - 1)];
            return Math.min(p.maximum, Math.max(1, values[below] + fraction * (next - values[below])));
        }

        private static double at(Tensor t, long i) {
            return ((HostTensor) t).getDouble(i);
        }

        private Sum g(int s, int e) {
            return new Sum().add(factors[s], combined(s, e));
        }

        /** The output before any rescale. */
        private Sum combined(int s, int e) {
            double cond = at(o.output, o.outputOffset + s * o.outputStride + e);
            if (c.guided == Guided.NONE) {
                return new Sum().add(1, cond);
            }
            double uncond = at(o.uncond, o.uncondOffset + s * o.outputStride + e);
            return new Sum().add(p.weight, cond).add(1 - p.weight, uncond);
        }

        private Sum unclipped(int s, int e) {
            return new Sum().add(p.px, at(o.x, s * o.elements + e)).add(p.pg, g(s, e));
        }

        Sum pred(int s, int e) {
            Sum v = unclipped(s, e);
            double limit = switch (c.clip.kind()) {
                case NONE -> Double.POSITIVE_INFINITY;
                case RANGE -> p.range;
                case DYNAMIC -> thresholds[s];
            };
            v.value = Math.min(limit, Math.max(-limit, v.value));
            if (c.clip.kind() == Clip.Kind.DYNAMIC) {
                v.value /= limit;
                v.magnitudes /= limit;
            }
            return v;
        }

        Sum next(int s, int e) {
            long i = s * o.elements + e;
            Sum r = new Sum().add(p.cx, at(o.x, i)).add(p.cp, pred(s, e)).add(p.cg, g(s, e));
            double[] h = {p.h0, p.h1, p.h2};
            Tensor[] slots = {o.h0, o.h1, o.h2};
            for (int k = 0; k < c.history.length; k++) {
                r.add(h[k], at(slots[k], i));
            }
            if (c.noise != Noise.NONE) {
                double second = c.learned() ? at(o.output, o.outputOffset + s * o.outputStride + o.elements + e) : 0;
                double std = switch (c.noise) {
                    case LEARNED -> Math.sqrt(second);
                    case LEARNED_LOG -> Math.exp(p.varianceFactor * second + p.varianceOffset);
                    default -> p.cz;
                };
                r.add(std, o.noise != null ? at(o.noise, i) : drawn(p.stream, s, e));
            }
            if (o.mask != null) {
                double mask = at(o.mask, i);
                Sum known = new Sum().add(p.knownAlpha, at(o.known, i));
                if (p.knownSigma != 0) {
                    known.add(p.knownSigma,
                            o.knownNoise != null ? at(o.knownNoise, i) : drawn(Normals.Stream.INPAINT, s, e));
                }
                r = new Sum().add(mask, r).add(1 - mask, known);
            }
            return r;
        }

        Sum stored(int s, int e) {
            return new Sum().add(p.sx, at(o.x, s * o.elements + e)).add(p.sp, pred(s, e)).add(p.sg, g(s, e));
        }

        private double drawn(Normals.Stream stream, int s, int e) {
            float[] z = new float[1];
            Normals.fill(o.seeds[s], o.draw, stream, e, z, 0, 1);
            return z[0];
        }
    }

    private interface Check {
        void check(Sum want, double got, String what);
    }

    /** Runs a row and hands every value to a check. */
    private static void each(RowCase c, StepParams coefficients, Check check) {
        Reference reference = new Reference(c, coefficients);
        StepOperands o = c.run(new ScalarBackend()).operands;
        for (int s = 0; s < c.samples; s++) {
            for (int e = 0; e < c.elements; e++) {
                long i = s * o.elements + e;
                check.check(reference.next(s, e), Reference.at(o.out, i), "x'");
                if (c.store) {
                    check.check(reference.stored(s, e), Reference.at(o.store, i), "stored");
                }
                if (c.preview) {
                    check.check(reference.pred(s, e), Reference.at(o.preview, i), "p");
                }
                double scale = c.state == DType.F64 ? c.inputScale : (float) c.inputScale;
                for (int copy = 0; copy < c.inputCopies; copy++) {
                    check.check(new Sum().add(scale, reference.next(s, e)),
                            Reference.at(o.input, copy * o.samples * o.elements + i), "input");
                }
            }
        }
    }

    private static RowCase random(long seed, DType type) {
        RowCase c = RowCase.random(seed, SIZES).all(type);
        c.special = false;
        c.alias = RowCase.Alias.NONE;
        return c;
    }

    /**
     * Every rounding errs by at most half an ulp, 2^-24 of what it rounds, and nothing that is rounded exceeds the sum S of the
     * magnitudes of all terms. A row has at most 2 roundings in g, 2 in its rescale and 1 in its share of the deviation, 2 in p, 1 in clipping, 7 in x', 1 for sqrt or 4 + 3 for exp (its
     * 2 ulp and its argument's rounding, |argument| below 3), 2 in known, 3 in masking, 1 in the input, and a threshold 4 more: 32.
     */
    private static final int ROUNDINGS = 32;

    @Test
    void anyRowIsTheFormulaUpToItsRoundings() {
        for (int seed = 0; seed < 2_000; seed++) {
            RowCase c = random(seed, DType.F32);
            each(c, c.params(), (want, got, what) -> {
                double error = Math.abs(want.value - got);
                assertTrue(error <= ROUNDINGS * 0x1p-24 * want.magnitudes,
                        () -> what + " is " + got + " instead of " + want.value + " in " + c);
            });
        }
    }

    @Test
    void anyRowInDoubleIsTheFormulaUpToTheRoundingsOfBoth() {
        for (int seed = 0; seed < 1_000; seed++) {
            RowCase c = random(seed, DType.F64);
            each(c, c.params(), (want, got, what) -> {
                double error = Math.abs(want.value - got);
                assertTrue(error <= 2 * ROUNDINGS * 0x1p-53 * want.magnitudes,
                        () -> what + " is " + got + " instead of " + want.value + " in " + c);
            });
        }
    }

    @Test
    void aTwoByteResultIsTheBinary32ResultRoundedOnce() {
        for (int seed = 0; seed < 1_000; seed++) {
            for (DType type : new DType[] {DType.F16, DType.BF16}) {
                // The inputs are two-byte values in both, so only the last rounding differs.
                RowCase c = random(seed, type);
                c.inputCopies = 1;
                c.inputScale = 1;
                c.inputType = DType.F32;
                c.preview = false;
                StepOperands o = c.run(new ScalarBackend()).operands;
                HostTensor rounded = HostTensor.of(new short[1], type);
                for (long i = 0; i < o.out.elements(); i++) {
                    rounded.setFloat(0, ((HostTensor) o.input).getFloat(i));
                    assertEquals(RowCase.bits(rounded, 0), RowCase.bits((HostTensor) o.out, i),
                            "seed " + seed + ", element " + i + " of " + c);
                }
            }
        }
    }

    /** Below 3 is measured; a wrong term is millions. Of the largest term alone it can be 8, where several are as large. */
    @Test
    void theRowsOfEverySolverAreWithinFourUlpOfTheSumOfTheirMagnitudes() {
        TimeGrid grid = new Spacing.Leading(0).grid(TabulatedSchedule.stableDiffusion(), 20, FinalLevel.CLEAN);
        for (Solvers.Entry entry : Solvers.all()) {
            TimeGrid walked = entry.solver().name().endsWith("inverse") ? REVERSED : grid;
            for (Prediction prediction : Prediction.values()) {
                for (Clip clip : List.of(Clip.NONE, Clip.range(1))) {
                    for (Step step : SamplingPlan.of(walked, entry.solver(), prediction, clip, null).steps()) {
                        for (Guided guided : List.of(Guided.NONE, Guided.ONE_TENSOR)) {
                            RowCase c = of(step, clip, guided);
                            // Against the coefficients in double: their rounding to float counts as well.
                            each(c, c.paramsIn(DType.F64), (want, got, what) -> {
                                double error = Math.abs(want.value - got) / Math.ulp((float) want.magnitudes);
                                assertTrue(error <= 4, () -> what + " is " + error + " ulp off in " + c);
                            });
                        }
                    }
                }
            }
        }
    }

    private static final TimeGrid REVERSED = new Spacing.Leading(0)
            .grid(TabulatedSchedule.stableDiffusion(), 20, FinalLevel.LEAST_NOISE)
            .reversed();

    /** A case that runs a row of a plan on values of the size it meets. */
    private static RowCase of(Step step, Clip clip, Guided guided) {
        RowCase c = new RowCase();
        c.px = step.px();
        c.pg = step.pg();
        c.cx = step.cx();
        c.cp = step.cp();
        c.cg = step.cg();
        c.history = step.history().stream().mapToDouble(StepEquation.Term::coefficient).toArray();
        c.variance = step.variance();
        c.noise = step.variance() != null ? step.variance().logScale() ? Noise.LEARNED_LOG : Noise.LEARNED
                : step.cz() != 0 ? Noise.GIVEN : Noise.NONE;
        c.cz = step.cz();
        c.store = step.store() != null;
        if (c.store) {
            c.sx = step.store().sx();
            c.sp = step.store().sp();
            c.sg = step.store().sg();
        }
        c.clip = clip;
        c.guided = guided;
        c.preview = c.px != 0 || c.pg != 0;
        c.elements = 100;
        c.contents = 1 + 2L * step.edge();
        return c;
    }
}
