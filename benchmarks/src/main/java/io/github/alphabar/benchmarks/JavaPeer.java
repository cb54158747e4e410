// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Operation by operation in Java, as engines on the JVM do it today: a loop and a new array for each. Arrays of floats rather than
 * the buffers some of them use: the JIT makes the best of these loops.
 */
final class JavaPeer implements Peer {
    static final String NAME = "op-by-op";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.empty();
    }

    @Override
    public Contender open(Task task, int threads) {
        if (task.dtype() != DType.F32 || threads != 1) {
            throw new UnsupportedOperationException("Operation by operation in Java is for F32 and one thread, but got "
                    + task.dtype() + " and " + threads + " threads.");
        }
        return new OpByOp<>(task, new Arrays32());
    }

    /** The operations on arrays. */
    private static final class Arrays32 implements TensorOps<float[]> {
        private final SplittableRandom random = new SplittableRandom(1);

        @Override
        public float[] tensor(HostTensor values) {
            return values.toFloatArray();
        }

        @Override
        public float[] mul(float[] a, double factor) {
            float f = (float) factor;
            float[] r = new float[a.length];
            for (int i = 0; i < r.length; i++) {
                r[i] = a[i] * f;
            }
            return r;
        }

        @Override
        public float[] div(float[] a, double divisor) {
            float d = (float) divisor;
            float[] r = new float[a.length];
            for (int i = 0; i < r.length; i++) {
                r[i] = a[i] / d;
            }
            return r;
        }

        @Override
        public float[] add(float[] a, float[] b) {
            float[] r = new float[a.length];
            for (int i = 0; i < r.length; i++) {
                r[i] = a[i] + b[i];
            }
            return r;
        }

        @Override
        public float[] sub(float[] a, float[] b) {
            float[] r = new float[a.length];
            for (int i = 0; i < r.length; i++) {
                r[i] = a[i] - b[i];
            }
            return r;
        }

        @Override
        public float[] clamp(float[] a, double range) {
            float high = (float) range;
            float[] r = new float[a.length];
            for (int i = 0; i < r.length; i++) {
                r[i] = Math.max(-high, Math.min(high, a[i]));
            }
            return r;
        }

        @Override
        public float[] half(float[] a, int half) {
            int n = a.length / 2;
            return Arrays.copyOfRange(a, half * n, half * n + n);
        }

        @Override
        public float[] randn(long elements) {
            float[] r = new float[Math.toIntExact(elements)];
            for (int i = 0; i < r.length; i++) {
                r[i] = (float) random.nextGaussian();
            }
            return r;
        }

        @Override
        public HostTensor values(float[] a) {
            return HostTensor.of(a);
        }

        @Override
        public void free() {
            // The garbage collector's.
        }

        @Override
        public void close() {
            // The garbage collector's.
        }
    }
}
