// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * One row and host memory for its inputs: the same values at every call, each tensor at a multiple of 64 bytes, none of them
 * written by a step. For one thread.
 */
final class Workload implements AutoCloseable {
    static final long SEED = 42;
    static final int DRAW = 10;
    /** Values repeat after this many: a prime, so that a kernel that reads another chunk's element is found out. */
    private static final int PERIOD = 65_521;

    final Row row;
    final DType dtype;
    final long elements;
    final StepParams params;
    final HostTensor x;
    /** The network's output; where guided all unconditional values, then all conditional ones. */
    final HostTensor output;
    final List<HostTensor> history = new ArrayList<>();

    private final Arena arena = Arena.ofShared();

    Workload(Row row, DType dtype, long elements) {
        this.row = row;
        this.dtype = dtype;
        this.elements = elements;
        this.params = row.params(dtype);
        x = params.needsX(false) ? filled(1, elements) : null;
        output = params.needsG(false) ? filled(2, row.isGuided() ? 2 * elements : elements) : null;
        for (int k = 0; k < row.step().history().size(); k++) {
            history.add(filled(3 + k, elements));
        }
    }

    private HostTensor filled(int seed, long count) {
        HostTensor pattern = HostTensor.allocate(arena, dtype, Math.min(PERIOD, count));
        SplittableRandom random = new SplittableRandom(seed);
        for (long i = 0; i < pattern.elements(); i++) {
            pattern.setFloat(i, (float) random.nextDouble(-2, 2));
        }
        HostTensor tensor = HostTensor.allocate(arena, dtype, count);
        MemorySegment all = tensor.segment();
        long period = pattern.segment().byteSize();
        for (long at = 0; at < all.byteSize(); at += period) {
            MemorySegment.copy(pattern.segment(), 0, all, at, Math.min(period, all.byteSize() - at));
        }
        return tensor;
    }

    /** Room for a result, owned by this workload. */
    HostTensor room() {
        return HostTensor.allocate(arena, dtype, elements);
    }

    boolean stores() {
        return params.has(StepParams.STORE);
    }

    /** Operands that read this memory and write to other. */
    StepOperands operands(Tensor out, Tensor store) {
        StepOperands o = shape();
        o.x = x;
        o.output = output;
        o.uncond = row.isGuided() ? output : null;
        o.h0 = history.isEmpty() ? null : history.get(0);
        o.h1 = history.size() < 2 ? null : history.get(1);
        o.h2 = history.size() < 3 ? null : history.get(2);
        o.out = out;
        o.store = store;
        return o;
    }

    private StepOperands shape() {
        StepOperands o = new StepOperands();
        o.samples = 1;
        o.elements = elements;
        o.outputStride = elements;
        o.outputOffset = row.isGuided() ? elements : 0;
        o.seeds = new long[] {SEED};
        o.draw = DRAW;
        return o;
    }

    @Override
    public void close() {
        arena.close();
    }
}
