// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Set;

/**
 * A safetensors file, mapped into memory and read-only:
 *
 * <pre>
 * 8 bytes    N, little-endian
 * N bytes    JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ...,
 *                   "__metadata__": {"key": "string", ...}}, padded with spaces
 * the rest   the elements, little-endian; offsets count from here
 * </pre>
 *
 * Everything is checked when the file is opened, as strictly as by the reference implementation: the tensors must cover the data
 * without overlaps, holes or a rest. What breaks a rule is a {@link SafetensorsException}, whatever the bytes; reading the tensors
 * of a file that was opened does not fail. (Unless another process cuts the file short meanwhile, which no mapping survives.)
 *
 * <p>
 * Any thread may read, at once. Closing unmaps the file: segments taken from it are dead then, copies are not.
 */
public final class Safetensors implements AutoCloseable {
    static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path path;
    private final Arena arena;
    private final MemorySegment data;
    private final SafetensorsHeader header;

    private Safetensors(Path path, Arena arena) throws IOException {
        this.path = path;
        this.arena = arena;
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size < 8) {
                throw new SafetensorsHeader.Invalid("it has " + size
                        + " bytes, but a safetensors file begins with 8 bytes that tell the size of its header");
            }
            MemorySegment file = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
            long length = file.get(LONG, 0);
            if (length < 0 || length > SafetensorsHeader.MOST_BYTES) {
                throw new SafetensorsHeader.Invalid("its first 8 bytes tell of a header of "
                        + Long.toUnsignedString(length) + " bytes, but the most is " + SafetensorsHeader.MOST_BYTES
                        + "; the file is damaged or of another format");
            }
            if (length > size - 8) {
                throw new SafetensorsHeader.Invalid("its first 8 bytes tell of a header of " + length
                        + " bytes, but only " + (size - 8) + " follow; it is cut short or of another format");
            }
            data = file.asSlice(8 + length);
            header = SafetensorsHeader.parse(file.asSlice(8, length).toArray(BYTE), data.byteSize());
        } catch (SafetensorsHeader.Invalid e) {
            throw new SafetensorsException(path + " is not a valid safetensors file: " + e.getMessage() + ".", e);
        }
    }

    /**
     * Maps a file and checks all of its header.
     *
     * @param path
     *            the file
     * @return the open file; the caller closes it
     * @throws SafetensorsException
     *             if the file breaks a rule of the format
     * @throws IOException
     *             if the file cannot be opened or mapped
     */
    public static Safetensors open(Path path) throws IOException {
        Arena arena = Arena.ofShared();
        try {
            return new Safetensors(path, arena);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /**
     * The names of the tensors.
     *
     * @return in the order of the header
     */
    public Set<String> names() {
        return header.tensors().keySet();
    }

    /**
     * The file's own strings, the header's {@code __metadata__}.
     *
     * @return in the order of the header; empty where there are none
     */
    public Map<String, String> metadata() {
        return header.metadata();
    }

    /**
     * What the file says of a tensor.
     *
     * @param name
     *            one of {@link #names()}
     * @return its type, shape and place
     */
    public TensorInfo info(String name) {
        TensorInfo info = header.tensors().get(name);
        if (info == null) {
            throw new IllegalArgumentException(path + " has no tensor '" + name + "'; it has "
                    + (names().size() <= 20 ? names().toString() : names().size() + " others") + ".");
        }
        return info;
    }

    /**
     * The bytes of a tensor, without a copy.
     *
     * @param name
     *            one of {@link #names()}
     * @return a read-only view, little-endian and of any alignment, that ends with {@link #close()}
     */
    public MemorySegment segment(String name) {
        TensorInfo info = info(name);
        return data.asSlice(info.begin(), info.end() - info.begin());
    }

    /**
     * Copies a tensor of F32, F64, F16 or BF16 into memory of its own, which the garbage collector frees.
     *
     * @param name
     *            one of {@link #names()}
     * @return the same elements, writable
     */
    public HostTensor tensor(String name) {
        DType dtype = dtype(name);
        HostTensor tensor = HostTensor.allocate(dtype, info(name).elements());
        ValueLayout stored = layout(info(name).type());
        MemorySegment.copy(segment(name), stored, 0, tensor.segment(), stored.withOrder(ByteOrder.nativeOrder()), 0,
                tensor.elements());
        return tensor;
    }

    /**
     * Copies a tensor of F32, F16, BF16, or of F64 with rounding.
     *
     * @param name
     *            one of {@link #names()}
     * @return the elements
     */
    public float[] toFloatArray(String name) {
        size(name);
        return tensor(name).toFloatArray();
    }

    /**
     * Copies a tensor of F64, F32, F16 or BF16, all of them exact in double.
     *
     * @param name
     *            one of {@link #names()}
     * @return the elements
     */
    public double[] toDoubleArray(String name) {
        size(name);
        return tensor(name).toDoubleArray();
    }

    /**
     * Copies a tensor of integers.
     *
     * @param name
     *            one of {@link #names()}
     * @return the elements of I64, I32, I16, I8, U32, U16, U8 and BOOL by their value, and of U64 by their bits
     */
    public long[] toLongArray(String name) {
        ElementType type = info(name).type();
        if (type.highest() < 0) {
            throw new IllegalArgumentException("Tensor '" + name + "' holds " + type
                    + ", not integers; read it with toDoubleArray, or its bytes with segment.");
        }
        MemorySegment bytes = segment(name);
        long[] values = new long[size(name)];
        for (int i = 0; i < values.length; i++) {
            values[i] = switch (type.bytes()) {
                case 8 -> bytes.get(LONG, i * 8L);
                case 4 -> bytes.get(INT, i * 4L);
                case 2 -> bytes.get(SHORT, i * 2L);
                default -> bytes.get(BYTE, i);
            };
            if (type.lowest() == 0) {
                values[i] &= -1L >>> (64 - 8 * type.bytes());
            }
        }
        return values;
    }

    /** Unmaps the file; a second call does nothing. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    @Override
    public String toString() {
        return "Safetensors[" + path + ", " + names().size() + " tensors]";
    }

    /** An element as a file holds it: little-endian and of any alignment. */
    static ValueLayout layout(ElementType type) {
        return switch (type.bytes()) {
            case 8 -> LONG;
            case 4 -> INT;
            case 2 -> SHORT;
            default -> BYTE;
        };
    }

    private DType dtype(String name) {
        ElementType type = info(name).type();
        return type.dtype()
                .orElseThrow(() -> new IllegalArgumentException("Tensor '" + name + "' holds " + type
                        + ", but only F64, F32, F16 and BF16 are read as floating-point numbers; read integers with toLongArray,"
                        + " or the bytes with segment."));
    }

    private int size(String name) {
        long elements = info(name).elements();
        if (elements > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("Tensor '" + name + "' has " + elements
                    + " elements, more than an array holds; read it with tensor or segment.");
        }
        return (int) elements;
    }
}
