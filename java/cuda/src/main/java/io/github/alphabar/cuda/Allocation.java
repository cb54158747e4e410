// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import io.github.alphabar.backend.BackendException;
import io.github.alphabar.cuda.binding.Alphabar;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicBoolean;

/** Memory of a context; running it releases the memory, once. */
final class Allocation implements Runnable {
    /** How long the garbage collector's finds are given to be released before memory is asked for again. */
    private static final long PATIENCE_MILLIS = 100;

    private final Context context;
    private final long address;
    private final boolean pinned;
    private final AtomicBoolean released = new AtomicBoolean();

    private Allocation(Context context, long address, boolean pinned) {
        this.context = context;
        this.address = address;
        this.pinned = pinned;
    }

    static Allocation of(Context context, long bytes) {
        return make(context, bytes, false);
    }

    static Allocation pinned(Context context, long bytes) {
        return make(context, bytes, true);
    }

    private static Allocation make(Context context, long bytes, boolean pinned) {
        context.retain();
        try {
            return new Allocation(context, ask(context, bytes, pinned), pinned);
        } catch (RuntimeException e) {
            context.release();
            throw e;
        }
    }

    private static long ask(Context context, long bytes, boolean pinned) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment made = arena.allocate(ValueLayout.JAVA_LONG);
            int status = call(context, bytes, pinned, made);
            if (status == Alphabar.ALPHABAR_OUT_OF_MEMORY) {
                // The garbage collector does not see how much a small Java object holds there.
                System.gc();
                try {
                    Thread.sleep(PATIENCE_MILLIS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                status = call(context, bytes, pinned, made);
            }
            if (status != Alphabar.ALPHABAR_OK) {
                throw new BackendException("Cannot allocate " + bytes + " bytes: "
                        + Library.lastError(context.address()) + " Close trajectories and memory that are done, or use"
                        + " smaller batches.");
            }
            return made.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    private static int call(Context context, long bytes, boolean pinned, MemorySegment made) {
        return pinned ? Alphabar.alphabar_allocate_pinned(context.address(), bytes, made.address())
                : Alphabar.alphabar_allocate(context.address(), bytes, made.address());
    }

    long address() {
        return address;
    }

    @Override
    public void run() {
        if (released.compareAndSet(false, true)) {
            if (pinned) {
                Alphabar.alphabar_release_pinned(context.address(), address);
            } else {
                Alphabar.alphabar_release(context.address(), address);
            }
            context.release();
        }
    }
}
