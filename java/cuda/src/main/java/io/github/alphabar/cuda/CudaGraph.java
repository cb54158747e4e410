// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import io.github.alphabar.backend.BackendException;
import io.github.alphabar.cuda.binding.Alphabar;

/**
 * Work of a stream that was recorded once and is replayed by one launch: the network of an engine and a step of ours.
 *
 * <pre>{@code
 * TableTrajectory t = ...;                       // on a view of the engine's stream
 * CudaGraph graph = CudaGraph.capture(cuda, () -> {
 *     engine.enqueue(t.modelInput(), t.times(), output);
 *     t.step();
 * });
 * t.start();
 * for (int i = 0; i < t.steps(); i++) {
 *     graph.launch(cuda);
 * }
 * }</pre>
 *
 * What is recorded may neither allocate nor wait; a first call outside the capture lets an engine do both.
 */
public final class CudaGraph extends CudaObject {
    private CudaGraph(CudaBackend on) {
        super(on, "record a graph", (context, made) -> Alphabar.alphabar_capture_end(context, on.stream(), made));
    }

    /**
     * Records what a piece of code queues on a backend's stream, without executing it.
     *
     * @param on
     *            a view on a stream other than the legacy default one
     * @param work
     *            queues on that stream, from the calling thread
     * @return the graph, to be closed by the caller
     * @throws BackendException
     *             where something in it cannot be recorded
     */
    public static CudaGraph capture(CudaBackend on, Runnable work) {
        if (on.stream() == 0) {
            throw new IllegalArgumentException("The legacy default stream cannot be recorded; use"
                    + " CudaBackend.on(CudaStream.create(backend)).");
        }
        on.check("begin a capture", Alphabar.alphabar_capture_begin(on.context().address(), on.stream()));
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            try {
                // The stream must not be left recording.
                new CudaGraph(on).close();
            } catch (BackendException spoiled) {
                e.addSuppressed(spoiled);
            }
            throw e;
        }
        return new CudaGraph(on);
    }

    /**
     * Queues the recorded work on a backend's stream.
     *
     * @param on
     *            the backend or a view of it
     */
    public void launch(CudaBackend on) {
        backend.check("launch a graph", Alphabar.alphabar_graph_launch(context(), address(), on.stream()));
    }

    @Override
    int destroy(long context, long address) {
        return Alphabar.alphabar_graph_destroy(context, address);
    }
}
