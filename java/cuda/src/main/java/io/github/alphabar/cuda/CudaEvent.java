// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import io.github.alphabar.cuda.binding.Alphabar;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A point in a stream that other streams can wait for, and between two of which time is measured. */
public final class CudaEvent extends CudaObject {
    private CudaEvent(CudaBackend backend) {
        super(backend, "create an event", Alphabar::alphabar_event_create);
    }

    /**
     * Creates an event.
     *
     * @param backend
     *            the device
     * @return the event, to be closed by the caller
     */
    public static CudaEvent create(CudaBackend backend) {
        return new CudaEvent(backend);
    }

    /**
     * The event as other libraries take it.
     *
     * @return a cudaEvent_t, which is a CUevent, by address
     */
    public long handle() {
        return address();
    }

    /**
     * Puts the event behind what was queued on a backend's stream.
     *
     * @param on
     *            the backend or a view of it
     */
    public void record(CudaBackend on) {
        backend.check("record an event", Alphabar.alphabar_event_record(context(), address(), on.stream()));
    }

    /**
     * Waits on the host for this event and gives the time since an earlier one.
     *
     * @param start
     *            recorded before this one
     * @return milliseconds on the device
     */
    public double millisecondsSince(CudaEvent start) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(ValueLayout.JAVA_FLOAT);
            backend.check("read the time between events",
                    Alphabar.alphabar_event_elapsed(context(), start.address(), address(), time.address()));
            return time.get(ValueLayout.JAVA_FLOAT, 0);
        }
    }

    @Override
    int destroy(long context, long address) {
        return Alphabar.alphabar_event_destroy(context, address);
    }
}
