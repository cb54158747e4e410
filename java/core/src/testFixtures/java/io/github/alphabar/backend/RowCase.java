// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static org.junit.jupiter.api.Assertions.fail;

import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.solver.StepEquation.LearnedVariance;
import io.github.alphabar.solver.StepEquation.Term;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * One row and the memory it works on, described so that the same row can be run by several backends on separate copies. A mutable
 * description: a test sets the fields it is about and leaves the others.
 */
final class RowCase {
    /** How the noise of a row comes about. */
    enum Noise {
        NONE, GIVEN, DRAWN, LEARNED, LEARNED_LOG
    }

    /** Which kind of memory operands are in. */
    enum Memory {
        HEAP, DIRECT, NATIVE
    }

    /** How a row is guided, and how its outputs lie in memory. */
    enum Guided {
        NONE, ONE_TENSOR, TWO_TENSORS
    }

    /** Which operands share memory. */
    enum Alias {
        NONE, OUT_IS_X, STORE_IS_H0, BOTH
    }

    /** Elements before and after every operand, which no step may touch. */
    static final int GUARD = 17;

    double px = 1.0625;
    double pg = -0.75;
    double cx;
    double cp;
    double cg;
    double[] history = {};
    double cz;
    Noise noise = Noise.NONE;
    LearnedVariance variance;
    boolean store;
    double sx;
    double sp;
    double sg;
    Clip clip = Clip.NONE;
    Guided guided = Guided.NONE;
    double weight = 7.5;
    double rescale;
    int samples = 1;
    int elements = 17;
    DType state = DType.F32;
    DType output = DType.F32;
    DType noiseType = DType.F32;
    DType previewType = DType.F32;
    DType inputType = DType.F32;
    boolean preview;
    int inputCopies;
    double inputScale = 1;
    boolean mask;
    boolean knownGiven;
    double knownSigma = 0.5;
    Memory memory = Memory.HEAP;
    int offset;
    Alias alias = Alias.NONE;
    boolean special;
    long contents = 1;
    int draw = 3;

    /** Operands with the whole memory behind each. */
    static final class Built {
        final StepOperands operands = new StepOperands();
        final Map<String, HostTensor> wholes = new LinkedHashMap<>();
        final Map<String, long[]> untouched = new LinkedHashMap<>();
    }

    /** A case from a seed: any combination of what a row can have. */
    static RowCase random(long seed, int[] sizes) {
        SplittableRandom r = new SplittableRandom(seed);
        RowCase c = new RowCase();
        c.contents = r.nextLong();
        c.px = coefficient(r, 0.2);
        c.pg = coefficient(r, 0.2);
        c.cx = coefficient(r, 0.3);
        c.cp = coefficient(r, 0.4);
        c.cg = coefficient(r, 0.3);
        c.history = new double[r.nextInt(4)];
        for (int i = 0; i < c.history.length; i++) {
            c.history[i] = coefficient(r, 0.1);
        }
        c.noise = Noise.values()[r.nextInt(5)];
        c.cz = c.noise == Noise.NONE ? 0 : coefficient(r, 0);
        c.store = r.nextBoolean();
        c.sx = coefficient(r, 0.4);
        c.sp = coefficient(r, 0.4);
        c.sg = coefficient(r, 0.4);
        c.clip = switch (r.nextInt(4)) {
            case 0 -> Clip.range(r.nextDouble(0.25, 2));
            case 1 -> Clip.dynamic(r.nextDouble(0.3, 1), r.nextDouble(1, 3));
            default -> Clip.NONE;
        };
        c.guided = Guided.values()[r.nextInt(3)];
        c.weight = r.nextDouble(-2, 10);
        c.samples = 1 + r.nextInt(3);
        c.elements = sizes[r.nextInt(sizes.length)];
        c.types(r);
        c.preview = r.nextBoolean();
        c.inputCopies = r.nextInt(3);
        c.mask = r.nextInt(3) == 0;
        c.knownGiven = r.nextBoolean();
        c.knownSigma = r.nextInt(3) == 0 ? 0 : r.nextDouble();
        c.memory = Memory.values()[r.nextInt(3)];
        c.offset = r.nextInt(3);
        c.alias = Alias.values()[r.nextInt(4)];
        c.special = r.nextInt(4) == 0;
        c.draw = r.nextInt();
        c.rescale = r.nextBoolean() ? 0 : r.nextDouble();
        c.inputScale = r.nextBoolean() ? 1 : r.nextDouble(-2, 2);
        return c;
    }

    private static double coefficient(SplittableRandom r, double absent) {
        return r.nextDouble() < absent ? 0 : r.nextDouble(-2, 2);
    }

