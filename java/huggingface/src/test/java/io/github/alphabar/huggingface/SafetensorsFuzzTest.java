// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import io.github.alphabar.tensor.HostTensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Damaged files either open, and then all of their tensors read, or throw the one documented exception. */
class SafetensorsFuzzTest {
    private static final int FILES = 20_000;
    /** The files have a few KB, what is read from them some tens of that; the rest is for code that runs for the first time. */
    private static final long MOST_ALLOCATED = 8_000_000;
    private static final String[] SNIPPETS = {"{", "}", "[", "]", "\"", ",", ":", "\\", "\\ud800", "null", "true", "-1",
        "0", "1e9", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551615", "\"F64\"",
        "\"BOOL\"", "\"__metadata__\"", "\"shape\"", "[[[[[[[[[[[[[[[[[[[[[[", "\u0000", "\u03bb", " "};

    @TempDir
    Path directory;

    @Test
    @Timeout(value = 2, unit = TimeUnit.MINUTES)
    void damagedFilesAreReadOrRefused() throws IOException {
        byte[] valid = valid();
        Random random = new Random(20250101);
        Path file = directory.resolve("damaged");
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int opened = 0;
        for (int i = 0; i < FILES; i++) {
            byte[] bytes = damage(valid, random);
            // Some file systems wait for the disk when a file is overwritten, but not when it is new.
            Files.deleteIfExists(file);
            Files.write(file, bytes);
            long before = threads.getCurrentThreadAllocatedBytes();
            try (Safetensors tensors = Safetensors.open(file)) {
                opened++;
                readAll(tensors);
            } catch (SafetensorsException e) {
                assertTrue(e.getMessage().length() < 1000, e.getMessage());
            } catch (IOException | RuntimeException | Error e) {
                fail("File " + i + " threw " + e + ":\n" + new String(bytes, StandardCharsets.ISO_8859_1), e);
            }
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            if (allocated > MOST_ALLOCATED) {
                fail("File " + i + " of " + bytes.length + " bytes allocated " + allocated + " bytes.");
            }
        }
        // Damaged data are valid, most damaged headers are not: both must be met often for the test to mean anything.
        assertTrue(opened > FILES / 10 && opened < FILES / 2, opened + " files opened.");
    }

    private static void readAll(Safetensors tensors) {
        for (String name : tensors.names()) {
            ElementType type = tensors.info(name).type();
            long sum = 0;
            for (byte b : tensors.segment(name).toArray(Safetensors.BYTE)) {
                sum += b;
            }
            if (type.dtype().isPresent()) {
                tensors.toFloatArray(name);
                tensors.toDoubleArray(name);
            } else if (type.highest() >= 0) {
                tensors.toLongArray(name);
            }
            assertTrue(sum < Long.MAX_VALUE);
        }
    }

    private static byte[] damage(byte[] valid, Random random) {
        byte[] bytes = valid.clone();
        int header = (int) ByteBuffer.wrap(valid).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        switch (random.nextInt(7)) {
            case 0 -> flip(bytes, 0, bytes.length, 1 + random.nextInt(4), random);
            case 1 -> flip(bytes, 8, header, 1 + random.nextInt(3), random);
            case 2 -> flip(bytes, 0, 8, 1 + random.nextInt(8), random);
            case 3 -> bytes = Arrays.copyOf(bytes, random.nextInt(2 * bytes.length));
            case 4 -> bytes = edit(bytes, header, random);
            case 5 -> flip(bytes, 8 + header, bytes.length - 8 - header, 1 + random.nextInt(4), random);
            default -> {
                bytes = edit(bytes, header, random);
                flip(bytes, 0, bytes.length, 1, random);
            }
        }
        return bytes;
    }

    private static void flip(byte[] bytes, int from, int count, int flips, Random random) {
        for (int i = 0; i < flips; i++) {
            bytes[from + random.nextInt(count)] ^= (byte) (1 << random.nextInt(8));
        }
    }

    /** Replaces some of the header and corrects its length, so that what comes after the length is tried too. */
    private static byte[] edit(byte[] bytes, int header, Random random) {
        String text = new String(bytes, 8, header, StandardCharsets.ISO_8859_1);
        int from = random.nextInt(header);
        int to = Math.min(header, from + random.nextInt(12));
        String middle = random.nextInt(4) == 0
                ? text.substring(random.nextInt(from + 1), from)
                : SNIPPETS[random.nextInt(SNIPPETS.length)];
        if (Character.isDigit(text.charAt(from)) && random.nextBoolean()) {
            to = from + 1;
            middle = Integer.toString(random.nextInt(10));
        }
        byte[] edited = (text.substring(0, from) + middle + text.substring(to)).getBytes(StandardCharsets.ISO_8859_1);
        return ByteBuffer.allocate(8 + edited.length + bytes.length - 8 - header)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(edited.length)
                .put(edited)
                .put(bytes, 8 + header, bytes.length - 8 - header)
                .array();
    }

    private byte[] valid() throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt")
                .metadata("\u03bb", "\"x\"\n")
                .add("scalar", HostTensor.of(new double[] {1}))
                .add("empty", HostTensor.of(new float[0]), 4, 0);
        for (ElementType type : ElementType.values()) {
            writer.add("t." + type, type, MemorySegment.ofArray(new byte[12 * type.bytes()]), 2, 3, 2);
        }
        Path file = directory.resolve("valid");
        writer.write(file);
        return Files.readAllBytes(file);
    }
}
