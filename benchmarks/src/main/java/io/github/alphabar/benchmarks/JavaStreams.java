// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

/** The loops of {@link Floor} in plain Java, one for each number of arrays, as the JIT vectorises them. */
final class JavaStreams {
    private JavaStreams() {
    }

    static void run(int reads, int writes, float[][] in, float[][] out, int from, int to) {
        if (writes == 1) {
            switch (reads) {
                case 1 -> one(in[0], out[0], from, to);
                case 2 -> two(in[0], in[1], out[0], from, to);
                case 3 -> three(in[0], in[1], in[2], out[0], from, to);
                case 4 -> four(in[0], in[1], in[2], in[3], out[0], from, to);
                default -> five(in[0], in[1], in[2], in[3], in[4], out[0], from, to);
            }
        } else {
            switch (reads) {
                case 1 -> oneTwice(in[0], out[0], out[1], from, to);
                case 2 -> twoTwice(in[0], in[1], out[0], out[1], from, to);
                case 3 -> threeTwice(in[0], in[1], in[2], out[0], out[1], from, to);
                case 4 -> fourTwice(in[0], in[1], in[2], in[3], out[0], out[1], from, to);
                default -> fiveTwice(in[0], in[1], in[2], in[3], in[4], out[0], out[1], from, to);
            }
        }
    }

    private static void one(float[] a, float[] x, int from, int to) {
        for (int i = from; i < to; i++) {
            x[i] = 0.5f * a[i];
        }
    }

    private static void two(float[] a, float[] b, float[] x, int from, int to) {
        for (int i = from; i < to; i++) {
            x[i] = Math.fma(0.25f, b[i], 0.5f * a[i]);
        }
    }

    private static void three(float[] a, float[] b, float[] c, float[] x, int from, int to) {
        for (int i = from; i < to; i++) {
            x[i] = Math.fma(-0.125f, c[i], Math.fma(0.25f, b[i], 0.5f * a[i]));
        }
    }

    private static void four(float[] a, float[] b, float[] c, float[] d, float[] x, int from, int to) {
        for (int i = from; i < to; i++) {
            x[i] = Math.fma(0.0625f, d[i], Math.fma(-0.125f, c[i], Math.fma(0.25f, b[i], 0.5f * a[i])));
        }
    }

    private static void five(float[] a, float[] b, float[] c, float[] d, float[] e, float[] x, int from, int to) {
        for (int i = from; i < to; i++) {
            x[i] = Math.fma(-0.03125f, e[i],
                    Math.fma(0.0625f, d[i], Math.fma(-0.125f, c[i], Math.fma(0.25f, b[i], 0.5f * a[i]))));
        }
    }

    private static void oneTwice(float[] a, float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            x[i] = 0.5f * a[i];
            y[i] = 0.75f * a[i];
        }
    }

    private static void twoTwice(float[] a, float[] b, float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            x[i] = Math.fma(0.25f, b[i], 0.5f * a[i]);
            y[i] = Math.fma(0.75f, a[i], -0.5f * b[i]);
        }
    }

    private static void threeTwice(float[] a, float[] b, float[] c, float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            x[i] = Math.fma(-0.125f, c[i], Math.fma(0.25f, b[i], 0.5f * a[i]));
            y[i] = Math.fma(0.75f, a[i], -0.5f * b[i]);
        }
    }

    private static void fourTwice(float[] a, float[] b, float[] c, float[] d, float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            x[i] = Math.fma(0.0625f, d[i], Math.fma(-0.125f, c[i], Math.fma(0.25f, b[i], 0.5f * a[i])));
            y[i] = Math.fma(0.75f, a[i], -0.5f * b[i]);
        }
    }

    private static void fiveTwice(float[] a, float[] b, float[] c, float[] d, float[] e, float[] x, float[] y, int from,
            int to) {
        for (int i = from; i < to; i++) {
            x[i] = Math.fma(-0.03125f, e[i],
                    Math.fma(0.0625f, d[i], Math.fma(-0.125f, c[i], Math.fma(0.25f, b[i], 0.5f * a[i]))));
            y[i] = Math.fma(0.75f, a[i], -0.5f * b[i]);
        }
    }
}
