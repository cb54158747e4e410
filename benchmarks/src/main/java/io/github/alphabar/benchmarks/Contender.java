// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.tensor.HostTensor;

/** Something that executes one row, again and again on the same inputs: a backend, or what people use instead. For one thread. */
public interface Contender extends AutoCloseable {

    /** Executes the row; this is what is timed. */
    void step();

    /**
     * Executes the row with the noise every other contender gets, where it draws noise of its own in {@link #step()}. The result is
     * compared before anything is timed.
     */
    default void comparableStep() {
        step();
    }

    /**
     * The state after the last step.
     *
     * @return a copy in host memory, or the memory itself
     */
    HostTensor out();

    /**
     * What the row stored at the last step.
     *
     * @return a copy in host memory, the memory itself, or null where the row stores nothing
     */
    HostTensor store();

    /** How near the scalar backend's result its own has to be. */
    enum Match {
        /** Equal bits, as every backend promises. */
        BITS,
        /** Within the roundings of a formula that is executed operation by operation. */
        ROUNDINGS,
        /** Mean and variance only: normals of another generator. */
        MOMENTS
    }

    /**
     * How near the scalar backend's result its own has to be.
     *
     * @return the rule
     */
    Match match();

    @Override
    void close();
}
