// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.backend.HostBackend.Chunk;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Where a vector kernel finds the floats of a block: in the caller's memory where that holds F32, else in scratch memory of the
 * block's size that is widened before and narrowed after. One for each thread; scratch memory is made when first needed and kept.
 */
final class VectorBlock {
    /** Elements of a staged block: fifteen operands at most, which stay in the second-level cache, and usually two or three. */
    static final int SIZE = 1024;

    private static final int X = 0;
    private static final int G = 1;
    private static final int U = 2;
    private static final int H0 = 3;
    private static final int H1 = 4;
    private static final int H2 = 5;
    private static final int STD = 6;
    private static final int OUT = 7;
    private static final int STORE = 8;
    private static final int PREVIEW = 9;
    private static final int INPUT = 10;
    private static final int MASK = 11;
    private static final int KNOWN = 12;
    private static final int NOISE = 13;
    private static final int KNOWN_NOISE = 14;

    /** Native like the tensors: one kind of memory in a loop keeps its accesses plain. */
    private final MemorySegment[] scratch = new MemorySegment[15];
    private long start;

    MemorySegment xs;
    MemorySegment gs;
    MemorySegment us;
    MemorySegment h0s;
    MemorySegment h1s;
    MemorySegment h2s;
    MemorySegment zs;
    MemorySegment stds;
    MemorySegment outs;
    MemorySegment stores;
    MemorySegment previews;
    MemorySegment inputs;
    MemorySegment masks;
    MemorySegment knowns;
    MemorySegment knownNoises;
    long x;
    long g;
    long u;
    long h0;
    long h1;
    long h2;
    long z;
    long std;
    long out;
    long store;
    long preview;
    long input;
    long second;
    long mask;
    long known;
    long knownNoise;
    double threshold;

    /** Whether any operand has to be widened or narrowed, or a standard deviation computed: then blocks are at most SIZE long. */
    static boolean isStaged(StepParams p, StepOperands o) {
        boolean reads = p.needsG(o.preview != null) || p.has(StepParams.LEARNED | StepParams.LEARNED_LOG);
        return narrow(o.out) || (reads && narrow(o.output)) || narrow(o.preview) || narrow(o.input) || narrow(o.noise)
                || narrow(o.knownNoise) || p.has(StepParams.LEARNED | StepParams.LEARNED_LOG);
    }

    private static boolean narrow(Tensor tensor) {
        return tensor != null && tensor.dtype() != DType.F32;
    }

    /** Finds or widens what the row reads, and finds where it may write. */
    void open(VectorBackend.StageKernel stage, StepParams p, StepOperands o, Chunk c, long from, int count) {
        boolean previewed = o.preview != null;
        long state = c.state + from;
        threshold = c.threshold;
        if (p.needsX(previewed)) {
            xs = read(stage, X, o.x, state, count);
            x = start;
        }
        if (p.needsG(previewed)) {
            gs = read(stage, G, o.output, c.output + from, count);
            g = start;
            if (p.has(StepParams.GUIDED)) {
                us = read(stage, U, o.uncond, c.uncond + from, count);
                u = start;
            }
        }
        if (p.has(StepParams.H0)) {
            h0s = read(stage, H0, o.h0, state, count);
            h0 = start;
        }
        if (p.has(StepParams.H1)) {
            h1s = read(stage, H1, o.h1, state, count);
            h1 = start;
        }
        if (p.has(StepParams.H2)) {
            h2s = read(stage, H2, o.h2, state, count);
            h2 = start;
        }
        if (p.needsNoise()) {
            zs = read(stage, NOISE, c.noise, c.noiseBase + from, count);
            z = start;
        }
        if (p.has(StepParams.LEARNED | StepParams.LEARNED_LOG)) {
            MemorySegment values = room(STD);
            stage.widen((HostTensor) o.output, c.output + o.elements + from, values, count);
            if (p.has(StepParams.LEARNED)) {
                stage.sqrt(values, count);
            } else {
                stage.expLine(values, count, (float) p.varianceFactor, (float) p.varianceOffset);
            }
            stds = scratch[STD];
            std = 0;
        }
        if (o.mask != null) {
            masks = read(stage, MASK, o.mask, state, count);
            mask = start;
            knowns = read(stage, KNOWN, o.known, state, count);
            known = start;
            if (p.knownSigma != 0) {
                knownNoises = read(stage, KNOWN_NOISE, c.knownNoise, c.knownNoiseBase + from, count);
                knownNoise = start;
            }
        }
        outs = write(OUT, o.out, state);
        out = start;
        if (p.has(StepParams.STORE)) {
            stores = write(STORE, o.store, state);
            store = start;
        }
        if (previewed) {
            previews = write(PREVIEW, o.preview, state);
            preview = start;
        }
        if (o.input != null) {
            inputs = write(INPUT, o.input, state);
            input = start;
            second = start + o.samples * o.elements;
        }
    }

    /** Narrows what the row wrote. */
    void close(VectorBackend.StageKernel stage, StepParams p, StepOperands o, Chunk c, long from, int count) {
        long state = c.state + from;
        if (narrow(o.out)) {
            stage.narrow(scratch[OUT], (HostTensor) o.out, state, count);
            if (p.has(StepParams.STORE)) {
                stage.narrow(scratch[STORE], (HostTensor) o.store, state, count);
            }
        }
        if (narrow(o.preview)) {
            stage.narrow(scratch[PREVIEW], (HostTensor) o.preview, state, count);
        }
        if (narrow(o.input)) {
            stage.narrow(scratch[INPUT], (HostTensor) o.input, state, count);
            if (o.inputCopies == 2) {
                stage.narrow(scratch[INPUT], (HostTensor) o.input, o.samples * o.elements + state, count);
            }
        }
    }

    private MemorySegment read(VectorBackend.StageKernel stage, int place, Tensor tensor, long at, int count) {
        HostTensor host = (HostTensor) tensor;
        if (host.dtype() == DType.F32) {
            start = at;
            return host.segment();
        }
        stage.widen(host, at, room(place), count);
        start = 0;
        return scratch[place];
    }

    private MemorySegment write(int place, Tensor tensor, long at) {
        if (tensor.dtype() == DType.F32) {
            start = at;
            return ((HostTensor) tensor).segment();
        }
        room(place);
        start = 0;
        return scratch[place];
    }

    private MemorySegment room(int place) {
        if (scratch[place] == null) {
            scratch[place] = Arena.ofAuto().allocate(4L * SIZE, 64);
        }
        return scratch[place];
    }
}
