// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import io.github.alphabar.backend.BackendException;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.DeviceTensor;

/**
 * Memory of a device that is released when this is closed, for those who would rather not wait for the garbage collector. Safe for use
 * by many threads; closing twice does nothing.
 */
public final class DeviceMemory implements AutoCloseable {
    private final Allocation allocation;
    private final DeviceTensor tensor;

    private DeviceMemory(Allocation allocation, DeviceTensor tensor) {
        this.allocation = allocation;
        this.tensor = tensor;
    }

    /**
     * Allocates memory, zeroed.
     *
     * @param backend
     *            the device
     * @param dtype
     *            F32, F16 or BF16
     * @param elements
     *            how many, at least 0
     * @return the memory, aligned to 256 bytes
     * @throws BackendException
     *             where the device has not as much
     */
    public static DeviceMemory allocate(CudaBackend backend, DType dtype, long elements) {
        if (elements < 0) {
            throw new IllegalArgumentException("A tensor needs a size of at least 0, but got " + elements + ".");
        }
        Allocation allocation = Allocation.of(backend.context(), Math.multiplyExact(elements, dtype.bytes()));
        try {
            DeviceTensor tensor = new DeviceTensor(allocation.address(), dtype, elements, backend.device());
            backend.zero(tensor);
            return new DeviceMemory(allocation, tensor);
        } catch (RuntimeException e) {
            allocation.run();
            throw e;
        }
    }

    /**
     * The memory as a tensor.
     *
     * @return not to be used once this is closed
     */
    public DeviceTensor tensor() {
        return tensor;
    }

    Allocation allocation() {
        return allocation;
    }

    /** Releases the memory, once the device has done what was queued. */
    @Override
    public void close() {
        allocation.run();
    }
}
