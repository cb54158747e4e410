// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.Buffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Objects;

/**
 * A view of host memory. Wrapping never copies: what a step writes is what the array, buffer or segment holds. The view itself is
 * immutable; its memory is not, and who shares it between threads orders the accesses. Elements are in native byte order.
 */
public final class HostTensor implements Tensor {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    private final MemorySegment segment;
    private final DType dtype;
    private final long elements;

    private HostTensor(MemorySegment segment, DType dtype) {
        this.segment = Objects.requireNonNull(segment, "segment");
        this.dtype = Objects.requireNonNull(dtype, "dtype");
        if (segment.byteSize() % dtype.bytes() != 0) {
            throw new IllegalArgumentException(
                    "A tensor of " + dtype + " needs a whole number of elements of " + dtype.bytes()
                            + " bytes, but the memory has " + segment.byteSize() + " bytes.");
        }
        this.elements = segment.byteSize() / dtype.bytes();
    }

    /**
     * Views an array as F32.
     *
     * @param array
     *            the memory
     * @return a view of all of it
     */
    public static HostTensor of(float[] array) {
        return new HostTensor(MemorySegment.ofArray(array), DType.F32);
    }

    /**
     * Views an array as F64.
     *
     * @param array
     *            the memory
     * @return a view of all of it
     */
    public static HostTensor of(double[] array) {
        return new HostTensor(MemorySegment.ofArray(array), DType.F64);
    }

    /**
     * Views an array as F16 or BF16.
     *
     * @param array
     *            the bits
     * @param dtype
     *            F16 or BF16
     * @return a view of all of it
     */
    public static HostTensor of(short[] array, DType dtype) {
        if (dtype.bytes() != 2) {
            throw new IllegalArgumentException("A short[] holds F16 or BF16, but " + dtype + " was asked for.");
        }
        return new HostTensor(MemorySegment.ofArray(array), dtype);
    }

    /**
     * Views the rest of a buffer, from its position to its limit.
     *
     * @param buffer
     *            a direct or array-backed buffer that is not read-only, in native byte order
     * @param dtype
     *            what its bytes are
     * @return a view
     */
    public static HostTensor of(Buffer buffer, DType dtype) {
        ByteOrder order = switch (buffer) {
            case java.nio.ByteBuffer _ -> ByteOrder.nativeOrder();
            case FloatBuffer b -> b.order();
            case java.nio.ShortBuffer b -> b.order();
            case java.nio.DoubleBuffer b -> b.order();
            default -> throw new IllegalArgumentException(
                    "A tensor views a buffer of bytes, shorts, floats or doubles, but got "
                            + buffer.getClass().getSimpleName() + ".");
        };
        if (order != ByteOrder.nativeOrder()) {
            throw new IllegalArgumentException("A tensor views elements in native byte order ("
                    + ByteOrder.nativeOrder()
                    + "), but the buffer is " + order + "; set the order of its ByteBuffer before taking the view.");
        }
        return of(MemorySegment.ofBuffer(buffer), dtype);
    }

    /**
     * Views a segment, native or heap.
     *
     * @param segment
     *            the memory, writable; the caller keeps its arena open
     * @param dtype
     *            what its bytes are
     * @return a view of all of it
     */
    public static HostTensor of(MemorySegment segment, DType dtype) {
        if (segment.isReadOnly()) {
            throw new IllegalArgumentException(
                    "A tensor needs memory it may write, but the memory given is read-only.");
        }
        return new HostTensor(segment, dtype);
    }

    /**
     * Allocates native memory, zeroed and aligned to 64 bytes, that lives as long as the arena.
     *
     * @param arena
     *            the owner
     * @param dtype
     *            the element type
     * @param elements
     *            how many
     * @return a tensor
     */
    public static HostTensor allocate(Arena arena, DType dtype, long elements) {
        return new HostTensor(arena.allocate(Math.multiplyExact(elements, (long) dtype.bytes()), 64), dtype);
    }

    /**
     * Allocates native memory that the garbage collector frees.
     *
     * @param dtype
     *            the element type
     * @param elements
     *            how many
     * @return a tensor
     */
    public static HostTensor allocate(DType dtype, long elements) {
        return allocate(Arena.ofAuto(), dtype, elements);
    }

    /**
     * A part of this view.
     *
     * @param from
     *            the first element
     * @param count
     *            how many
     * @return a view of the same memory
     */
    public HostTensor slice(long from, long count) {
        return new HostTensor(segment.asSlice(from * dtype.bytes(), count * dtype.bytes()), dtype);
    }

    /**
     * The memory.
     *
     * @return the segment viewed
     */
    public MemorySegment segment() {
        return segment;
    }

    @Override
    public DType dtype() {
        return dtype;
    }

    @Override
    public long elements() {
        return elements;
    }

    /**
     * Reads an element, widened exactly where it is F16 or BF16 and rounded where it is F64.
     *
     * @param index
     *            0 .. elements() - 1
     * @return its value
     */
    public float getFloat(long index) {
        return switch (dtype) {
            case F32 -> segment.get(FLOAT, index * 4);
            case F16 -> Float.float16ToFloat(segment.get(SHORT, index * 2));
            case BF16 -> DType.bf16ToFloat(segment.get(SHORT, index * 2));
            case F64 -> (float) segment.get(DOUBLE, index * 8);
        };
    }

    /**
     * Reads an element in double.
     *
     * @param index
     *            0 .. elements() - 1
     * @return its value
     */
    public double getDouble(long index) {
        return dtype == DType.F64 ? segment.get(DOUBLE, index * 8) : getFloat(index);
    }

    /**
     * Writes an element, rounding once to nearest even.
     *
     * @param index
     *            0 .. elements() - 1
     * @param value
     *            the value
     */
    public void setFloat(long index, float value) {
        switch (dtype) {
            case F32 -> segment.set(FLOAT, index * 4, value);
            case F16 -> segment.set(SHORT, index * 2, Float.floatToFloat16(value));
            case BF16 -> segment.set(SHORT, index * 2, DType.floatToBf16(value));
            case F64 -> segment.set(DOUBLE, index * 8, value);
        }
    }

    /**
     * Writes an element; into a narrower type by way of float.
     *
     * @param index
     *            0 .. elements() - 1
     * @param value
     *            the value
     */
    public void setDouble(long index, double value) {
        if (dtype == DType.F64) {
            segment.set(DOUBLE, index * 8, value);
        } else {
            setFloat(index, (float) value);
        }
    }

    /**
     * Copies the elements of another tensor, converting where the types differ.
     *
     * @param source
     *            as many elements as this
     */
    public void copyFrom(HostTensor source) {
        if (source.elements != elements) {
            throw new IllegalArgumentException(
                    "A copy needs equal sizes, but this tensor has " + elements + " elements and the source "
                            + source.elements + ".");
        }
        if (source.dtype == dtype) {
            segment.copyFrom(source.segment);
        } else {
            for (long i = 0; i < elements; i++) {
                setDouble(i, source.getDouble(i));
            }
        }
    }

    /**
     * Copies the elements out.
     *
     * @return as floats
     */
    public float[] toFloatArray() {
        float[] values = new float[Math.toIntExact(elements)];
        of(values).copyFrom(this);
        return values;
    }

    /**
     * Copies the elements out.
     *
     * @return as doubles
     */
    public double[] toDoubleArray() {
        double[] values = new double[Math.toIntExact(elements)];
        of(values).copyFrom(this);
        return values;
    }

    @Override
    public String toString() {
        return "HostTensor[" + dtype + ", " + elements + " elements]";
    }
}
