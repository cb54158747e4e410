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
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The row of {@link Backend} over lanes. A template, see {@link HiddenCopy}: one copy for each kind of row, so that the branches on
 * the constants below vanish and only the row's own work is left. The loop calls nothing but the Vector API, for the reason
 * {@link LaneKernels} gives, and {@link #load(DType, MemorySegment, long, int)} and its opposite, which are small enough to be
 * inlined even so. Few operands of two bytes are converted there; more are widened before it and rounded after it, a block at
 * a time. What does not fill a vector goes to {@link ScalarRow}, which computes the same bits.
 */
final class VectorRow implements RowKernel {
    private static final RowKind KIND = HiddenCopy.constant(MethodHandles.lookup(), RowKind.class);
    private static final LaneKernels.Types TYPES = KIND == null ? null : KIND.lanes().types();
    private static final VectorSpecies<Float> FLOATS = KIND == null ? FloatVector.SPECIES_PREFERRED
            : KIND.lanes().species();
    private static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
    private static final VectorSpecies<Short> SHORTS = VectorSpecies.of(short.class,
            VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
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
    private static final boolean CLIPS = has(StepParams.CLIP_RANGE | StepParams.CLIP_DYNAMIC);
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
    /** In the units of {@link #code}; found by trying: AllocationTest has the rows next to it, and sees the objects above. */
    private static final int LIMIT = 15;
    /** Only then do the operations that convert F16 cost less than the way through a block, whose conversion is one instruction. */
    private static final boolean WIDE = FLOATS.length() >= 16;
    /**
     * Rows with few operands of two bytes convert them in the loop, while the next ones are on their way from memory. With more the
     * JIT reaches the size where it inlines no further, and vectors become objects: these pass through blocks.
     */
    private static final boolean CONVERTS = code() < LIMIT;
    /** Whether an operand is read or written where it lies, or by way of a block. */
    private static final boolean STATE_HERE = CONVERTS || STATE_TYPE == DType.F32;
    private static final boolean OUTPUT_HERE = CONVERTS || OUTPUT_TYPE == DType.F32;
    private static final boolean VARIANCE_HERE = OUTPUT_HERE && !LEARNED_LOG;
    private static final boolean NOISE_HERE = CONVERTS || NOISE_TYPE == DType.F32;
    private static final boolean KNOWN_NOISE_HERE = CONVERTS || KNOWN_NOISE_TYPE == DType.F32;
    private static final boolean PREVIEW_HERE = CONVERTS || PREVIEW_TYPE == DType.F32;
    private static final boolean INPUT_HERE = CONVERTS || INPUT_TYPE == DType.F32;
    /** What the loop meets: a block is F32. */
    private static final DType X = STATE_HERE ? STATE_TYPE : DType.F32;
    private static final DType G = OUTPUT_HERE ? OUTPUT_TYPE : DType.F32;
    private static final DType V = VARIANCE_HERE ? OUTPUT_TYPE : DType.F32;
    private static final DType Z = NOISE_HERE ? NOISE_TYPE : DType.F32;
    private static final DType KZ = KNOWN_NOISE_HERE ? KNOWN_NOISE_TYPE : DType.F32;
    private static final DType P = PREVIEW_HERE ? PREVIEW_TYPE : DType.F32;
    private static final DType IN = INPUT_HERE ? INPUT_TYPE : DType.F32;
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

    /** How much code the loop is if it converts, in F32 loads. */
    private static int code() {
        int states = (READS_X ? 1 : 0) + (has(StepParams.H0) ? 1 : 0) + (has(StepParams.H1) ? 1 : 0)
                + (has(StepParams.H2) ? 1 : 0) + (MASK ? 2 : 0);
        int outputs = (READS_G ? GUIDED ? 2 : 1 : 0) + (LEARNED || LEARNED_LOG ? 1 : 0);
        return states * load(STATE_TYPE) + outputs * load(OUTPUT_TYPE) + (NOISE ? load(NOISE_TYPE) : 0)
                + (KNOWN_NOISE ? load(KNOWN_NOISE_TYPE) : 0) + (STORES ? 2 : 1) * store(STATE_TYPE)
                + (PREVIEW ? store(PREVIEW_TYPE) : 0) + (INPUT ? (INPUT_TWICE ? 2 : 1) * store(INPUT_TYPE) : 0)
                + (CLIPS ? 3 : 0) + (GUIDED ? 1 : 0);
    }

    private static int load(DType type) {
        return switch (type) {
            case F32 -> 1;
            case BF16 -> 2;
            default -> WIDE ? 4 : LIMIT;
        };
    }

    private static int store(DType type) {
        return switch (type) {
            case F32 -> 1;
            case BF16 -> 4;
            default -> WIDE ? 6 : LIMIT;
        };
    }

    /**
     * A cold kernel is called for this few elements at a time, this often: the JIT's last tier, before which the Vector API is a thousand
     * times slower, counts calls. A plan has kinds of rows that it executes once; called for all elements at once, they would stay cold
     * for hundreds of plans.
     */
    private static final int COLD_ELEMENTS = 64;
    private static final int COLD_CALLS = 6_000;
    /** Counted without care: threads may lose some of one another's. */
    private int calls;

    private VectorRow() {
    }

    @Override
    public long most() {
        return calls < COLD_CALLS ? COLD_ELEMENTS : HostBackend.CHUNK;
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
        if (calls < COLD_CALLS) {
            calls++;
        }
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

    /** Widens a vector of F16 or BF16 exactly. Bytes are counted from the segment's start to the range's first element. */
    private static FloatVector load(DType type, MemorySegment s, long bytes, int k) {
        ShortVector halves = ShortVector.fromMemorySegment(SHORTS, s, bytes + ((long) k << 1), ORDER);
        IntVector bits = (IntVector) halves.convertShape(VectorOperators.S2I, INTS, 0);
        if (type == DType.BF16) {
            return bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
        }
        // 2^112 moves the exponent to where binary32 has it; exact for subnormals too.
        IntVector value = bits.lanewise(VectorOperators.LSHL, 13)
                .and(0x8fffffff)
                .reinterpretAsFloats()
                .mul(0x1p112f)
                .reinterpretAsInts();
        return value
                .lanewise(VectorOperators.ADD, 0x38000000, bits.and(0x7c00).compare(VectorOperators.EQ, 0x7c00))
                .reinterpretAsFloats();
    }

    /** Rounds a vector to F16 or BF16, once, to nearest even. */
    private static void store(DType type, FloatVector v, MemorySegment s, long bytes, int k) {
        IntVector bits = v.reinterpretAsInts();
        IntVector half;
        if (type == DType.BF16) {
            IntVector last = bits.lanewise(VectorOperators.LSHR, 16).and(1);
            half = bits.add(last.add(0x7fff))
                    .blend(bits.or(0x400000), v.compare(VectorOperators.NE, v).cast(INTS))
                    .lanewise(VectorOperators.LSHR, 16);
        } else {
            // From 65520 up everything rounds to infinity, so from 65536 up everything may be 65536.
            IntVector magnitude = bits.and(0x7fffffff).min(0x47800000);
            // Added to a number whose ulp is that of the result's last bit, which rounds. Of that number's own bits the
            // shortening keeps 0x3c00, which is the difference of the exponents where the result has them.
            IntVector exponent = magnitude.and(0x7f800000).max(0x38800000);
            IntVector sum = exponent.reinterpretAsFloats()
                    .fma(FloatVector.broadcast(FLOATS, 0x1.007800p13f), magnitude.reinterpretAsFloats())
                    .reinterpretAsInts();
            half = sum.add(exponent.lanewise(VectorOperators.LSHR, 13))
                    .blend(0x7e00, v.compare(VectorOperators.NE, v).cast(INTS))
                    .or(bits.lanewise(VectorOperators.LSHR, 16).and(0x8000));
        }
        ((ShortVector) half.convertShape(VectorOperators.I2S, SHORTS, 0))
                .intoMemorySegment(s, bytes + ((long) k << 1), ORDER);
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
        long state = STATE_HERE ? (c.state + from) * STATE_TYPE.bytes() : 0;
        long output = OUTPUT_HERE ? (c.output + from) * OUTPUT_TYPE.bytes() : 0;
        long uncond = OUTPUT_HERE ? (c.uncond + from) * OUTPUT_TYPE.bytes() : 0;
        long variance = VARIANCE_HERE ? (c.output + o.elements + from) * OUTPUT_TYPE.bytes() : 0;
        long noise = NOISE_HERE ? (c.noiseBase + from) * NOISE_TYPE.bytes() : 0;
        long knownNoise = KNOWN_NOISE_HERE ? (c.knownNoiseBase + from) * KNOWN_NOISE_TYPE.bytes() : 0;
        long preview = PREVIEW_HERE ? (c.state + from) * PREVIEW_TYPE.bytes() : 0;
        long input = INPUT_HERE ? (c.state + from) * INPUT_TYPE.bytes() : 0;
        long second = (o.samples * o.elements + c.state + from) * INPUT_TYPE.bytes();

        float limit = (float) (has(StepParams.CLIP_DYNAMIC) ? c.threshold : p.range);
        FloatVector weight = GUIDED ? FloatVector.broadcast(FLOATS, (float) p.weight) : null;
        FloatVector factor = RESCALED ? FloatVector.broadcast(FLOATS, (float) c.factor) : null;
        FloatVector inputScale = INPUT ? FloatVector.broadcast(FLOATS, (float) o.inputScale) : null;
        FloatVector px = has(StepParams.PX) ? FloatVector.broadcast(FLOATS, (float) p.px) : null;
        FloatVector pg = has(StepParams.PG) ? FloatVector.broadcast(FLOATS, (float) p.pg) : null;
        FloatVector range = CLIPS ? FloatVector.broadcast(FLOATS, limit) : null;
        FloatVector negative = CLIPS ? FloatVector.broadcast(FLOATS, -limit) : null;
        FloatVector cx = has(StepParams.CX) ? FloatVector.broadcast(FLOATS, (float) p.cx) : null;
        FloatVector cp = has(StepParams.CP) ? FloatVector.broadcast(FLOATS, (float) p.cp) : null;
        FloatVector cg = has(StepParams.CG) ? FloatVector.broadcast(FLOATS, (float) p.cg) : null;
        FloatVector h0 = has(StepParams.H0) ? FloatVector.broadcast(FLOATS, (float) p.h0) : null;
        FloatVector h1 = has(StepParams.H1) ? FloatVector.broadcast(FLOATS, (float) p.h1) : null;
        FloatVector h2 = has(StepParams.H2) ? FloatVector.broadcast(FLOATS, (float) p.h2) : null;
        FloatVector cz = has(StepParams.CZ) ? FloatVector.broadcast(FLOATS, (float) p.cz) : null;
        FloatVector sx = has(StepParams.SX) ? FloatVector.broadcast(FLOATS, (float) p.sx) : null;
        FloatVector sp = has(StepParams.SP) ? FloatVector.broadcast(FLOATS, (float) p.sp) : null;
        FloatVector sg = has(StepParams.SG) ? FloatVector.broadcast(FLOATS, (float) p.sg) : null;
        FloatVector knownAlpha = MASK ? FloatVector.broadcast(FLOATS, (float) p.knownAlpha) : null;
        FloatVector knownSigma = KNOWN_NOISE ? FloatVector.broadcast(FLOATS, (float) p.knownSigma) : null;
        FloatVector zero = FloatVector.zero(FLOATS);
        FloatVector one = MASK ? FloatVector.broadcast(FLOATS, 1) : null;

        for (int k = 0; k < count; k += FLOATS.length()) {
            long at = (long) k << 2;
            FloatVector x = READS_X ? (X == DType.F32 ? FloatVector.fromMemorySegment(FLOATS, xs, state + at, ORDER)
                    : load(X, xs, state, k)) : null;
            FloatVector g = null;
            if (READS_G) {
                g = G == DType.F32 ? FloatVector.fromMemorySegment(FLOATS, gs, output + at, ORDER)
                        : load(G, gs, output, k);
                if (GUIDED) {
                    FloatVector u = G == DType.F32 ? FloatVector.fromMemorySegment(FLOATS, us, uncond + at, ORDER)
                            : load(G, us, uncond, k);
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
                if (CLIPS) {
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
                FloatVector h = X == DType.F32 ? FloatVector.fromMemorySegment(FLOATS, hs0, state + at, ORDER)
                        : load(X, hs0, state, k);
                r = r == null ? h0.mul(h) : h0.fma(h, r);
            }
            if (has(StepParams.H1)) {
                FloatVector h = X == DType.F32 ? FloatVector.fromMemorySegment(FLOATS, hs1, state + at, ORDER)
                        : load(X, hs1, state, k);
                r = r == null ? h1.mul(h) : h1.fma(h, r);
            }
            if (has(StepParams.H2)) {
                FloatVector h = X == DType.F32 ? FloatVector.fromMemorySegment(FLOATS, hs2, state + at, ORDER)
                        : load(X, hs2, state, k);
                r = r == null ? h2.mul(h) : h2.fma(h, r);
            }
            if (NOISE) {
                FloatVector std = cz;
                if (LEARNED || LEARNED_LOG) {
                    std = V == DType.F32 ? FloatVector.fromMemorySegment(FLOATS, vs, variance + at, ORDER)
                            : load(V, vs, variance, k);
                }
                if (LEARNED) {
                    std = std.sqrt();
                }
                FloatVector z = Z == DType.F32 ? FloatVector.fromMemorySegment(FLOATS, zs, noise + at, ORDER)
                        : load(Z, zs, noise, k);
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
                FloatVector mask = X == DType.F32 ? FloatVector.fromMemorySegment(FLOATS, masks, state + at, ORDER)
                        : load(X, masks, state, k);
                FloatVector known = knownAlpha
                        .mul((X == DType.F32 ? FloatVector.fromMemorySegment(FLOATS, knowns, state + at, ORDER)
                                : load(X, knowns, state, k)));
                if (KNOWN_NOISE) {
                    FloatVector z = KZ == DType.F32
                            ? FloatVector.fromMemorySegment(FLOATS, knownNoises, knownNoise + at, ORDER)
                            : load(KZ, knownNoises, knownNoise, k);
                    known = knownSigma.fma(z, known);
                }
                r = mask.fma(r, one.sub(mask).mul(known));
            }

            if (X == DType.F32) {
                r.intoMemorySegment(outs, state + at, ORDER);
            } else {
                store(X, r, outs, state, k);
            }
            if (STORES) {
                if (X == DType.F32) {
                    m.intoMemorySegment(stores, state + at, ORDER);
                } else {
                    store(X, m, stores, state, k);
                }
            }
            if (PREVIEW) {
                if (P == DType.F32) {
                    pred.intoMemorySegment(previews, preview + at, ORDER);
                } else {
                    store(P, pred, previews, preview, k);
                }
            }
            if (INPUT) {
                FloatVector in = inputScale.mul(r);
                if (IN == DType.F32) {
                    in.intoMemorySegment(inputs, input + at, ORDER);
                } else {
                    store(IN, in, inputs, input, k);
                }
                if (INPUT_HERE && INPUT_TWICE) {
                    if (IN == DType.F32) {
                        in.intoMemorySegment(inputs, second + at, ORDER);
                    } else {
                        store(IN, in, inputs, second, k);
                    }
                }
            }
        }
    }
}
