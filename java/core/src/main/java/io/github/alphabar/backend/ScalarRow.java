// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.backend.HostBackend.Chunk;
import io.github.alphabar.backend.HostBackend.RowKernel;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.random.Elementary;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;

/**
 * The reference: one element at a time, in the order {@link Backend} states. The order of the fused multiply-adds is part of the
 * contract; every other backend repeats it.
 */
final class ScalarRow implements RowKernel {
    static final ScalarRow INSTANCE = new ScalarRow();

    private ScalarRow() {
    }

    @Override
    public void row(StepParams p, StepOperands o, Chunk c, long from, long to) {
        if (o.out.dtype() == DType.F64) {
            row64(p, o, c, from, to);
        } else {
            row32(p, o, c, from, to);
        }
    }

    private static HostTensor host(Tensor tensor) {
        return (HostTensor) tensor;
    }

    static float output32(StepOperands o, Chunk c, long e) {
        return host(o.output).getFloat(c.output + e);
    }

    /** Both outputs, before any rescale. */
    static float combined32(StepParams p, StepOperands o, Chunk c, long e) {
        float u = host(o.uncond).getFloat(c.uncond + e);
        return Math.fma((float) p.weight, output32(o, c, e) - u, u);
    }

    private static float guided32(StepParams p, StepOperands o, Chunk c, long e) {
        if (!p.has(StepParams.GUIDED)) {
            return output32(o, c, e);
        }
        float g = combined32(p, o, c, e);
        return p.has(StepParams.RESCALE) ? (float) c.factor * g : g;
    }

    /** p before clipping. */
    static float predicted32(StepParams p, StepOperands o, Chunk c, long e) {
        float x = p.has(StepParams.PX) ? host(o.x).getFloat(c.state + e) : 0;
        float g = p.has(StepParams.PG) ? guided32(p, o, c, e) : 0;
        return linear32(p, x, g);
    }

    private static float linear32(StepParams p, float x, float g) {
        float v = p.has(StepParams.PX) ? (float) p.px * x : 0;
        return p.has(StepParams.PG) ? add(p.has(StepParams.PX), v, (float) p.pg, g) : v;
    }

    private static float clip32(StepParams p, Chunk c, float v) {
        if (p.has(StepParams.CLIP_RANGE)) {
            return clamp(v, (float) p.range);
        }
        if (p.has(StepParams.CLIP_DYNAMIC)) {
            float s = (float) c.threshold;
            return clamp(v, s) / s;
        }
        return v;
    }

    /** By comparison, so that a NaN stays. */
    private static float clamp(float v, float range) {
        return v < -range ? -range : v > range ? range : v;
    }

    /** The first term present is a product, the next are fused. */
    private static float add(boolean started, float sum, float coefficient, float value) {
        return started ? Math.fma(coefficient, value, sum) : coefficient * value;
    }

    private static void row32(StepParams p, StepOperands o, Chunk c, long from, long to) {
        boolean preview = o.preview != null;
        boolean readsX = p.needsX(preview);
        boolean readsG = p.needsG(preview);
        boolean readsP = p.needsP(preview);
        for (long e = from; e < to; e++) {
            long i = c.state + e;
            float x = readsX ? host(o.x).getFloat(i) : 0;
            float g = readsG ? guided32(p, o, c, e) : 0;
            float pred = readsP ? clip32(p, c, linear32(p, x, g)) : 0;

            boolean started = false;
            float r = 0;
            if (p.has(StepParams.CX)) {
                r = add(started, r, (float) p.cx, x);
                started = true;
            }
            if (p.has(StepParams.CP)) {
                r = add(started, r, (float) p.cp, pred);
                started = true;
            }
            if (p.has(StepParams.CG)) {
                r = add(started, r, (float) p.cg, g);
                started = true;
            }
            if (p.has(StepParams.H0)) {
                r = add(started, r, (float) p.h0, host(o.h0).getFloat(i));
                started = true;
            }
            if (p.has(StepParams.H1)) {
                r = add(started, r, (float) p.h1, host(o.h1).getFloat(i));
                started = true;
            }
            if (p.has(StepParams.H2)) {
                r = add(started, r, (float) p.h2, host(o.h2).getFloat(i));
                started = true;
            }
            if (p.needsNoise()) {
                float std = (float) p.cz;
                if (p.has(StepParams.LEARNED)) {
                    std = (float) Math.sqrt(host(o.output).getFloat(c.output + o.elements + e));
                } else if (p.has(StepParams.LEARNED_LOG)) {
                    float v = host(o.output).getFloat(c.output + o.elements + e);
                    std = Elementary.exp(Math.fma((float) p.varianceFactor, v, (float) p.varianceOffset));
                }
                r = add(started, r, std, c.noise.getFloat(c.noiseBase + e));
            }

            float m = 0;
            if (p.has(StepParams.STORE)) {
                started = false;
                if (p.has(StepParams.SX)) {
                    m = add(started, m, (float) p.sx, x);
                    started = true;
                }
                if (p.has(StepParams.SP)) {
                    m = add(started, m, (float) p.sp, pred);
                    started = true;
                }
                if (p.has(StepParams.SG)) {
                    m = add(started, m, (float) p.sg, g);
                }
            }

            if (o.mask != null) {
                float mask = host(o.mask).getFloat(i);
                float known = (float) p.knownAlpha * host(o.known).getFloat(i);
                if (p.knownSigma != 0) {
                    known = Math.fma((float) p.knownSigma, c.knownNoise.getFloat(c.knownNoiseBase + e), known);
                }
                r = Math.fma(mask, r, (1 - mask) * known);
            }

            host(o.out).setFloat(i, r);
            if (p.has(StepParams.STORE)) {
                host(o.store).setFloat(i, m);
            }
            if (preview) {
                host(o.preview).setFloat(i, pred);
            }
            if (o.input != null) {
                float input = (float) o.inputScale * r;
                host(o.input).setFloat(i, input);
                if (o.inputCopies == 2) {
                    host(o.input).setFloat(o.samples * o.elements + i, input);
                }
            }
        }
    }

