// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.backend.HostBackend.Chunk;
import io.github.alphabar.backend.HostBackend.RowKernel;
import io.github.alphabar.backend.LaneKernels.Block;
import io.github.alphabar.backend.LaneKernels.Blocks;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The row of {@link Backend} over lanes. A template, see {@link HiddenCopy}: one copy for each kind of row, so that the branches on
 * the constants below vanish and only the row's own work is left. The loop calls nothing but the Vector API, for the reason
 * {@link LaneKernels} gives; operands of two bytes are widened before it and rounded after it, a block at a time. What does not
 * fill a vector goes to {@link ScalarRow}, which computes the same bits.
 */
final class VectorRow implements RowKernel {
    private static final RowKind KIND = HiddenCopy.constant(MethodHandles.lookup(), RowKind.class);
    private static final LaneKernels.Types TYPES = KIND == null ? null : KIND.lanes().types();
    private static final VectorSpecies<Float> FLOATS = KIND == null ? FloatVector.SPECIES_PREFERRED
            : KIND.lanes().species();
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final boolean GUIDED = has(StepParams.GUIDED);
    private static final boolean RESCALED = GUIDED && has(StepParams.RESCALE);
    private static final boolean PREVIEW = KIND != null && KIND.preview();
    private static final boolean INPUT = KIND != null && KIND.input();
    private static final boolean INPUT_TWICE = KIND != null && KIND.inputTwice();
    private static final boolean MASK = KIND != null && KIND.mask();
    private static final boolean KNOWN_NOISE = KIND != null && KIND.knownNoise();
    private static final boolean READS_P = PREVIEW || has(StepParams.CP | StepParams.SP);
    private static final boolean READS_X = has(StepParams.CX | StepParams.SX) || (READS_P && has(StepParams.PX));
    private static final boolean READS_G = has(StepParams.CG | StepParams.SG) || (READS_P && has(StepParams.PG));
    private static final boolean STORES = has(StepParams.STORE);
    private static final boolean LEARNED = has(StepParams.LEARNED);
    private static final boolean LEARNED_LOG = has(StepParams.LEARNED_LOG);
    private static final boolean NOISE = has(StepParams.CZ) || LEARNED || LEARNED_LOG;
    private static final DType STATE_TYPE = KIND == null ? DType.F32 : KIND.state();
    private static final DType OUTPUT_TYPE = KIND == null ? DType.F32 : KIND.output();
    private static final DType NOISE_TYPE = KIND == null ? DType.F32 : KIND.noise();
    private static final DType PREVIEW_TYPE = KIND == null ? DType.F32 : KIND.previewType();
    private static final DType INPUT_TYPE = KIND == null ? DType.F32 : KIND.inputType();
    private static final DType KNOWN_NOISE_TYPE = KIND == null ? DType.F32 : KIND.knownNoiseType();
    /** Whether an operand is read or written where it lies, or by way of a block. */
    private static final boolean STATE_HERE = STATE_TYPE == DType.F32;
    private static final boolean OUTPUT_HERE = OUTPUT_TYPE == DType.F32;
    private static final boolean VARIANCE_HERE = OUTPUT_HERE && !LEARNED_LOG;
    private static final boolean NOISE_HERE = NOISE_TYPE == DType.F32;
    private static final boolean KNOWN_NOISE_HERE = KNOWN_NOISE_TYPE == DType.F32;
    private static final boolean PREVIEW_HERE = PREVIEW_TYPE == DType.F32;
    private static final boolean INPUT_HERE = INPUT_TYPE == DType.F32;
    private static final boolean BLOCKED = !STATE_HERE || ((READS_G || LEARNED) && !OUTPUT_HERE) || LEARNED_LOG
            || (NOISE && !NOISE_HERE) || (KNOWN_NOISE && !KNOWN_NOISE_HERE) || (PREVIEW && !PREVIEW_HERE)
            || (INPUT && !INPUT_HERE);

    /** The classes of the segments the loop reads and writes, or null: see {@link RowKind}. */
    private static final Class<? extends MemorySegment> ARRAYS = RowKind.arrays();
    private static final Class<? extends MemorySegment> STATES = KIND == null || !STATE_HERE ? ARRAYS
            : KIND.stateSegments();
    private static final Class<? extends MemorySegment> OUTPUTS = KIND == null || !OUTPUT_HERE ? ARRAYS
            : KIND.outputSegments();
    private static final Class<? extends MemorySegment> VARIANCES = KIND == null || !VARIANCE_HERE ? ARRAYS
            : KIND.outputSegments();
    private static final Class<? extends MemorySegment> NOISES = KIND == null || !NOISE_HERE ? ARRAYS
            : KIND.noiseSegments();
    private static final Class<? extends MemorySegment> KNOWNS = KIND == null || !STATE_HERE ? ARRAYS
            : KIND.knownSegments();
    private static final Class<? extends MemorySegment> KNOWN_NOISES = KIND == null || !KNOWN_NOISE_HERE ? ARRAYS
            : KIND.knownNoiseSegments();
    private static final Class<? extends MemorySegment> PREVIEWS = KIND == null || !PREVIEW_HERE ? ARRAYS
            : KIND.previewSegments();
    private static final Class<? extends MemorySegment> INPUTS = KIND == null || !INPUT_HERE ? ARRAYS
            : KIND.inputSegments();

