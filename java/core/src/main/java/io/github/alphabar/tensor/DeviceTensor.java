// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.tensor;

/**
 * Memory of an accelerator, by address. The caller keeps it alive and orders its use by a stream.
 *
 * @param address
 *            the device address, not 0
 * @param dtype
 *            the element type; F64 is not for devices
 * @param elements
 *            the number of elements
 * @param device
 *            the ordinal of the device
 */
public record DeviceTensor(long address, DType dtype, long elements, int device) implements Tensor {

    /** Checks the address and the sizes. */
    public DeviceTensor {
        if (address == 0 || elements < 0 || device < 0) {
            throw new IllegalArgumentException(
                    "A device tensor needs an address, a size of at least 0 and an ordinal, but got address="
                            + address + ", elements=" + elements + ", device=" + device + ".");
        }
    }
}
