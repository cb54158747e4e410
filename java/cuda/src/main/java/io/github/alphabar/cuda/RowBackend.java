// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.BackendException;
import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.cuda.binding.Alphabar;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.lang.ref.Reference;
import java.util.concurrent.atomic.AtomicBoolean;

/** What both backends do with a context of the library: write a row and its operands by address, and hand them over. */
abstract sealed class RowBackend implements Backend permits NativeBackend, CudaBackend {
    private final Context context;
    private final AtomicBoolean closed = new AtomicBoolean();

    RowBackend(Context context) {
        this.context = context;
    }

    /** The address of an operand, or an exception that says which memory this backend takes. */
    abstract long address(String name, Tensor tensor);

    /** Refuses rows that this backend cannot execute. */
    abstract void support(StepParams p, StepOperands o);

    /** Whether the kernels compute in memory that the host does not reach. */
    abstract boolean isDevice();

    /** The stream of what belongs to no workspace; 0 on the host. */
    abstract long stream();

    /** The context while the backend is open. */
    final Context context() {
        if (closed.getAcquire()) {
            throw new IllegalStateException("The backend '" + name() + "' is closed.");
        }
        return context;
    }

    /** Throws where a call of the library failed. */
    final void check(String what, int status) {
        if (status != Alphabar.ALPHABAR_OK) {
            throw new BackendException("The backend '" + name() + "' could not " + what + ": "
                    + Library.lastError(context.address()));
        }
    }

    static void checkShape(int samples, long elements) {
        if (samples < 1 || elements < 0) {
            throw new IllegalArgumentException("A workspace needs at least one sample, but got samples=" + samples
                    + ", elements=" + elements + ".");
        }
    }

    final RowMemory own(Workspace workspace) {
        if (!(workspace instanceof RowMemory memory) || memory.owner != this) {
            throw new IllegalArgumentException("The workspace was made by another backend; ask this one for its own.");
        }
        return memory;
    }

    @Override
    public final void step(StepParams params, StepOperands operands, Workspace workspace) {
        RowMemory memory = own(workspace);
        operands.check(params);
        if (memory.samples < operands.samples) {
            throw new IllegalArgumentException("The workspace was made for " + memory.samples
                    + " samples, but the step has " + operands.samples + ".");
        }
        long open = context().address();
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
        check("execute a row", status);
    }

    /** The address of a tensor that may also be the host's, for a copy. */
    final long anyAddress(String name, Tensor tensor) {
        if (isDevice() && tensor instanceof HostTensor host) {
            if (!host.segment().isNative()) {
                throw new IllegalArgumentException("'" + name + "' is a Java array, which a device cannot reach; use"
                        + " HostTensor.allocate or a direct buffer.");
            }
            return host.segment().address();
        }
        return address(name, tensor);
    }

    @Override
    public final void copy(Tensor from, Tensor to, Workspace workspace) {
        RowMemory memory = own(workspace);
        if (from.dtype() != to.dtype() || from.elements() != to.elements()) {
            throw new IllegalArgumentException("A copy needs equal sizes and types, but got " + from + " and " + to
                    + ".");
        }
        long open = context().address();
        int status = Alphabar.alphabar_copy(open, anyAddress("to", to), anyAddress("from", from),
                from.elements() * from.dtype().bytes(), memory.stream);
        if (status == Alphabar.ALPHABAR_OK && (from instanceof HostTensor || to instanceof HostTensor)) {
            status = Alphabar.alphabar_synchronize(open, memory.stream);
        }
        Reference.reachabilityFence(from);
        Reference.reachabilityFence(to);
        check("copy", status);
    }

    /** Closes the backend; no step may be under way. Closing again does nothing. Memory allocated here stays readable. */
    @Override
    public final void close() {
        if (closed.compareAndSet(false, true)) {
            context.release();
        }
    }
}
