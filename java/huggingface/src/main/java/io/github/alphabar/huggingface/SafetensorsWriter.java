// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.github.alphabar.tensor.HostTensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;

/**
 * Collects tensors and writes them as a safetensors file. Mutable; for one thread. Tensors are not copied: what their memory holds
 * when {@link #write} is called is what the file gets.
 *
 * <p>
 * As in the reference implementation the widest elements come first, then names in order, so that every element of the file is
 * aligned to its size; and equal contents give equal bytes.
 */
public final class SafetensorsWriter {
    private static final int CHUNK = 1 << 20;

    /** @param memory in native byte order */
    private record Entry(String name, ElementType type, List<Long> shape, MemorySegment memory) {
    }

    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    /** Begins with no tensors and no metadata. */
    public SafetensorsWriter() {
    }

    /**
     * Adds a string to the file's metadata, instead of the one with the same key.
     *
     * @param key
     *            its key
     * @param value
     *            the string
     * @return this
     */
    public SafetensorsWriter metadata(String key, String value) {
        metadata.put(text(key), text(value));
        return this;
    }

    /**
     * Adds a tensor.
     *
     * @param name
     *            a name not yet used
     * @param tensor
     *            the elements, which stay as they are until the file is written
     * @param shape
     *            dimensions whose product is the number of elements; none for a scalar
     * @return this
     */
    public SafetensorsWriter add(String name, HostTensor tensor, long... shape) {
        return add(name, ElementType.of(tensor.dtype()), tensor.segment(), shape);
    }

