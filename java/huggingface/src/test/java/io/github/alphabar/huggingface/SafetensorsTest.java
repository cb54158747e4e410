// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SafetensorsTest {
    private static final ElementType[] INTEGERS = {ElementType.I64, ElementType.I32, ElementType.I16, ElementType.I8,
        ElementType.U64, ElementType.U32, ElementType.U16, ElementType.U8, ElementType.BOOL};

    @TempDir
    Path directory;

    @Test
    void floatsRoundTripByTheirBits() throws IOException {
        float[] floats = {0f, -0f, 1.5f, Float.MIN_VALUE, Float.NaN, Float.NEGATIVE_INFINITY};
        double[] doubles = {Math.PI, -0.0, Double.MIN_VALUE, Double.MAX_VALUE, Double.NaN, 1};
        short[] halves = {0x3c00, (short) 0x8000, 1, 0x7bff, 0x7c00, (short) 0xc000};
        Path file = write(new SafetensorsWriter().add("f32", HostTensor.of(floats), 2, 3)
                .add("f64", HostTensor.of(doubles), 6)
                .add("f16", HostTensor.of(halves, DType.F16), 3, 1, 2)
                .add("bf16", HostTensor.of(halves, DType.BF16), 6));
        try (Safetensors tensors = Safetensors.open(file)) {
            assertEquals(List.of("f64", "f32", "bf16", "f16"), List.copyOf(tensors.names()));
            assertEquals(new TensorInfo(ElementType.F32, List.of(2L, 3L), 48, 72), tensors.info("f32"));
            assertArrayEquals(floats, tensors.toFloatArray("f32"));
            assertArrayEquals(doubles, tensors.toDoubleArray("f64"));
            assertArrayEquals(new double[] {1, -0.0, 0x1p-24, 65504, Double.POSITIVE_INFINITY, -2},
                    tensors.toDoubleArray("f16"));
            assertEquals(DType.BF16, tensors.tensor("bf16").dtype());
            for (String name : tensors.names()) {
                assertEquals(6, tensors.info(name).elements());
                assertEquals(6, tensors.tensor(name).elements());
            }
            assertEquals(-1, HostTensor.of(halves, DType.BF16).segment().mismatch(tensors.tensor("bf16").segment()));
        }
    }

    @Test
    void integersRoundTripToTheEndsOfTheirRanges() throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter();
        for (ElementType type : INTEGERS) {
            writer.add(type.name(), type, new long[] {type.lowest(), 0, 1, type.highest()}, 4);
        }
        try (Safetensors tensors = Safetensors.open(write(writer))) {
            for (ElementType type : INTEGERS) {
                assertArrayEquals(new long[] {type.lowest(), 0, 1, type.highest()}, tensors.toLongArray(type.name()));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void scalarsAndEmptyTensorsOfEveryTypeRoundTrip(ElementType type) throws IOException {
        MemorySegment one = MemorySegment.ofArray(new byte[type.bytes()]);
        MemorySegment none = MemorySegment.ofArray(new byte[0]);
        Path file = write(new SafetensorsWriter().add("scalar", type, one)
                .add("empty", type, none, 3, 0, 5)
                .add("", type, none, 0));
        try (Safetensors tensors = Safetensors.open(file)) {
            assertEquals(new TensorInfo(type, List.of(), 0, type.bytes()), tensors.info("scalar"));
            assertEquals(List.of(3L, 0L, 5L), tensors.info("empty").shape());
            assertEquals(0, tensors.info("").elements());
            assertEquals(type.bytes(), tensors.segment("scalar").byteSize());
            assertTrue(tensors.segment("scalar").isReadOnly());
            if (type.dtype().isPresent()) {
                assertEquals(0, tensors.toFloatArray("empty").length);
                assertArrayEquals(new double[1], tensors.toDoubleArray("scalar"));
                assertThrows(IllegalArgumentException.class, () -> tensors.toLongArray("scalar"));
            } else {
                assertThrows(IllegalArgumentException.class, () -> tensors.tensor("scalar"));
            }
        }
    }

    @Test
    void aFileWithoutTensorsIsAFile() throws IOException {
        try (Safetensors tensors = Safetensors.open(write(new SafetensorsWriter()))) {
            assertTrue(tensors.names().isEmpty());
            assertTrue(tensors.metadata().isEmpty());
        }
    }

    @Test
    void metadataAndNamesKeepTheirText() throws IOException {
        String text = "\"quotes\" \\ \n \u0000 \u03bb \ud83c\udfb2";
        Path file = write(new SafetensorsWriter().metadata("format", "pt")
                .metadata(text, text)
                .add(text, HostTensor.of(new float[1])));
        try (Safetensors tensors = Safetensors.open(file)) {
            assertEquals(Map.of("format", "pt", text, text), tensors.metadata());
            assertEquals(1, tensors.info(text).elements());
        }
    }

    /** More than the writer's buffer of 1 MiB, and not a multiple of it. */
    @Test
    void tensorsLongerThanTheBufferAreWrittenWhole() throws IOException {
        float[] values = new float[300_001];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        Path file = write(new SafetensorsWriter().add("x", HostTensor.of(values), values.length));
        try (Safetensors tensors = Safetensors.open(file)) {
            assertArrayEquals(values, tensors.toFloatArray("x"));
        }
    }

    /** The bytes that the reference implementation's own test expects of it. */
    @Test
    void theBytesAreThoseOfTheReferenceImplementation() throws IOException {
        String header = "{\"attn0\":{\"dtype\":\"F32\",\"shape\":[1,1,2,3],\"data_offsets\":[0,24]}}       ";
        ByteBuffer expected = ByteBuffer.allocate(8 + 72 + 24)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(72)
                .put(header.getBytes(StandardCharsets.UTF_8));
        for (int i = 0; i < 6; i++) {
            expected.putFloat(i);
        }
        Path file = write(
                new SafetensorsWriter().add("attn0", HostTensor.of(new float[] {0, 1, 2, 3, 4, 5}), 1, 1, 2, 3));
        assertArrayEquals(expected.array(), Files.readAllBytes(file));
    }

    @Test
    void writingReplacesAFileAndLeavesNothingElse() throws IOException {
        Path file = directory.resolve("x.safetensors");
        new SafetensorsWriter().add("a", HostTensor.of(new float[] {1})).write(file);
        new SafetensorsWriter().add("a", HostTensor.of(new float[] {2})).write(file);
        try (Safetensors tensors = Safetensors.open(file); Stream<Path> files = Files.list(directory)) {
            assertEquals(2, tensors.toFloatArray("a")[0]);
            assertEquals(List.of(file), files.toList());
        }
    }

    @Test
    void aFailedWriteLeavesNothing() throws IOException {
        Path taken = Files.createDirectories(directory.resolve("taken").resolve("inner")).getParent();
        assertThrows(IOException.class, () -> new SafetensorsWriter().write(taken));
        try (Stream<Path> files = Files.list(directory)) {
            assertEquals(List.of(taken), files.toList());
        }
    }

    @Test
    void theWriterRefusesWhatNoFileCanHold() {
        SafetensorsWriter writer = new SafetensorsWriter().add("a", HostTensor.of(new float[6]), 2, 3);
        HostTensor six = HostTensor.of(new float[6]);
        assertThrows(IllegalArgumentException.class, () -> writer.add("a", six, 6));
        assertThrows(IllegalArgumentException.class, () -> writer.add("__metadata__", six, 6));
        assertThrows(IllegalArgumentException.class, () -> writer.add("b", six, 5));
        assertThrows(IllegalArgumentException.class, () -> writer.add("b", six, -2, -3));
        assertThrows(IllegalArgumentException.class, () -> writer.add("b", six, 1L << 62, 4));
        assertThrows(IllegalArgumentException.class, () -> writer.add("\ud800", six, 6));
        assertThrows(IllegalArgumentException.class, () -> writer.add("b", ElementType.U8, new long[] {256}, 1));
        assertThrows(IllegalArgumentException.class, () -> writer.add("b", ElementType.F32, new long[] {1}, 1));
    }

    @Test
    void copiesOutliveTheFileAndViewsDoNot() throws IOException {
        Safetensors tensors = Safetensors.open(write(new SafetensorsWriter().add("a", HostTensor.of(new float[] {7}))));
        HostTensor copy = tensors.tensor("a");
        MemorySegment view = tensors.segment("a");
        tensors.close();
        tensors.close();
        copy.setFloat(0, copy.getFloat(0) + 1);
        assertEquals(8, copy.getFloat(0));
        assertFalse(view.scope().isAlive());
        assertThrows(IllegalStateException.class, () -> tensors.toFloatArray("a"));
    }

    @Test
    void recordedTracesAreRead() throws IOException {
        try (Safetensors tensors = RecordedValues.open("rng")) {
            assertEquals("rng", tensors.metadata().get("group"));
            assertEquals(List.of(16L, 4L),
                    tensors.info("philox4x32_10/sequence_ctr0to15_key_deadbeef_12345678").shape());
            // The first output of MT19937 with seed 0.
            assertEquals(2357136044L, tensors.toLongArray("mt19937_u32/seed0")[0]);
        }
    }

    @Test
    void anAbsentFileIsTheSystemsErrorAndAnAbsentTensorTheCallers() throws IOException {
        assertThrows(NoSuchFileException.class, () -> Safetensors.open(directory.resolve("none")));
        try (Safetensors tensors = Safetensors.open(write(new SafetensorsWriter()))) {
            String message = assertThrows(IllegalArgumentException.class, () -> tensors.info("a")).getMessage();
            assertTrue(message.contains("no tensor 'a'"), message);
        }
    }

    /** Each header is followed by 8 bytes of data. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "                                                                         | does not begin with '{'",
        " [1]                                                                     | does not begin with '{'",
        " {                                                                       | not JSON",
        " {} {}                                                                   | goes on after",
        " {}                                                                      | has 8 bytes of data",
        " {\"a\":1}                                                               | is expected",
        " {\"a\":{\"dtype\":\"F64\",\"shape\":[]}}                                | lacks one of them",
        " {\"a\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0]}}           | lacks one of them",
        " {\"a\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8,8]}}       | more than 2 numbers",
        " {\"a\":{\"dtype\":\"F65\",\"shape\":[],\"data_offsets\":[0,8]}}         | dtype 'F65'",
        " {\"a\":{\"dtype\":64,\"shape\":[],\"data_offsets\":[0,8]}}              | is expected",
        " {\"a\":{\"dtype\":\"F64\",\"shape\":[-1],\"data_offsets\":[0,8]}}       | at least 0",
        " {\"a\":{\"dtype\":\"F64\",\"shape\":[1.0],\"data_offsets\":[0,8]}}      | is expected",
        " {\"a\":{\"dtype\":\"F64\",\"shape\":[9223372036854775808],\"data_offsets\":[0,8]}} | out of range of long",
        " {\"a\":{\"dtype\":\"F64\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}} | 64 bits can count",
        " {\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]}} | 64 bits can count",
        " {\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[8,0]}}        | data_offsets are 8 and 0",
        " {\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}        | needs 4 bytes",
        " {\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[8,16]}}       | no holes",
        " {\"a\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}}       | cut short",
        " {\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}        | nothing may follow",
        " {\"a\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4,8]}} | may not overlap",
        " {\"a\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}} | Duplicate field 'a'",
        " {\"__metadata__\":{\"a\":1}}                                            | string is expected",
        " {\"__metadata__\":[]}                                                   | object of strings",
        " {\"\u00ff\":1}                                                          | is expected"})
    void brokenRulesAreNamed(String header, String complaint) throws IOException {
        assertInvalid(header == null ? "" : header, complaint);
    }

    @Test
    void unknownEntriesAndNullMetadataArePassedOver() throws IOException {
        String header = "{\"__metadata__\":null,\"a\":{\"x\":[{}],\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}";
        try (Safetensors tensors = Safetensors.open(file(header.getBytes(StandardCharsets.UTF_8)))) {
            assertArrayEquals(new double[1], tensors.toDoubleArray("a"));
        }
    }

    @Test
    void headersThatAreNotUtf8AreRefused() throws IOException {
        Path file = file("{\"\u00ff\":1}".getBytes(StandardCharsets.ISO_8859_1));
        assertTrue(complaint(file).contains("not UTF-8"), complaint(file));
        Path wide = file("{\"a\":1}".getBytes(StandardCharsets.UTF_16LE));
        assertTrue(complaint(wide).contains("not JSON"), complaint(wide));
    }

    @Test
    void headersMadeToExhaustAreRefused() throws IOException {
        assertInvalid("{\"a\":{\"x\":" + "[".repeat(1_000_000), "nesting depth");
        assertInvalid("{\"a\":{\"shape\":[" + "9".repeat(100_000) + "]}}", "Number value length");
        assertInvalid("{\"a\":{\"shape\":[" + "1,".repeat(1_000_000) + "1]}}", "more than 64 numbers");
        assertInvalid("{\"" + "a".repeat(1_000_000) + "\":0}", "aaaa...");
    }

    @ParameterizedTest
    @CsvSource({"-1, 18446744073709551615", "-9223372036854775808, 9223372036854775808", "100000001, most is 100000000",
        "9, only 8 follow", "0, does not begin"})
    void wrongHeaderLengthsAreRefused(long length, String complaint) throws IOException {
        byte[] bytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
        Path file = Files.write(directory.resolve("length"), bytes);
        assertTrue(complaint(file).contains(complaint), complaint(file));
    }

    @Test
    void filesWithoutALengthAreRefused() throws IOException {
        for (int size = 0; size < 8; size++) {
            Path file = Files.write(directory.resolve("short"), new byte[size]);
            assertTrue(complaint(file).contains("it has " + size + " bytes"), complaint(file));
        }
    }

    private void assertInvalid(String header, String complaint) throws IOException {
        String message = complaint(file(header.getBytes(StandardCharsets.UTF_8)));
        assertTrue(message.contains(complaint), message);
    }

    private static String complaint(Path file) {
        String message = assertThrows(SafetensorsException.class, () -> Safetensors.open(file)).getMessage();
        assertTrue(message.startsWith(file + " is not a valid safetensors file: ") && message.endsWith("."), message);
        assertTrue(message.length() < 1000, "A message of " + message.length() + " characters.");
        return message;
    }

    /** A file of this header and 8 zero bytes. */
    private Path file(byte[] header) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).array());
        bytes.write(header);
        bytes.write(new byte[8]);
        return Files.write(directory.resolve("bad"), bytes.toByteArray());
    }

    private Path write(SafetensorsWriter writer) throws IOException {
        Path file = directory.resolve("good");
        writer.write(file);
        return file;
    }
}
