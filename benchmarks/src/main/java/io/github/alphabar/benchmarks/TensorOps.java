// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.tensor.HostTensor;

/**
 * What a tensor library offers, one pass over memory and one new tensor for each operation.
 *
 * @param <T>
 *            a tensor
 */
public interface TensorOps<T> {

    /**
     * Takes over values, once, before anything is timed.
     *
     * @param values
     *            the values
     * @return a tensor of them
     */
    T tensor(HostTensor values);

    /**
     * Multiplies by a number.
     *
     * @param a
     *            a tensor
     * @param factor
     *            the number
     * @return {@code factor a}
     */
    T mul(T a, double factor);

    /**
     * Divides by a number.
     *
     * @param a
     *            a tensor
     * @param divisor
     *            the number
     * @return {@code a / divisor}
     */
    T div(T a, double divisor);

    /**
     * Adds.
     *
     * @param a
     *            a tensor
     * @param b
     *            a tensor
     * @return {@code a + b}
     */
    T add(T a, T b);

    /**
     * Subtracts.
     *
     * @param a
     *            a tensor
     * @param b
     *            a tensor
     * @return {@code a - b}
     */
    T sub(T a, T b);

    /**
     * Clamps.
     *
     * @param a
     *            a tensor
     * @param range
     *            the largest magnitude
     * @return values from {@code -range} to {@code range}
     */
    T clamp(T a, double range);

    /**
     * Takes one half of a batch of two; a view where the library has views.
     *
     * @param a
     *            a tensor
     * @param half
     *            0 or 1
     * @return that half
     */
    T half(T a, int half);

    /**
     * Draws standard normals.
     *
     * @param elements
     *            how many
     * @return a new tensor
     */
    T randn(long elements);

    /**
     * Copies out.
     *
     * @param a
     *            a tensor
     * @return its values
     */
    HostTensor values(T a);

    /** Ends a step: what it made, except what is still kept, may be freed. */
    void free();

    /** Frees everything. */
    void close();
}
