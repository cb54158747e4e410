// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import io.github.alphabar.cuda.binding.Alphabar;
import org.bytedeco.javacpp.Pointer;

/**
 * A stream of a device, for callers who have none; those who do pass theirs to {@link CudaBackend#on(long)}. It does not wait for the
 * legacy default stream.
 */
public final class CudaStream extends CudaObject {
    private CudaStream(CudaBackend backend) {
        super(backend, "create a stream", Alphabar::alphabar_stream_create);
    }

    /**
     * Creates a stream.
     *
     * @param backend
     *            the device
     * @return the stream, to be closed by the caller
     */
    public static CudaStream create(CudaBackend backend) {
        return new CudaStream(backend);
    }

    /**
     * The stream as other libraries take it.
     *
     * @return a cudaStream_t, which is a CUstream, by address
     */
    public long handle() {
        return address();
    }

    /** Waits on the host for what was queued. */
    public void synchronize() {
        backend.check("wait for a stream", Alphabar.alphabar_synchronize(context(), address()));
    }

    /**
     * Lets later work of this stream wait for an event; the host does not wait.
     *
     * @param event
     *            a recorded event
     */
    public void waitFor(CudaEvent event) {
        waitFor(event.address());
    }

    /**
     * Lets later work of this stream wait for an event of another library; the host does not wait.
     *
     * @param event
     *            a {@code CUevent_st} of org.bytedeco:cuda, recorded
     */
    public void waitFor(Pointer event) {
        waitFor(event.address());
    }

    /**
     * Lets later work of this stream wait for an event of another library; the host does not wait.
     *
     * @param event
     *            a cudaEvent_t, which is a CUevent, by address, recorded
     */
    public void waitFor(long event) {
        backend.check("make a stream wait", Alphabar.alphabar_event_wait(context(), event, address()));
    }

    @Override
    int destroy(long context, long address) {
        return Alphabar.alphabar_stream_destroy(context, address);
    }
}
