// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import java.util.Arrays;

/** The tensors of one case, of its variant where they differ between variants. */
final class TraceTensors {
    private final Safetensors file;
    private final String id;
    private final String variant;

    TraceTensors(Safetensors file, String id, String variant) {
        this.file = file;
        this.id = id;
        this.variant = variant;
    }

    /** Whether the recording was made in float32. */
    boolean isFloat32() {
        return variant.equals("f32");
    }

    private String find(String name) {
        String own = id + "/" + variant + "/" + name;
        String shared = id + "/" + name;
        return file.names().contains(own) ? own : file.names().contains(shared) ? shared : null;
    }

    boolean has(String name) {
        return find(name) != null;
    }

    private String need(String name) {
        String key = find(name);
        if (key == null) {
            throw new IllegalArgumentException("Case " + id + " lacks the tensor '" + name + "' in " + file + ".");
        }
        return key;
    }

    long[] shape(String name) {
        return file.info(need(name)).shape().stream().mapToLong(Long::longValue).toArray();
    }

    double[] vector(String name) {
        String key = need(name);
        String type = file.info(key).type().name();
        return type.startsWith("I") ? Arrays.stream(file.toLongArray(key)).asDoubleStream().toArray()
                : file.toDoubleArray(key);
    }

    /** A tensor cut along its first axis; null where there is none. */
    double[][] rows(String name) {
        if (!has(name)) {
            return null;
        }
        double[] all = vector(name);
        int n = (int) shape(name)[0];
        int size = n == 0 ? 0 : all.length / n;
        double[][] rows = new double[n][];
        for (int i = 0; i < n; i++) {
            rows[i] = Arrays.copyOfRange(all, i * size, (i + 1) * size);
        }
        return rows;
    }
}
