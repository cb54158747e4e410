// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.tensor;

/**
 * A contiguous run of elements somewhere in memory. Shapes are the caller's business: a batch of N samples of n elements is N n
 * elements, sample after sample.
 */
public sealed interface Tensor permits HostTensor, DeviceTensor {

    /**
     * The element type.
     *
     * @return the type
     */
    DType dtype();

    /**
     * The number of elements.
     *
     * @return at least 0
     */
    long elements();
}
