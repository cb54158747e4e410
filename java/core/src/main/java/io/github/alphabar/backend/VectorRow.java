// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.plan.StepParams;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The row of {@link Backend} over lanes. This class is a template: {@link #specialise} defines a hidden copy of it ({@link Template}) for each kind of
 * row, whose constants below are known to the JIT, so that the branches on them vanish and only the row's own work is left. All
 * operands are floats here; {@link VectorBlock} sees to that.
 */
final class VectorRow implements VectorBackend.LoopKernel {
    private static final RowKind KIND = Template.data(MethodHandles.lookup(), RowKind.class,
            new RowKind(0, Lanes.PREFERRED));
    private static final Lanes LANES = KIND.lanes();
    private static final VectorSpecies<Float> FLOATS = LANES.floats();
    private static final boolean GUIDED = has(StepParams.GUIDED);
    private static final boolean PREVIEW = KIND.preview();
    private static final boolean INPUT = KIND.input();
    private static final boolean INPUT_TWICE = KIND.inputTwice();
    private static final boolean MASK = KIND.mask();
    private static final boolean KNOWN_NOISE = KIND.knownNoise();
    private static final boolean READS_P = PREVIEW || has(StepParams.CP | StepParams.SP);
    private static final boolean READS_X = has(StepParams.CX | StepParams.SX) || (READS_P && has(StepParams.PX));
    private static final boolean READS_G = has(StepParams.CG | StepParams.SG) || (READS_P && has(StepParams.PG));
    private static final boolean STORES = has(StepParams.STORE);
    private static final boolean LEARNED = has(StepParams.LEARNED | StepParams.LEARNED_LOG);
    private static final boolean NOISE = LEARNED || has(StepParams.CZ);
    private static final boolean CLIPPED = has(StepParams.CLIP_RANGE | StepParams.CLIP_DYNAMIC);
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    private VectorRow() {
    }

    private static boolean has(int anyOf) {
        return KIND.has(anyOf);
    }

    /** A copy of this class for one kind of row. */
    static VectorBackend.LoopKernel specialise(RowKind kind) {
        return (VectorBackend.LoopKernel) Template.copy(MethodHandles.lookup(), kind);
    }

    private static FloatVector load(MemorySegment segment, long start, int k) {
        return FloatVector.fromMemorySegment(FLOATS, segment, (start + k) << 2, ORDER);
    }

    private static void store(MemorySegment segment, long start, int k, FloatVector v) {
        v.intoMemorySegment(segment, (start + k) << 2, ORDER);
    }

    /** coefficient value, or fused onto what is there. */
    private static FloatVector add(FloatVector sum, FloatVector coefficient, FloatVector value) {
        return sum == null ? coefficient.mul(value) : coefficient.lanewise(VectorOperators.FMA, value, sum);
    }

    private static FloatVector all(double value) {
        return FloatVector.broadcast(FLOATS, (float) value);
    }

    @Override
    public void loop(StepParams p, VectorBlock b, int count) {
        MemorySegment xs = b.xs;
        MemorySegment gs = b.gs;
        MemorySegment us = b.us;
        MemorySegment h0s = b.h0s;
        MemorySegment h1s = b.h1s;
        MemorySegment h2s = b.h2s;
        MemorySegment zs = b.zs;
        MemorySegment stds = b.stds;
        MemorySegment outs = b.outs;
        MemorySegment stores = b.stores;
        MemorySegment previews = b.previews;
        MemorySegment inputs = b.inputs;
        MemorySegment masks = b.masks;
        MemorySegment knowns = b.knowns;
        MemorySegment knownNoises = b.knownNoises;
        long xAt = b.x;
        long gAt = b.g;
        long uAt = b.u;
        long h0At = b.h0;
        long h1At = b.h1;
        long h2At = b.h2;
        long zAt = b.z;
        long stdAt = b.std;
        long outAt = b.out;
        long storeAt = b.store;
        long previewAt = b.preview;
        long inputAt = b.input;
        long secondAt = b.second;
        long maskAt = b.mask;
        long knownAt = b.known;
        long knownNoiseAt = b.knownNoise;

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
        FloatVector range = all(has(StepParams.CLIP_DYNAMIC) ? b.threshold : p.range);
        FloatVector negative = range.neg();
        FloatVector one = all(1);
        FloatVector knownAlpha = all(p.knownAlpha);
        FloatVector knownSigma = all(p.knownSigma);

        for (int k = 0; k < count; k += FLOATS.length()) {
            FloatVector x = READS_X ? load(xs, xAt, k) : null;
            FloatVector g = READS_G ? load(gs, gAt, k) : null;
            if (GUIDED && READS_G) {
                FloatVector u = load(us, uAt, k);
                g = weight.lanewise(VectorOperators.FMA, g.sub(u), u);
            }
            FloatVector pred = null;
            if (READS_P) {
                pred = has(StepParams.PX) ? px.mul(x) : null;
                pred = has(StepParams.PG) ? add(pred, pg, g) : pred == null ? FloatVector.zero(FLOATS) : pred;
                if (CLIPPED) {
                    // By comparison, so that a NaN stays.
                    FloatVector low = pred.blend(negative, pred.compare(VectorOperators.LT, negative));
                    pred = low.blend(range, pred.compare(VectorOperators.GT, range));
                }
                if (has(StepParams.CLIP_DYNAMIC)) {
                    pred = pred.div(range);
                }
            }

            FloatVector r = has(StepParams.CX) ? cx.mul(x) : null;
            r = has(StepParams.CP) ? add(r, cp, pred) : r;
            r = has(StepParams.CG) ? add(r, cg, g) : r;
            r = has(StepParams.H0) ? add(r, h0, load(h0s, h0At, k)) : r;
            r = has(StepParams.H1) ? add(r, h1, load(h1s, h1At, k)) : r;
            r = has(StepParams.H2) ? add(r, h2, load(h2s, h2At, k)) : r;
            r = NOISE ? add(r, LEARNED ? load(stds, stdAt, k) : cz, load(zs, zAt, k)) : r;
            r = r == null ? FloatVector.zero(FLOATS) : r;

            if (MASK) {
                FloatVector mask = load(masks, maskAt, k);
                FloatVector known = knownAlpha.mul(load(knowns, knownAt, k));
                if (KNOWN_NOISE) {
                    known = knownSigma.lanewise(VectorOperators.FMA, load(knownNoises, knownNoiseAt, k), known);
                }
                r = mask.lanewise(VectorOperators.FMA, r, one.sub(mask).mul(known));
            }
            store(outs, outAt, k, r);
            if (INPUT) {
                store(inputs, inputAt, k, r);
            }
            if (INPUT_TWICE) {
                store(inputs, secondAt, k, r);
            }
            if (STORES) {
                FloatVector m = has(StepParams.SX) ? sx.mul(x) : null;
                m = has(StepParams.SP) ? add(m, sp, pred) : m;
                m = has(StepParams.SG) ? add(m, sg, g) : m;
                store(stores, storeAt, k, m == null ? FloatVector.zero(FLOATS) : m);
            }
            if (PREVIEW) {
                store(previews, previewAt, k, pred);
            }
        }
    }
}