    private VectorRow() {
    }

    private static boolean has(int anyOf) {
        return KIND != null && KIND.has(anyOf);
    }

    /** A copy of this class for one kind of row. */
    static RowKernel of(RowKind kind) {
        return (RowKernel) HiddenCopy.of(MethodHandles.lookup(), kind);
    }

    private static MemorySegment segment(Tensor tensor) {
        return ((HostTensor) tensor).segment();
    }

    /** Tells the JIT the class of a segment. */
    private static MemorySegment known(Class<? extends MemorySegment> type, MemorySegment segment) {
        return type == null ? segment : type.cast(segment);
    }

    @Override
    public void row(StepParams p, StepOperands o, Chunk c, long from, long to) {
        int bound = FLOATS.loopBound((int) (to - from));
        if (BLOCKED) {
            if (c.blocks == null) {
                c.blocks = new Blocks();
            }
            for (int k = 0; k < bound; k += Blocks.SIZE) {
                int count = Math.min(Blocks.SIZE, bound - k);
                widen(p, o, c, from + k, count);
                loop(p, o, c, from + k, count);
                narrow(o, c, from + k, count);
            }
        } else {
            loop(p, o, c, from, bound);
        }
        if (from + bound < to) {
            ScalarRow.INSTANCE.row(p, o, c, from + bound, to);
        }
    }

    private static void widen(StepParams p, StepOperands o, Chunk c, long from, int count) {
        Blocks b = c.blocks;
        if (!STATE_HERE) {
            widenState(READS_X, o.x, c, from, b.x, count);
            widenState(has(StepParams.H0), o.h0, c, from, b.h0, count);
            widenState(has(StepParams.H1), o.h1, c, from, b.h1, count);
            widenState(has(StepParams.H2), o.h2, c, from, b.h2, count);
            widenState(MASK, o.mask, c, from, b.mask, count);
            widenState(MASK, o.known, c, from, b.known, count);
        }
        if (READS_G && !OUTPUT_HERE) {
            TYPES.widen(OUTPUT_TYPE, segment(o.output), c.output + from, b.output, count);
            if (GUIDED) {
                TYPES.widen(OUTPUT_TYPE, segment(o.uncond), c.uncond + from, b.uncond, count);
            }
        }
        if (LEARNED_LOG || (LEARNED && !OUTPUT_HERE)) {
            TYPES.widen(OUTPUT_TYPE, segment(o.output), c.output + o.elements + from, b.variance, count);
        }
        if (LEARNED_LOG) {
            TYPES.exp((float) p.varianceFactor, (float) p.varianceOffset, b.variance.values, count);
        }
        if (NOISE && !NOISE_HERE) {
            TYPES.widen(NOISE_TYPE, c.noise.segment(), c.noiseBase + from, b.noise, count);
        }
        if (KNOWN_NOISE && !KNOWN_NOISE_HERE) {
            TYPES.widen(KNOWN_NOISE_TYPE, c.knownNoise.segment(), c.knownNoiseBase + from, b.knownNoise, count);
        }
    }

    private static void widenState(boolean read, Tensor tensor, Chunk c, long from, Block block, int count) {
        if (read) {
            TYPES.widen(STATE_TYPE, segment(tensor), c.state + from, block, count);
        }
    }

    private static void narrow(StepOperands o, Chunk c, long from, int count) {
        Blocks b = c.blocks;
        long i = c.state + from;
        if (!STATE_HERE) {
            TYPES.narrow(STATE_TYPE, b.out, segment(o.out), i, count);
            if (STORES) {
                TYPES.narrow(STATE_TYPE, b.store, segment(o.store), i, count);
            }
        }
        if (PREVIEW && !PREVIEW_HERE) {
            TYPES.narrow(PREVIEW_TYPE, b.preview, segment(o.preview), i, count);
        }
        if (INPUT && !INPUT_HERE) {
            TYPES.narrow(INPUT_TYPE, b.input, segment(o.input), i, count);
            if (INPUT_TWICE) {
                TYPES.narrow(INPUT_TYPE, b.input, segment(o.input), o.samples * o.elements + i, count);
            }
        }
    }