    static double output64(StepOperands o, Chunk c, long e) {
        return host(o.output).getDouble(c.output + e);
    }

    /** Both outputs, before any rescale. */
    static double combined64(StepParams p, StepOperands o, Chunk c, long e) {
        double u = host(o.uncond).getDouble(c.uncond + e);
        return Math.fma(p.weight, output64(o, c, e) - u, u);
    }

    private static double guided64(StepParams p, StepOperands o, Chunk c, long e) {
        if (!p.has(StepParams.GUIDED)) {
            return output64(o, c, e);
        }
        double g = combined64(p, o, c, e);
        return p.has(StepParams.RESCALE) ? c.factor * g : g;
    }

    /** p before clipping, in double. */
    static double predicted64(StepParams p, StepOperands o, Chunk c, long e) {
        double x = p.has(StepParams.PX) ? host(o.x).getDouble(c.state + e) : 0;
        double g = p.has(StepParams.PG) ? guided64(p, o, c, e) : 0;
        return linear64(p, x, g);
    }

    private static double linear64(StepParams p, double x, double g) {
        double v = p.has(StepParams.PX) ? p.px * x : 0;
        return p.has(StepParams.PG) ? add(p.has(StepParams.PX), v, p.pg, g) : v;
    }

    private static double clip64(StepParams p, Chunk c, double v) {
        if (p.has(StepParams.CLIP_RANGE)) {
            return clamp(v, p.range);
        }
        if (p.has(StepParams.CLIP_DYNAMIC)) {
            return clamp(v, c.threshold) / c.threshold;
        }
        return v;
    }

    private static double clamp(double v, double range) {
        return v < -range ? -range : v > range ? range : v;
    }

    private static double add(boolean started, double sum, double coefficient, double value) {
        return started ? Math.fma(coefficient, value, sum) : coefficient * value;
    }

    private static void row64(StepParams p, StepOperands o, Chunk c, long from, long to) {
        boolean preview = o.preview != null;
        boolean readsX = p.needsX(preview);
        boolean readsG = p.needsG(preview);
        boolean readsP = p.needsP(preview);
        for (long e = from; e < to; e++) {
            long i = c.state + e;
            double x = readsX ? host(o.x).getDouble(i) : 0;
            double g = readsG ? guided64(p, o, c, e) : 0;
            double pred = readsP ? clip64(p, c, linear64(p, x, g)) : 0;

            boolean started = false;
            double r = 0;
            if (p.has(StepParams.CX)) {
                r = add(started, r, p.cx, x);
                started = true;
            }
            if (p.has(StepParams.CP)) {
                r = add(started, r, p.cp, pred);
                started = true;
            }
            if (p.has(StepParams.CG)) {
                r = add(started, r, p.cg, g);
                started = true;
            }
            if (p.has(StepParams.H0)) {
                r = add(started, r, p.h0, host(o.h0).getDouble(i));
                started = true;
            }
            if (p.has(StepParams.H1)) {
                r = add(started, r, p.h1, host(o.h1).getDouble(i));
                started = true;
            }
            if (p.has(StepParams.H2)) {
                r = add(started, r, p.h2, host(o.h2).getDouble(i));
                started = true;
            }
            if (p.needsNoise()) {
                double std = p.cz;
                if (p.has(StepParams.LEARNED)) {
                    std = Math.sqrt(host(o.output).getDouble(c.output + o.elements + e));
                } else if (p.has(StepParams.LEARNED_LOG)) {
                    double v = host(o.output).getDouble(c.output + o.elements + e);
                    std = Elementary.exp(Math.fma(p.varianceFactor, v, p.varianceOffset));
                }
                r = add(started, r, std, c.noise.getDouble(c.noiseBase + e));
            }

            double m = 0;
            if (p.has(StepParams.STORE)) {
                started = false;
                if (p.has(StepParams.SX)) {
                    m = add(started, m, p.sx, x);
                    started = true;
                }
                if (p.has(StepParams.SP)) {
                    m = add(started, m, p.sp, pred);
                    started = true;
                }
                if (p.has(StepParams.SG)) {
                    m = add(started, m, p.sg, g);
                }
            }

            if (o.mask != null) {
                double mask = host(o.mask).getDouble(i);
                double known = p.knownAlpha * host(o.known).getDouble(i);
                if (p.knownSigma != 0) {
                    known = Math.fma(p.knownSigma, c.knownNoise.getDouble(c.knownNoiseBase + e), known);
                }
                r = Math.fma(mask, r, (1 - mask) * known);
            }

            host(o.out).setDouble(i, r);
            if (p.has(StepParams.STORE)) {
                host(o.store).setDouble(i, m);
            }
            if (preview) {
                host(o.preview).setDouble(i, pred);
            }
            if (o.input != null) {
                double input = o.inputScale * r;
                host(o.input).setDouble(i, input);
                if (o.inputCopies == 2) {
                    host(o.input).setDouble(o.samples * o.elements + i, input);
                }
            }
        }
    }
}
