// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.onnxruntime;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Direct memory that ONNX Runtime reads or writes in place, made once and used for every call. */
final class BoundTensor implements AutoCloseable {
    private final ByteBuffer bytes;
    private final OnnxJavaType type;
    private final OnnxTensor tensor;
    private final int elements;

    BoundTensor(OrtEnvironment environment, OnnxJavaType type, long... shape) {
        long count = 1;
        for (long d : shape) {
            count = Math.multiplyExact(count, d);
        }
        elements = Math.toIntExact(count);
        this.type = type;
        bytes = ByteBuffer.allocateDirect(Math.multiplyExact(elements, type.size)).order(ByteOrder.nativeOrder());
        try {
            tensor = OnnxTensor.createTensor(environment, bytes, shape, type);
        } catch (OrtException e) {
            throw new OnnxModelException("ONNX Runtime cannot use a tensor of shape " + OnnxModel.text(shape) + ".", e);
        }
    }

    OnnxTensor tensor() {
        return tensor;
    }

    /** The memory as a tensor of ours; for float16 and float32. */
    HostTensor values() {
        return HostTensor.of(bytes.duplicate().order(ByteOrder.nativeOrder()),
                type == OnnxJavaType.FLOAT16 ? DType.F16 : DType.F32);
    }

    /** Writes one number everywhere; rounded for integers. */
    void fill(double value) {
        for (int i = 0; i < elements; i++) {
            switch (type) {
                case FLOAT -> bytes.putFloat(i * 4, (float) value);
                case DOUBLE -> bytes.putDouble(i * 8, value);
                case INT64 -> bytes.putLong(i * 8, Math.round(value));
                case INT32 -> bytes.putInt(i * 4, Math.toIntExact(Math.round(value)));
                default -> throw new IllegalStateException("No number is written as " + type + ".");
            }
        }
    }

    @Override
    public void close() {
        tensor.close();
    }
}