    private static void loop(StepParams p, StepOperands o, Chunk c, long from, int count) {
        Blocks b = c.blocks;
        MemorySegment xs = READS_X ? known(STATES, STATE_HERE ? segment(o.x) : b.x.segment) : null;
        MemorySegment gs = READS_G ? known(OUTPUTS, OUTPUT_HERE ? segment(o.output) : b.output.segment) : null;
        MemorySegment us = GUIDED && READS_G ? known(OUTPUTS, OUTPUT_HERE ? segment(o.uncond) : b.uncond.segment)
                : null;
        MemorySegment vs = LEARNED || LEARNED_LOG
                ? known(VARIANCES, VARIANCE_HERE ? segment(o.output) : b.variance.segment) : null;
        MemorySegment hs0 = has(StepParams.H0) ? known(STATES, STATE_HERE ? segment(o.h0) : b.h0.segment) : null;
        MemorySegment hs1 = has(StepParams.H1) ? known(STATES, STATE_HERE ? segment(o.h1) : b.h1.segment) : null;
        MemorySegment hs2 = has(StepParams.H2) ? known(STATES, STATE_HERE ? segment(o.h2) : b.h2.segment) : null;
        MemorySegment zs = NOISE ? known(NOISES, NOISE_HERE ? c.noise.segment() : b.noise.segment) : null;
        MemorySegment masks = MASK ? known(KNOWNS, STATE_HERE ? segment(o.mask) : b.mask.segment) : null;
        MemorySegment knowns = MASK ? known(KNOWNS, STATE_HERE ? segment(o.known) : b.known.segment) : null;
        MemorySegment knownNoises = KNOWN_NOISE
                ? known(KNOWN_NOISES, KNOWN_NOISE_HERE ? c.knownNoise.segment() : b.knownNoise.segment) : null;
        MemorySegment outs = known(STATES, STATE_HERE ? segment(o.out) : b.out.segment);
        MemorySegment stores = STORES ? known(STATES, STATE_HERE ? segment(o.store) : b.store.segment) : null;
        MemorySegment previews = PREVIEW ? known(PREVIEWS, PREVIEW_HERE ? segment(o.preview) : b.preview.segment)
                : null;
        MemorySegment inputs = INPUT ? known(INPUTS, INPUT_HERE ? segment(o.input) : b.input.segment) : null;

        // Where element `from` is, in bytes.
        long here = c.state + from << 2;
        long state = STATE_HERE ? here : 0;
        long output = OUTPUT_HERE ? c.output + from << 2 : 0;
        long uncond = OUTPUT_HERE ? c.uncond + from << 2 : 0;
        long variance = VARIANCE_HERE ? c.output + o.elements + from << 2 : 0;
        long noise = NOISE_HERE ? c.noiseBase + from << 2 : 0;
        long knownNoise = KNOWN_NOISE_HERE ? c.knownNoiseBase + from << 2 : 0;
        long preview = PREVIEW_HERE ? here : 0;
        long input = INPUT_HERE ? here : 0;
        long second = here + (o.samples * o.elements << 2);

        float limit = (float) (has(StepParams.CLIP_DYNAMIC) ? c.threshold : p.range);
        FloatVector weight = FloatVector.broadcast(FLOATS, (float) p.weight);
        FloatVector factor = FloatVector.broadcast(FLOATS, (float) c.factor);
        FloatVector inputScale = FloatVector.broadcast(FLOATS, (float) o.inputScale);
        FloatVector px = FloatVector.broadcast(FLOATS, (float) p.px);
        FloatVector pg = FloatVector.broadcast(FLOATS, (float) p.pg);
        FloatVector range = FloatVector.broadcast(FLOATS, limit);
        FloatVector negative = FloatVector.broadcast(FLOATS, -limit);
        FloatVector cx = FloatVector.broadcast(FLOATS, (float) p.cx);
        FloatVector cp = FloatVector.broadcast(FLOATS, (float) p.cp);
        FloatVector cg = FloatVector.broadcast(FLOATS, (float) p.cg);
        FloatVector h0 = FloatVector.broadcast(FLOATS, (float) p.h0);
        FloatVector h1 = FloatVector.broadcast(FLOATS, (float) p.h1);
        FloatVector h2 = FloatVector.broadcast(FLOATS, (float) p.h2);
        FloatVector cz = FloatVector.broadcast(FLOATS, (float) p.cz);
        FloatVector sx = FloatVector.broadcast(FLOATS, (float) p.sx);
        FloatVector sp = FloatVector.broadcast(FLOATS, (float) p.sp);
        FloatVector sg = FloatVector.broadcast(FLOATS, (float) p.sg);
        FloatVector knownAlpha = FloatVector.broadcast(FLOATS, (float) p.knownAlpha);
        FloatVector knownSigma = FloatVector.broadcast(FLOATS, (float) p.knownSigma);
        FloatVector zero = FloatVector.zero(FLOATS);
        FloatVector one = FloatVector.broadcast(FLOATS, 1);

        for (int k = 0; k < count; k += FLOATS.length()) {
            long at = (long) k << 2;
            FloatVector x = READS_X ? FloatVector.fromMemorySegment(FLOATS, xs, state + at, ORDER) : null;
            FloatVector g = null;
            if (READS_G) {
                g = FloatVector.fromMemorySegment(FLOATS, gs, output + at, ORDER);
                if (GUIDED) {
                    FloatVector u = FloatVector.fromMemorySegment(FLOATS, us, uncond + at, ORDER);
                    g = weight.fma(g.sub(u), u);
                    if (RESCALED) {
                        g = factor.mul(g);
                    }
                }
            }
            FloatVector pred = null;
            if (READS_P) {
                if (has(StepParams.PX)) {
                    pred = px.mul(x);
                }
                if (has(StepParams.PG)) {
                    pred = pred == null ? pg.mul(g) : pg.fma(g, pred);
                }
                if (pred == null) {
                    pred = zero;
                }
                if (has(StepParams.CLIP_RANGE | StepParams.CLIP_DYNAMIC)) {
                    // By comparison, so that a NaN stays.
                    FloatVector low = pred.blend(negative, pred.compare(VectorOperators.LT, negative));
                    pred = low.blend(range, pred.compare(VectorOperators.GT, range));
                }
                if (has(StepParams.CLIP_DYNAMIC)) {
                    pred = pred.div(range);
                }
            }

            FloatVector r = null;
            if (has(StepParams.CX)) {
                r = cx.mul(x);
            }
            if (has(StepParams.CP)) {
                r = r == null ? cp.mul(pred) : cp.fma(pred, r);
            }
            if (has(StepParams.CG)) {
                r = r == null ? cg.mul(g) : cg.fma(g, r);
            }
            if (has(StepParams.H0)) {
                FloatVector h = FloatVector.fromMemorySegment(FLOATS, hs0, state + at, ORDER);
                r = r == null ? h0.mul(h) : h0.fma(h, r);
            }
            if (has(StepParams.H1)) {
                FloatVector h = FloatVector.fromMemorySegment(FLOATS, hs1, state + at, ORDER);
                r = r == null ? h1.mul(h) : h1.fma(h, r);
            }
            if (has(StepParams.H2)) {
                FloatVector h = FloatVector.fromMemorySegment(FLOATS, hs2, state + at, ORDER);
                r = r == null ? h2.mul(h) : h2.fma(h, r);
            }
            if (NOISE) {
                FloatVector std = cz;
                if (LEARNED || LEARNED_LOG) {
                    std = FloatVector.fromMemorySegment(FLOATS, vs, variance + at, ORDER);
                }
                if (LEARNED) {
                    std = std.sqrt();
                }
                FloatVector z = FloatVector.fromMemorySegment(FLOATS, zs, noise + at, ORDER);
                r = r == null ? std.mul(z) : std.fma(z, r);
            }
            if (r == null) {
                r = zero;
            }

            FloatVector m = null;
            if (STORES) {
                if (has(StepParams.SX)) {
                    m = sx.mul(x);
                }
                if (has(StepParams.SP)) {
                    m = m == null ? sp.mul(pred) : sp.fma(pred, m);
                }
                if (has(StepParams.SG)) {
                    m = m == null ? sg.mul(g) : sg.fma(g, m);
                }
                if (m == null) {
                    m = zero;
                }
            }

            if (MASK) {
                FloatVector mask = FloatVector.fromMemorySegment(FLOATS, masks, state + at, ORDER);
                FloatVector known = knownAlpha.mul(FloatVector.fromMemorySegment(FLOATS, knowns, state + at, ORDER));
                if (KNOWN_NOISE) {
                    FloatVector z = FloatVector.fromMemorySegment(FLOATS, knownNoises, knownNoise + at, ORDER);
                    known = knownSigma.fma(z, known);
                }
                r = mask.fma(r, one.sub(mask).mul(known));
            }

            r.intoMemorySegment(outs, state + at, ORDER);
            if (STORES) {
                m.intoMemorySegment(stores, state + at, ORDER);
            }
            if (PREVIEW) {
                pred.intoMemorySegment(previews, preview + at, ORDER);
            }
            if (INPUT) {
                FloatVector in = inputScale.mul(r);
                in.intoMemorySegment(inputs, input + at, ORDER);
                if (INPUT_HERE && INPUT_TWICE) {
                    in.intoMemorySegment(inputs, second + at, ORDER);
                }
            }
        }
    }
}
