// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.backend.HostBackend.Chunk;
import io.github.alphabar.backend.HostBackend.RowKernel;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The row of {@link Backend} over lanes. This class is a template: {@link #specialise} defines a hidden copy of it for each kind of
 * row, whose constants below are known to the JIT, so that the branches on them vanish and only the row's own work is left. What
 * does not fill a vector goes to {@link ScalarRow}, which computes the same bits.
 */
final class VectorRow implements RowKernel {
    private static final RowKind KIND = kind();
    private static final VectorSpecies<Float> FLOATS = KIND == null ? FloatVector.SPECIES_PREFERRED : KIND.species();
    private static final boolean GUIDED = has(StepParams.GUIDED);
    private static final boolean PREVIEW = KIND != null && KIND.preview();
    private static final boolean INPUT = KIND != null && KIND.input();
    private static final boolean INPUT_TWICE = KIND != null && KIND.inputTwice();
    private static final boolean MASK = KIND != null && KIND.mask();
    private static final boolean KNOWN_NOISE = KIND != null && KIND.knownNoise();
    private static final boolean READS_P = PREVIEW || has(StepParams.CP | StepParams.SP);
    private static final boolean READS_X = has(StepParams.CX | StepParams.SX) || (READS_P && has(StepParams.PX));
    private static final boolean READS_G = has(StepParams.CG | StepParams.SG) || (READS_P && has(StepParams.PG));
    private static final boolean STORES = has(StepParams.STORE);
    private static final boolean NOISE = has(StepParams.CZ | StepParams.LEARNED | StepParams.LEARNED_LOG);
    private static final DType STATE_TYPE = KIND == null ? DType.F32 : KIND.state();
    private static final DType OUTPUT_TYPE = KIND == null ? DType.F32 : KIND.output();
    private static final DType NOISE_TYPE = KIND == null ? DType.F32 : KIND.noise();
    private static final DType PREVIEW_TYPE = KIND == null ? DType.F32 : KIND.previewType();
    private static final DType INPUT_TYPE = KIND == null ? DType.F32 : KIND.inputType();
    private static final DType KNOWN_NOISE_TYPE = KIND == null ? DType.F32 : KIND.knownNoiseType();

    private VectorRow() {
    }

    private static RowKind kind() {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            // The template itself has no class data; it only makes copies.
            return lookup.lookupClass().isHidden() ? MethodHandles.classData(lookup, "_", RowKind.class) : null;
        } catch (IllegalAccessException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static boolean has(int anyOf) {
        return KIND != null && KIND.has(anyOf);
    }

    /** A copy of this class for one kind of row. */
    static RowKernel specialise(RowKind kind) {
        try (InputStream in = VectorRow.class.getResourceAsStream("VectorRow.class")) {
            MethodHandles.Lookup hidden = MethodHandles.lookup()
                    .defineHiddenClassWithClassData(in.readAllBytes(), kind, true);
            // By the copy's own lookup: its private constructor is closed to this class, of which it is no nestmate.
            return (RowKernel) hidden.findConstructor(hidden.lookupClass(), MethodType.methodType(void.class)).invoke();
        } catch (IOException e) {
            throw new UncheckedIOException("The vector kernel's own class file cannot be read.", e);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new BackendException("The JVM refused to specialise a vector kernel; use the scalar backend.", e);
        }
    }

    private static MemorySegment segment(Tensor tensor) {
        return ((HostTensor) tensor).segment();
    }

    /** coefficient value, or fused onto what is there. */
    private static FloatVector add(FloatVector sum, FloatVector coefficient, FloatVector value) {
        return sum == null ? coefficient.mul(value) : coefficient.fma(value, sum);
    }

    private static FloatVector all(double value) {
        return FloatVector.broadcast(FLOATS, (float) value);
    }

    private static FloatVector clamp(FloatVector v, FloatVector range, FloatVector negative) {
        FloatVector low = v.blend(negative, v.compare(VectorOperators.LT, negative));
        return low.blend(range, v.compare(VectorOperators.GT, range));
    }

    @Override
    public void row(StepParams p, StepOperands o, Chunk c, long from, long to) {
        int lanes = FLOATS.length();
        int bound = FLOATS.loopBound((int) (to - from));
        loop(p, o, c, from, bound, lanes);
        if (from + bound < to) {
            ScalarRow.INSTANCE.row(p, o, c, from + bound, to);
        }
    }

    private static void loop(StepParams p, StepOperands o, Chunk c, long from, int bound, int lanes) {
        MemorySegment xs = READS_X ? segment(o.x) : null;
        MemorySegment gs = READS_G || NOISE ? o.output == null ? null : segment(o.output) : null;
        MemorySegment us = GUIDED && READS_G ? segment(o.uncond) : null;
        MemorySegment hs0 = has(StepParams.H0) ? segment(o.h0) : null;
        MemorySegment hs1 = has(StepParams.H1) ? segment(o.h1) : null;
        MemorySegment hs2 = has(StepParams.H2) ? segment(o.h2) : null;
        MemorySegment zs = NOISE ? c.noise.segment() : null;
        MemorySegment outs = segment(o.out);
        MemorySegment stores = STORES ? segment(o.store) : null;
        MemorySegment previews = PREVIEW ? segment(o.preview) : null;
        MemorySegment inputs = INPUT ? segment(o.input) : null;
        MemorySegment masks = MASK ? segment(o.mask) : null;
        MemorySegment knowns = MASK ? segment(o.known) : null;
        MemorySegment knownNoises = KNOWN_NOISE ? c.knownNoise.segment() : null;

        FloatVector weight = all(p.weight);
        FloatVector px = all(p.px);
        FloatVector pg = all(p.pg);
        FloatVector cx = all(p.cx);
        FloatVector cp = all(p.cp);
        FloatVector cg = all(p.cg);
        FloatVector h0 = all(p.h0);
        FloatVector h1 = all(p.h1);
        FloatVector h2 = all(p.h2);
        FloatVector cz = all(p.cz);
        FloatVector sx = all(p.sx);
        FloatVector sp = all(p.sp);
        FloatVector sg = all(p.sg);
        FloatVector range = all(has(StepParams.CLIP_DYNAMIC) ? c.threshold : p.range);
        FloatVector negative = range.neg();

        long state = c.state + from;
        long output = c.output + from;
        long uncond = c.uncond + from;
        long variance = c.output + o.elements + from;
        long noise = c.noiseBase + from;
        long knownNoise = c.knownNoiseBase + from;
        long second = o.samples * o.elements + state;

        for (int k = 0; k < bound; k += lanes) {
            FloatVector x = READS_X ? VectorTypes.load(FLOATS, STATE_TYPE, xs, state, k) : null;
            FloatVector g = null;
            if (READS_G) {
                g = VectorTypes.load(FLOATS, OUTPUT_TYPE, gs, output, k);
                if (GUIDED) {
                    FloatVector u = VectorTypes.load(FLOATS, OUTPUT_TYPE, us, uncond, k);
                    g = weight.fma(g.sub(u), u);
                }
            }
            FloatVector pred = null;
            if (READS_P) {
                if (has(StepParams.PX)) {
                    pred = add(pred, px, x);
                }
                if (has(StepParams.PG)) {
                    pred = add(pred, pg, g);
                }
                if (pred == null) {
                    pred = FloatVector.zero(FLOATS);
                }
                if (has(StepParams.CLIP_RANGE | StepParams.CLIP_DYNAMIC)) {
                    pred = clamp(pred, range, negative);
                }
                if (has(StepParams.CLIP_DYNAMIC)) {
                    pred = pred.div(range);
                }
            }

            FloatVector r = null;
            if (has(StepParams.CX)) {
                r = add(r, cx, x);
            }
            if (has(StepParams.CP)) {
                r = add(r, cp, pred);
            }
            if (has(StepParams.CG)) {
                r = add(r, cg, g);
            }
            if (has(StepParams.H0)) {
                r = add(r, h0, VectorTypes.load(FLOATS, STATE_TYPE, hs0, state, k));
            }
            if (has(StepParams.H1)) {
                r = add(r, h1, VectorTypes.load(FLOATS, STATE_TYPE, hs1, state, k));
            }
            if (has(StepParams.H2)) {
                r = add(r, h2, VectorTypes.load(FLOATS, STATE_TYPE, hs2, state, k));
            }
            if (NOISE) {
                FloatVector std = cz;
                if (has(StepParams.LEARNED)) {
                    std = VectorTypes.load(FLOATS, OUTPUT_TYPE, gs, variance, k).sqrt();
                } else if (has(StepParams.LEARNED_LOG)) {
                    FloatVector v = VectorTypes.load(FLOATS, OUTPUT_TYPE, gs, variance, k);
                    std = VectorTypes.exp(FLOATS, all(p.varianceFactor).fma(v, all(p.varianceOffset)));
                }
                r = add(r, std, VectorTypes.load(FLOATS, NOISE_TYPE, zs, noise, k));
            }
            if (r == null) {
                r = FloatVector.zero(FLOATS);
            }

            FloatVector m = null;
            if (STORES) {
                if (has(StepParams.SX)) {
                    m = add(m, sx, x);
                }
                if (has(StepParams.SP)) {
                    m = add(m, sp, pred);
                }
                if (has(StepParams.SG)) {
                    m = add(m, sg, g);
                }
                if (m == null) {
                    m = FloatVector.zero(FLOATS);
                }
            }

            if (MASK) {
                FloatVector mask = VectorTypes.load(FLOATS, STATE_TYPE, masks, state, k);
                FloatVector known = all(p.knownAlpha).mul(VectorTypes.load(FLOATS, STATE_TYPE, knowns, state, k));
                if (KNOWN_NOISE) {
                    known = all(p.knownSigma)
                            .fma(VectorTypes.load(FLOATS, KNOWN_NOISE_TYPE, knownNoises, knownNoise, k), known);
                }
                r = mask.fma(r, all(1).sub(mask).mul(known));
            }

            VectorTypes.store(FLOATS, STATE_TYPE, outs, state, k, r);
            if (STORES) {
                VectorTypes.store(FLOATS, STATE_TYPE, stores, state, k, m);
            }
            if (PREVIEW) {
                VectorTypes.store(FLOATS, PREVIEW_TYPE, previews, state, k, pred);
            }
            if (INPUT) {
                VectorTypes.store(FLOATS, INPUT_TYPE, inputs, state, k, r);
                if (INPUT_TWICE) {
                    VectorTypes.store(FLOATS, INPUT_TYPE, inputs, second, k, r);
                }
            }
        }
    }
}
