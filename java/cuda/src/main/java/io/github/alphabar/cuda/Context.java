// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import io.github.alphabar.cuda.binding.Alphabar;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A context of the library, shared by a backend, its views on other streams and the memory they allocated; destroyed when the last of
 * them lets go.
 */
final class Context {
    private final long address;
    private final AtomicInteger users = new AtomicInteger(1);
    /** Made with the first memory that is left to the garbage collector; its thread ends with this object. */
    private Cleaner cleaner;

    Context(long address) {
        this.address = address;
    }

    /** The alphabar_context; only for holders. */
    long address() {
        return address;
    }

    /** Another holder; {@link #release} is its duty. */
    Context retain() {
        if (users.getAndUpdate(n -> n == 0 ? 0 : n + 1) == 0) {
            throw new IllegalStateException("The backend is closed.");
        }
        return this;
    }

    void release() {
        if (users.decrementAndGet() == 0) {
            Alphabar.alphabar_destroy(address);
        }
    }

    synchronized Cleaner cleaner() {
        if (cleaner == null) {
            cleaner = Cleaner.create();
        }
        return cleaner;
    }
}
