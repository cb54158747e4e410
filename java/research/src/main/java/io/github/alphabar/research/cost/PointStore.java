// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;

/**
 * What a run has finished so far, in a file that outlives it: one line for each result, {@code CRC32 key TAB json}, written by one
 * call. A line that was cut off when the process died does not match its checksum; it and what follows is dropped when the file
 * is opened again. The file is locked while it is open. For one thread at a time.
 */
public final class PointStore implements AutoCloseable {
    private final Path path;
    private final FileChannel channel;
    private final ObjectMapper mapper = new ObjectMapper();
    private final Map<String, JsonNode> found = new LinkedHashMap<>();
    private final int resumed;

    private PointStore(Path path, FileChannel channel) throws IOException {
        this.path = path;
        this.channel = channel;
        long end = read(Files.readAllBytes(path));
        channel.truncate(end);
        channel.position(end);
        resumed = found.size();
    }

    /**
     * Opens a store, with what an earlier run left in it.
     *
     * @param path
     *            the file; made where it does not exist
     * @return the store
     * @throws IOException
     *             where the file cannot be written, or another process has it open
     */
    public static PointStore open(Path path) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock == null) {
                throw new IOException("another run is writing to '" + path + "'; wait for it, or name another folder");
            }
            return new PointStore(path, channel);
        } catch (OverlappingFileLockException e) {
            channel.close();
            throw new IOException("another run is writing to '" + path + "'; wait for it, or name another folder", e);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** Reads whole lines; returns where they end. */
    private long read(byte[] bytes) {
        int end = 0;
        for (int at = 0; at < bytes.length; at++) {
            if (bytes[at] != '\n') {
                continue;
            }
            String line = new String(bytes, end, at - end, StandardCharsets.UTF_8);
            int tab = line.indexOf('\t');
            if (tab < 9 || !line.substring(0, 8).equals(checksum(line.substring(9)))) {
                return end;
            }
            try {
                found.put(line.substring(9, tab), mapper.readTree(line.substring(tab + 1)));
            } catch (JsonProcessingException e) {
                return end;
            }
            end = at + 1;
        }
        return end;
    }

    private static String checksum(String text) {
        CRC32 crc = new CRC32();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return String.format("%08x", crc.getValue());
    }

    /**
     * How many results an earlier run had finished.
     *
     * @return 0 for a new file
     */
    public int resumed() {
        return resumed;
    }

    /**
     * A result.
     *
     * @param key
     *            its name
     * @param type
     *            what it is
     * @param <T>
     *            a record that Jackson can read
     * @return null where it is not finished yet, or was stored in another form
     */
    public <T> T get(String key, Class<T> type) {
        JsonNode node = found.get(key);
        try {
            return node == null ? null : mapper.treeToValue(node, type);
        } catch (JsonProcessingException e) {
            return null;
        }
    }

    /**
     * Keeps a result. It is in the file when this returns.
     *
     * @param key
     *            its name, without tabs and line breaks
     * @param value
     *            a record that Jackson can write
     */
    public void put(String key, Object value) {
        if (key.indexOf('\t') >= 0 || key.indexOf('\n') >= 0) {
            throw new IllegalArgumentException("A key is one line without tabs, but got '" + key + "'.");
        }
        try {
            JsonNode node = mapper.valueToTree(value);
            String text = key + "\t" + mapper.writeValueAsString(node);
            ByteBuffer line = ByteBuffer
                    .wrap((checksum(text) + " " + text + "\n").getBytes(StandardCharsets.UTF_8));
            while (line.hasRemaining()) {
                channel.write(line);
            }
            found.put(key, node);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Closes the file and deletes it: all that it holds has been written elsewhere. */
    public void delete() {
        try {
            Files.delete(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        close();
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
