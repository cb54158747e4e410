// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.BackendException;
import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.cuda.binding.Alphabar;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.concurrent.atomic.AtomicLong;

/** What both backends do with a context of the library: write a row and its operands by address, and hand them over. */
abstract sealed class RowBackend implements Backend permits NativeBackend, CudaBackend {
    /** The context, or 0 once closed. */
    private final AtomicLong context;

    RowBackend(long context) {
        this.context = new AtomicLong(context);
    }

    /** The address of an operand, or an exception that says which memory this backend takes. */
    abstract long address(String name, Tensor tensor);

    /** Where the kernels find the seeds that were written into host memory. */
    abstract long seedsAddress(MemorySegment seeds);

    /** Refuses rows that this backend cannot execute. */
    abstract void support(StepParams p, StepOperands o);

    static void checkShape(int samples, long elements) {
        if (samples < 1 || elements < 0) {
            throw new IllegalArgumentException("A workspace needs at least one sample, but got samples=" + samples
                    + ", elements=" + elements + ".");
        }
    }

    @Override
    public final void step(StepParams params, StepOperands operands, Workspace workspace) {
        if (!(workspace instanceof RowMemory memory) || memory.owner != this) {
            throw new IllegalArgumentException("The workspace was made by another backend; ask this one for its own.");
        }
        operands.check(params);
        if (memory.samples < operands.samples) {
            throw new IllegalArgumentException("The workspace was made for " + memory.samples
                    + " samples, but the step has " + operands.samples + ".");
        }
        long open = context.getAcquire();
        if (open == 0) {
            throw new IllegalStateException("The backend '" + name() + "' is closed.");
        }
        support(params, operands);
        memory.write(params);
        memory.write(params, operands);
        if (operands.elements == 0) {
            return;
        }
        int status = Alphabar.alphabar_step(open, memory.row.address(), memory.operands.address(), memory.scratch,
                memory.stream);
        // Addresses keep nothing alive.
        Reference.reachabilityFence(operands);
        Reference.reachabilityFence(memory);
        if (status != Alphabar.ALPHABAR_OK) {
            throw new BackendException("The backend '" + name() + "' could not execute a row: "
                    + Library.lastError(open));
        }
    }

    /** Closes the backend; no step may be under way. Closing again does nothing. */
    @Override
    public final void close() {
        long open = context.getAndSet(0);
        if (open != 0) {
            Alphabar.alphabar_destroy(open);
        }
    }
}
