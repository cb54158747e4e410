// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import java.util.Optional;

/** Finds and opens what people use instead of a backend; others than the built-in ones are registered as services. */
public interface Peer {

    /**
     * The peer's name.
     *
     * @return as the option {@code --backends} takes it, for instance {@code op-by-op}
     */
    String name();

    /**
     * Why it cannot run here.
     *
     * @return one sentence with the remedy, or empty if it can
     */
    Optional<String> unavailable();

    /**
     * Opens it for a row.
     *
     * @param task
     *            the row and its inputs, which stay alive until the contender is closed
     * @param threads
     *            the most threads to use
     * @return the contender, to be closed by the caller
     * @throws UnsupportedOperationException
     *             for a row, type or number of threads it does not do
     */
    Contender open(Task task, int threads);
}
