// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The header of a safetensors file, checked against the size of the data that follows it. What is allocated here grows with the
 * bytes of the header that are really there, never with a number written in it.
 *
 * @param metadata
 *            the file's own strings, in the order of the header
 * @param tensors
 *            the tensors by name, in the order of the header
 */
record SafetensorsHeader(Map<String, String> metadata, Map<String, TensorInfo> tensors) {
    /** The limit of the reference implementation. */
    static final int MOST_BYTES = 100_000_000;
    /** The limit of PyTorch and NumPy; the format has none. */
    static final int MOST_DIMENSIONS = 64;
    static final String METADATA = "__metadata__";

    private static final int MOST_NESTING = 16;

    /**
     * Reads a header.
     *
     * @param json
     *            the header's bytes
     * @param dataBytes
     *            how many bytes follow it
     * @throws Invalid
     *             if any rule of the format is broken
     */
    static SafetensorsHeader parse(byte[] json, long dataBytes) throws Invalid {
        if (json.length == 0 || json[0] != '{') {
            throw new Invalid(
                    "its header does not begin with '{', as a JSON object must; the file is damaged or of another"
                            + " format");
        }
        JsonFactory factory = JsonFactory.builder()
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(MOST_NESTING)
                        .maxNameLength(MOST_BYTES)
                        .maxStringLength(MOST_BYTES)
                        .build())
                .build();
        // A decoder of our own: Jackson would guess other encodings, and Reader's default replaces what is malformed.
        try (Reader reader = new InputStreamReader(new ByteArrayInputStream(json), StandardCharsets.UTF_8.newDecoder());
                JsonParser parser = factory.createParser(reader)) {
            return new SafetensorsHeader(new LinkedHashMap<>(), new LinkedHashMap<>()).read(parser, dataBytes);
        } catch (CharacterCodingException e) {
            throw new Invalid("its header is not UTF-8, the encoding of the format", e);
        } catch (JsonProcessingException e) {
            throw new Invalid("its header is not JSON as the format wants it: " + e.getOriginalMessage(), e);
        } catch (Invalid e) {
            throw e;
        } catch (IOException e) {
            throw new Invalid("its header cannot be read: " + e.getMessage(), e);
        }
    }

    private SafetensorsHeader read(JsonParser parser, long dataBytes) throws IOException {
        parser.nextToken();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            parser.nextToken();
            if (name.equals(METADATA)) {
                readMetadata(parser);
            } else {
                tensors.put(name, readTensor(parser, name));
            }
        }
        if (parser.nextToken() != null) {
            throw new Invalid("its header goes on after the JSON object, where only spaces may follow");
        }
        checkLayout(dataBytes);
        return new SafetensorsHeader(Collections.unmodifiableMap(metadata), Collections.unmodifiableMap(tensors));
    }

    private void readMetadata(JsonParser parser) throws IOException {
        if (parser.currentToken() == JsonToken.VALUE_NULL) {
            return;
        }
        expect(parser, JsonToken.START_OBJECT, METADATA, "an object of strings");
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            parser.nextToken();
            expect(parser, JsonToken.VALUE_STRING, METADATA + "." + key, "a string");
            metadata.put(key, parser.getText());
        }
    }

    private static TensorInfo readTensor(JsonParser parser, String name) throws IOException {
        expect(parser, JsonToken.START_OBJECT, name, "an object with dtype, shape and data_offsets");
        ElementType type = null;
        List<Long> shape = null;
        List<Long> offsets = null;
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            parser.nextToken();
            switch (key) {
                case "dtype" -> type = readType(parser, name);
                case "shape" -> shape = readNumbers(parser, name, key, MOST_DIMENSIONS);
                case "data_offsets" -> offsets = readNumbers(parser, name, key, 2);
                // The reference implementation passes over what it does not know.
                default -> parser.skipChildren();
            }
        }
        if (type == null || shape == null || offsets == null || offsets.size() != 2) {
            throw new Invalid("tensor '" + shorten(name)
                    + "' needs a dtype, a shape and two data_offsets, but its entry lacks one of them");
        }
        long begin = offsets.get(0);
        long end = offsets.get(1);
        long bytes = bytes(name, type, shape);
        if (begin > end || end - begin != bytes) {
            throw new Invalid("tensor '" + shorten(name) + "' of " + type + " and shape " + shape + " needs " + bytes
                    + " bytes, but its data_offsets are " + begin + " and " + end);
        }
        return new TensorInfo(type, shape, begin, end);
    }

    private static ElementType readType(JsonParser parser, String name) throws IOException {
        expect(parser, JsonToken.VALUE_STRING, name + ".dtype", "a string");
        String text = parser.getText();
        try {
            return ElementType.valueOf(text);
        } catch (IllegalArgumentException e) {
            throw new Invalid("tensor '" + shorten(name) + "' has the dtype '" + shorten(text)
                    + "', which is unknown here; known are " + List.of(ElementType.values()), e);
        }
    }

    private static List<Long> readNumbers(JsonParser parser, String name, String key, int most) throws IOException {
        expect(parser, JsonToken.START_ARRAY, name + "." + key, "an array of integers");
        List<Long> numbers = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            expect(parser, JsonToken.VALUE_NUMBER_INT, name + "." + key, "an array of integers");
            if (numbers.size() == most) {
                throw new Invalid("tensor '" + shorten(name) + "' has more than " + most + " numbers in its " + key);
            }
            // Throws where 64 bits do not hold the number.
            long number = parser.getLongValue();
            if (number < 0) {
                throw new Invalid("tensor '" + shorten(name) + "' has " + number + " in its " + key
                        + ", where numbers of at least 0 are expected");
            }
            numbers.add(number);
        }
        return numbers;
    }

    /** The product of the dimensions and the size of an element. */
    static long bytes(String name, ElementType type, List<Long> shape) throws Invalid {
        try {
            long elements = 1;
            for (long dimension : shape) {
                elements = Math.multiplyExact(elements, dimension);
            }
            return Math.multiplyExact(elements, (long) type.bytes());
        } catch (ArithmeticException e) {
            throw new Invalid(
                    "tensor '" + shorten(name) + "' of shape " + shape + " has more bytes than 64 bits can count",
                    e);
        }
    }

    /** The tensors, in the order of their offsets, cover the data without a gap. The reference implementation wants it so. */
    private void checkLayout(long dataBytes) throws Invalid {
        List<Map.Entry<String, TensorInfo>> sorted = new ArrayList<>(tensors.entrySet());
        sorted.sort(Comparator.<Map.Entry<String, TensorInfo>>comparingLong(e -> e.getValue().begin())
                .thenComparingLong(e -> e.getValue().end()));
        long covered = 0;
        for (Map.Entry<String, TensorInfo> entry : sorted) {
            TensorInfo info = entry.getValue();
            if (info.begin() != covered) {
                throw new Invalid("tensor '" + shorten(entry.getKey()) + "' begins at byte " + info.begin()
                        + " of the data, but the tensors before it end at " + covered
                        + (info.begin() < covered ? "; tensors may not overlap" : "; the format allows no holes"));
            }
            if (info.end() > dataBytes) {
                throw new Invalid("tensor '" + shorten(entry.getKey()) + "' ends at byte " + info.end()
                        + " of the data, but the file has " + dataBytes + " bytes of data; it is cut short");
            }
            covered = info.end();
        }
        if (covered != dataBytes) {
            throw new Invalid("its tensors end at byte " + covered + " of the data, but the file has " + dataBytes
                    + " bytes of data; nothing may follow the last tensor");
        }
    }

    private static void expect(JsonParser parser, JsonToken token, String where, String what) throws IOException {
        if (parser.currentToken() != token) {
            throw new Invalid(
                    "its header has a " + parser.currentToken() + " at '" + shorten(where) + "', where " + what
                            + " is expected");
        }
    }

    private static String shorten(String name) {
        return name.length() <= 80 ? name : name.substring(0, 80) + "...";
    }

    /** A broken rule; the message goes on from the name of the file. */
    static final class Invalid extends IOException {
        private static final long serialVersionUID = 1;

        Invalid(String message) {
            super(message);
        }

        Invalid(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