    /**
     * Adds a tensor of integers, copied.
     *
     * @param name
     *            a name not yet used
     * @param type
     *            an integer type or BOOL that holds every value; U64 takes the bits
     * @param values
     *            the elements
     * @param shape
     *            dimensions whose product is the number of elements; none for a scalar
     * @return this
     */
    public SafetensorsWriter add(String name, ElementType type, long[] values, long... shape) {
        MemorySegment memory = MemorySegment.ofArray(new byte[Math.multiplyExact(values.length, type.bytes())]);
        for (int i = 0; i < values.length; i++) {
            long value = values[i];
            if (value < type.lowest() || value > type.highest()) {
                throw new IllegalArgumentException("Tensor '" + name + "' has the value " + value + ", but "
                        + (type.highest() < 0 ? type + " is not an integer type."
                                : type + " holds " + type.lowest() + " to " + type.highest() + "."));
            }
            switch (type.bytes()) {
                case 8 -> memory.set(ValueLayout.JAVA_LONG_UNALIGNED, i * 8L, value);
                case 4 -> memory.set(ValueLayout.JAVA_INT_UNALIGNED, i * 4L, (int) value);
                case 2 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, i * 2L, (short) value);
                default -> memory.set(ValueLayout.JAVA_BYTE, i, (byte) value);
            }
        }
        return add(name, type, memory, shape);
    }

    /**
     * Adds a tensor by its memory.
     *
     * @param name
     *            a name not yet used
     * @param type
     *            what the memory holds
     * @param memory
     *            the elements in native byte order, which stay as they are until the file is written; read-only memory will do
     * @param shape
     *            dimensions whose product is the number of elements; none for a scalar
     * @return this
     */
    public SafetensorsWriter add(String name, ElementType type, MemorySegment memory, long... shape) {
        Objects.requireNonNull(type, "type");
        if (text(name).equals(SafetensorsHeader.METADATA) || entries.containsKey(name)) {
            throw new IllegalArgumentException(
                    "A tensor needs a name of its own, but '" + name + "' is taken; choose another.");
        }
        List<Long> dimensions = Arrays.stream(shape).boxed().toList();
        if (shape.length > SafetensorsHeader.MOST_DIMENSIONS || dimensions.stream().anyMatch(d -> d < 0)) {
            throw new IllegalArgumentException("Tensor '" + name + "' needs at most "
                    + SafetensorsHeader.MOST_DIMENSIONS + " dimensions of at least 0, but its shape is " + dimensions
                    + ".");
        }
        long bytes;
        try {
            bytes = SafetensorsHeader.bytes(name, type, dimensions);
        } catch (SafetensorsHeader.Invalid e) {
            throw new IllegalArgumentException(e.getMessage() + ".", e);
        }
        if (bytes != memory.byteSize()) {
            throw new IllegalArgumentException(
                    "Tensor '" + name + "' of " + type + " and shape " + dimensions + " needs "
                            + bytes + " bytes, but its memory has " + memory.byteSize() + ".");
        }
        entries.put(name, new Entry(name, type, dimensions, memory));
        return this;
    }

    /**
     * Writes the file: first under another name in the same directory, then, once it is whole and on the disk, moved in one step
     * to its place. A file that is there already is replaced; if anything fails it is left as it was.
     *
     * @param path
     *            where
     * @throws IOException
     *             if the directory cannot be written
     */
    public void write(Path path) throws IOException {
        List<Entry> sorted = entries.values()
                .stream()
                .sorted(Comparator.comparing((Entry e) -> -e.type().bytes()).thenComparing(Entry::name))
                .toList();
        byte[] header = header(sorted);
        // Not Files.createTempFile: its files are readable by their owner only, and would stay so.
        Path temporary = path.resolveSibling("." + path.getFileName() + "." + UUID.randomUUID() + ".tmp");
        try {
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW,
                    StandardOpenOption.WRITE)) {
                ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
                drain(channel, chunk.putLong(header.length));
                drain(channel, ByteBuffer.wrap(header).position(header.length));
                for (Entry entry : sorted) {
                    write(channel, chunk, entry);
                }
                channel.force(true);
            }
            Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static void write(FileChannel channel, ByteBuffer chunk, Entry entry) throws IOException {
        ValueLayout stored = Safetensors.layout(entry.type());
        MemorySegment target = MemorySegment.ofBuffer(chunk.clear());
        long size = entry.memory().byteSize();
        for (long done = 0; done < size; done += CHUNK) {
            long bytes = Math.min(CHUNK, size - done);
            MemorySegment.copy(entry.memory(), stored.withOrder(ByteOrder.nativeOrder()), done, target, stored, 0,
                    bytes / entry.type().bytes());
            drain(channel, chunk.position((int) bytes));
        }
    }

    private static void drain(FileChannel channel, ByteBuffer filled) throws IOException {
        filled.flip();
        while (filled.hasRemaining()) {
            channel.write(filled);
        }
        filled.clear();
    }

    private byte[] header(List<Entry> sorted) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = new JsonFactory().createGenerator(bytes)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writeObjectFieldStart(SafetensorsHeader.METADATA);
                for (Map.Entry<String, String> entry : metadata.entrySet()) {
                    json.writeStringField(entry.getKey(), entry.getValue());
                }
                json.writeEndObject();
            }
            long offset = 0;
            for (Entry entry : sorted) {
                json.writeObjectFieldStart(entry.name());
                json.writeStringField("dtype", entry.type().name());
                json.writeArrayFieldStart("shape");
                for (long dimension : entry.shape()) {
                    json.writeNumber(dimension);
                }
                json.writeEndArray();
                json.writeArrayFieldStart("data_offsets");
                json.writeNumber(offset);
                offset = Math.addExact(offset, entry.memory().byteSize());
                json.writeNumber(offset);
                json.writeEndArray();
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        // The data begin at a multiple of 8.
        while (bytes.size() % 8 != 0) {
            bytes.write(' ');
        }
        if (bytes.size() > SafetensorsHeader.MOST_BYTES) {
            throw new IllegalStateException("The names and shapes need a header of " + bytes.size()
                    + " bytes, but the format allows " + SafetensorsHeader.MOST_BYTES + "; write several files.");
        }
        return bytes.toByteArray();
    }

    /** Checks that UTF-8 can tell a string: a lone surrogate has no bytes. */
    private static String text(String value) {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(value)) {
            throw new IllegalArgumentException(
                    "Names and metadata are Unicode text, but '" + value + "' has half of a surrogate pair.");
        }
        return value;
    }
}
