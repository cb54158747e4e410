// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import java.util.List;

/**
 * What a safetensors file says of a tensor.
 *
 * @param type
 *            the element type
 * @param shape
 *            the dimensions, the last one contiguous; empty for a scalar
 * @param begin
 *            the first byte, counted from the end of the header
 * @param end
 *            the byte after the last
 */
public record TensorInfo(ElementType type, List<Long> shape, long begin, long end) {

    /** Takes a copy of the shape. */
    public TensorInfo {
        shape = List.copyOf(shape);
    }

    /**
     * The number of elements.
     *
     * @return the product of the dimensions; 1 for a scalar
     */
    public long elements() {
        return (end - begin) / type.bytes();
    }
}
