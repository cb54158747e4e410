// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.function.DoubleSupplier;

/** Normals one by one from another library, into an array. */
final class NormalsContender implements Contender {
    private final DoubleSupplier normal;
    private final float[] values;

    NormalsContender(String name, Task task, DoubleSupplier normal) {
        if (!task.row().equals("normals") || task.dtype() != DType.F32) {
            throw new UnsupportedOperationException(
                    "'" + name + "' draws normals in F32 and does nothing else, but got '"
                            + task.row() + "' in " + task.dtype() + ".");
        }
        this.normal = normal;
        values = new float[Math.toIntExact(task.elements())];
    }

    @Override
    public void step() {
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) normal.getAsDouble();
        }
    }

    @Override
    public HostTensor out() {
        return HostTensor.of(values);
    }

    @Override
    public HostTensor store() {
        return null;
    }

    @Override
    public Match match() {
        return Match.MOMENTS;
    }

    @Override
    public void close() {
        // Plain heap memory: the garbage collector's.
    }
}