    private void types(SplittableRandom r) {
        if (r.nextInt(8) == 0) {
            all(DType.F64);
            return;
        }
        DType[] narrow = {DType.F32, DType.F16, DType.BF16};
        state = narrow[r.nextInt(3)];
        output = narrow[r.nextInt(3)];
        noiseType = narrow[r.nextInt(3)];
        previewType = narrow[r.nextInt(3)];
        inputType = narrow[r.nextInt(3)];
    }

    /** Makes every tensor of one type. */
    RowCase all(DType type) {
        state = type;
        output = type;
        noiseType = type;
        previewType = type;
        inputType = type;
        return this;
    }

    boolean learned() {
        return noise == Noise.LEARNED || noise == Noise.LEARNED_LOG;
    }

    Step step() {
        List<Term> terms = new ArrayList<>();
        for (double h : history) {
            terms.add(new Term(terms.size() + 1, h));
        }
        LearnedVariance usual = learned() ? new LearnedVariance(noise == Noise.LEARNED_LOG, 0.375, -1.25) : null;
        Level at = Level.of(500, 0.6, 0.8);
        Level to = Level.of(400, 0.8125, knownSigma);
        Step.Store stored = store ? new Step.Store(1, sx, sp, sg) : null;
        return new Step(0, at, to, 0, 0, px, pg, cx, cp, cg, terms, noise == Noise.NONE ? 0 : cz,
                variance == null ? usual : variance, stored);
    }

    StepParams params() {
        return paramsIn(state);
    }

    StepParams paramsIn(DType compute) {
        Guidance guidance = guided == Guided.NONE ? null : new Guidance(weight, rescale);
        SamplingPlan plan = new SamplingPlan("test", Prediction.EPSILON, clip, guidance, learned() ? 2 : 1,
                List.of(step()));
        return StepParams.narrow(plan, 0, compute);
    }

    /** Fresh memory with the same contents at every call. */
    Built build() {
        Built b = new Built();
        StepOperands o = b.operands;
        SplittableRandom r = new SplittableRandom(contents);
        long total = (long) samples * elements;
        long stride = learned() ? 2L * elements : elements;
        o.samples = samples;
        o.elements = elements;
        o.outputStride = stride;
        o.draw = draw;
        o.x = tensor(b, "x", state, total);
        o.out = alias == Alias.OUT_IS_X || alias == Alias.BOTH ? o.x : tensor(b, "out", state, total);
        if (guided == Guided.ONE_TENSOR) {
            o.output = tensor(b, "output", output, 2 * samples * stride);
            o.uncond = o.output;
            o.outputOffset = samples * stride;
        } else {
            o.output = tensor(b, "output", output, samples * stride);
            o.uncond = guided == Guided.NONE ? null : tensor(b, "uncond", output, samples * stride);
        }
        o.h0 = history.length > 0 ? tensor(b, "h0", state, total) : null;
        o.h1 = history.length > 1 ? tensor(b, "h1", state, total) : null;
        o.h2 = history.length > 2 ? tensor(b, "h2", state, total) : null;
        if (store) {
            boolean shared = (alias == Alias.STORE_IS_H0 || alias == Alias.BOTH) && o.h0 != null;
            o.store = shared ? o.h0 : tensor(b, "store", state, total);
        }
        boolean drawn = noise == Noise.DRAWN || (learned() && (contents & 1) == 0);
        if (noise != Noise.NONE && !drawn) {
            o.noise = tensor(b, "noise", noiseType, total);
        }
        o.seeds = new long[samples];
        for (int i = 0; i < samples; i++) {
            o.seeds[i] = r.nextLong();
        }
        o.preview = preview ? tensor(b, "preview", previewType, total) : null;
        o.inputCopies = Math.max(1, inputCopies);
        o.inputScale = inputScale;
        o.input = inputCopies > 0 ? tensor(b, "input", inputType, total * inputCopies) : null;
        if (mask) {
            o.mask = tensor(b, "mask", state, total);
            o.known = tensor(b, "known", state, total);
            o.knownNoise = knownGiven ? tensor(b, "knownNoise", noiseType, total) : null;
        }
        return b;
    }

