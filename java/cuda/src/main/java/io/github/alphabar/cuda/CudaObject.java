// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicBoolean;

/** Something of a device that the library made, known by its address, destroyed once. */
abstract sealed class CudaObject implements AutoCloseable permits CudaStream, CudaEvent, CudaGraph {
    final CudaBackend backend;
    private final Context context;
    private final long address;
    private final AtomicBoolean closed = new AtomicBoolean();

    /** A function of the library that writes what it made into memory. */
    interface Maker {
        int make(long context, long made);
    }

    CudaObject(CudaBackend backend, String what, Maker maker) {
        this.backend = backend;
        this.context = backend.context().retain();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment made = arena.allocate(ValueLayout.JAVA_LONG);
            backend.check(what, maker.make(context.address(), made.address()));
            this.address = made.get(ValueLayout.JAVA_LONG, 0);
        } catch (RuntimeException e) {
            context.release();
            throw e;
        }
    }

    final long address() {
        if (closed.getAcquire()) {
            throw new IllegalStateException("This " + getClass().getSimpleName() + " is closed.");
        }
        return address;
    }

    final long context() {
        return context.address();
    }

    abstract int destroy(long context, long address);

    /** Destroys it once the device has done with it. Closing again does nothing. */
    @Override
    public final void close() {
        if (closed.compareAndSet(false, true)) {
            destroy(context.address(), address);
            context.release();
        }
    }
}
