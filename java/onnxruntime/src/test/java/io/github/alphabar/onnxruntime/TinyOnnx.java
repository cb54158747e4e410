// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.onnxruntime;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes ONNX files of a few nodes (onnx.proto, opset 13), so that tests can have networks of any signature. */
final class TinyOnnx {
    static final int FLOAT = 1;
    static final int INT32 = 6;
    static final int INT64 = 7;
    static final int FLOAT16 = 10;
    static final int DOUBLE = 11;

    private final Message graph = new Message().text(2, "g");

    /** A protobuf message: fields in the order of the calls. */
    static final class Message {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Message number(int field, long value) {
            varint((long) field << 3);
            varint(value);
            return this;
        }

        Message text(int field, String value) {
            return raw(field, value.getBytes(StandardCharsets.UTF_8));
        }

        Message nested(int field, Message value) {
            return raw(field, value.bytes.toByteArray());
        }

        private Message raw(int field, byte[] value) {
            varint((long) field << 3 | 2);
            varint(value.length);
            bytes.writeBytes(value);
            return this;
        }

        private void varint(long value) {
            long rest = value;
            while ((rest & ~0x7fL) != 0) {
                bytes.write((int) (rest & 0x7f | 0x80));
                rest >>>= 7;
            }
            bytes.write((int) rest);
        }
    }

    /** Dimensions are numbers or the names of open ones. */
    TinyOnnx input(String name, int type, Object... dimensions) {
        graph.nested(11, value(name, type, dimensions));
        return this;
    }

    TinyOnnx output(String name, int type, Object... dimensions) {
        graph.nested(12, value(name, type, dimensions));
        return this;
    }

    private static Message value(String name, int type, Object... dimensions) {
        Message shape = new Message();
        for (Object d : dimensions) {
            shape.nested(1,
                    d instanceof Integer n ? new Message().number(1, n) : new Message().text(2, d.toString()));
        }
        Message tensor = new Message().number(1, type).nested(2, shape);
        return new Message().text(1, name).nested(2, new Message().nested(1, tensor));
    }

    TinyOnnx node(String operator, String output, String... inputs) {
        graph.nested(1, node(operator, output, null, 0, inputs));
        return this;
    }

    /** A node with one whole-number attribute. */
    TinyOnnx node(String operator, String attribute, long value, String output, String... inputs) {
        graph.nested(1, node(operator, output, attribute, value, inputs));
        return this;
    }

    private static Message node(String operator, String output, String attribute, long value, String... inputs) {
        Message node = new Message();
        for (String input : inputs) {
            node.text(1, input);
        }
        node.text(2, output).text(4, operator);
        if (attribute != null) {
            node.nested(5, new Message().text(1, attribute).number(3, value).number(20, 2));
        }
        return node;
    }

    byte[] bytes() {
        return new Message().number(1, 8)
                .nested(7, graph)
                .nested(8, new Message().text(1, "").number(2, 13)).bytes.toByteArray();
    }
}