    private HostTensor tensor(Built b, String name, DType type, long count) {
        // By name, so that aliases do not change what the others hold.
        SplittableRandom r = new SplittableRandom(contents + name.hashCode());
        long length = count + offset + 2 * GUARD;
        HostTensor whole = switch (memory) {
            case HEAP -> switch (type) {
                case F32 -> HostTensor.of(new float[(int) length]);
                case F64 -> HostTensor.of(new double[(int) length]);
                default -> HostTensor.of(new short[(int) length], type);
            };
            case DIRECT -> HostTensor.of(
                    ByteBuffer.allocateDirect((int) (length * type.bytes())).order(ByteOrder.nativeOrder()), type);
            // Native memory that begins between two elements' natural alignments.
            case NATIVE -> HostTensor.of(Arena.ofAuto()
                    .allocate(length * type.bytes() + 1, 64)
                    .asSlice(offset == 0 ? 0 : 1, length * type.bytes()), type);
        };
        long start = GUARD + offset;
        boolean variance = name.equals("output") && learned();
        for (long i = 0; i < length; i++) {
            double value = special && r.nextInt(4) == 0 ? special(r, type) : r.nextDouble(-3, 3);
            // A variance is not negative; among special values it may be all the same, so that NaN is met.
            whole.setDouble(i, variance && (!special || r.nextInt(64) != 0) ? Math.abs(value) : value);
        }
        HostTensor inner = whole.slice(start, count);
        b.wholes.put(name, whole);
        long[] guards = new long[2 * GUARD + offset];
        for (int i = 0; i < guards.length; i++) {
            guards[i] = bits(whole, i < start ? i : i + count);
        }
        b.untouched.put(name, guards);
        return inner;
    }

    /** What ordinary numbers do not show. */
    private static double special(SplittableRandom r, DType type) {
        double max = switch (type) {
            case F16 -> 65504;
            case F64 -> Double.MAX_VALUE;
            default -> Float.MAX_VALUE;
        };
        double least = switch (type) {
            case F16 -> 0x1p-24;
            case F64 -> Double.MIN_VALUE;
            default -> Float.MIN_VALUE;
        };
        double value = switch (r.nextInt(8)) {
            case 0 -> Double.NaN;
            case 1 -> Double.POSITIVE_INFINITY;
            case 2 -> 0;
            case 3 -> max;
            case 4 -> least;
            case 5 -> least * r.nextInt(1, 1000);
            case 6 -> 1;
            default -> max * r.nextDouble();
        };
        return r.nextBoolean() ? value : -value;
    }

    /** The bits of an element, every NaN being the same. */
    static long bits(HostTensor t, long i) {
        MemorySegment s = t.segment();
        return switch (t.dtype()) {
            case F32 -> Float.floatToIntBits(t.getFloat(i));
            case F64 -> Double.doubleToLongBits(t.getDouble(i));
            default -> {
                short raw = s.get(java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i);
                yield Float.isNaN(t.getFloat(i)) ? 0x7fff : raw;
            }
        };
    }

    /** Runs the row on fresh memory. */
    Built run(Backend backend) {
        Built b = build();
        try (Backend.Workspace w = backend.workspace(samples, elements)) {
            backend.step(params(), b.operands, w);
        }
        return b;
    }

    /** Fails unless all memory is the same and what surrounds the operands is as it was. */
    void assertSame(Built expected, Built actual, String what) {
        for (Map.Entry<String, HostTensor> e : expected.wholes.entrySet()) {
            HostTensor want = e.getValue();
            HostTensor got = actual.wholes.get(e.getKey());
            for (long i = 0; i < want.elements(); i++) {
                if (bits(want, i) != bits(got, i)) {
                    fail(what + ": '" + e.getKey() + "' at " + (i - GUARD - offset) + " is " + got.getDouble(i) + " (0x"
                            + Long.toHexString(bits(got, i)) + ") instead of " + want.getDouble(i) + " (0x"
                            + Long.toHexString(bits(want, i)) + ") in " + this);
                }
            }
            assertGuards(e.getKey(), actual, what);
            assertGuards(e.getKey(), expected, what);
        }
    }

    private void assertGuards(String name, Built b, String what) {
        long[] guards = b.untouched.get(name);
        HostTensor whole = b.wholes.get(name);
        long start = GUARD + offset;
        long count = whole.elements() - guards.length;
        for (int i = 0; i < guards.length; i++) {
            if (guards[i] != bits(whole, i < start ? i : i + count)) {
                fail(what + ": the step wrote beside '" + name + "' in " + this);
            }
        }
    }

    @Override
    public String toString() {
        return "RowCase[contents=" + contents + ", terms=0x" + Integer.toHexString(params().terms) + ", step=" + step()
                + ", clip=" + clip + ", guided=" + guided + ", weight=" + weight + ", noise=" + noise + ", "
                + samples + " x " + elements + ", types " + state + "/" + output + "/" + noiseType + "/" + previewType
                + "/" + inputType + ", preview=" + preview + ", inputCopies=" + inputCopies + ", mask=" + mask
                + ", knownGiven=" + knownGiven + ", " + memory + " + " + offset + ", " + alias + ", special=" + special
                + "]";
    }
}
