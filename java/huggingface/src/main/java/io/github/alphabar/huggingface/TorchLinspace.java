// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

/**
 * torch.linspace in float32 on a CPU with 8 float lanes, bit for bit: pairs of vectors are filled from a base each, values beyond the
 * last pair one by one, the first half counted from the start and the second from the end.
 */
final class TorchLinspace {
    private static final int LANES = 8;

    private TorchLinspace() {
    }

    static double[] of(double from, double to, int n) {
        float start = (float) from;
        float end = (float) to;
        float step = n == 1 ? 0 : (end - start) / (n - 1);
        double[] r = new double[n];
        int i = 0;
        for (; i < n - n % (2 * LANES); i += LANES) {
            float base = at(start, end, step, i, n);
            for (int k = 0; k < LANES; k++) {
                // Two roundings: the multiples of the step are a vector of their own.
                r[i + k] = base + step * k;
            }
        }
        for (; i < n; i++) {
            r[i] = at(start, end, step, i, n);
        }
        return r;
    }

    private static float at(float start, float end, float step, int i, int n) {
        return n == 1 || i < n / 2 ? Math.fma(step, i, start) : Math.fma(-step, n - i - 1, end);
    }
}
