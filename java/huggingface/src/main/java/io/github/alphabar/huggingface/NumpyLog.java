// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

/**
 * numpy's float32 log, bit for bit where it is vectorised (AVX2 and AVX-512): with u = 2^e m, m in (sqrt(1/2), sqrt(2)] and
 * y = m - 1, {@code log(u) = e log(2) + P(y) / Q(y)}, one float32 fma for each step. It is off the nearest float by an ulp in one
 * case of sixteen, and a timestep that is truncated from it hangs on that.
 */
final class NumpyLog {
    /** The rational function nearest to log(1 + y), from y^5 down to 1. */
    private static final float[] P = {2.589979117907922693523e-2f, 3.808837741388407920751e-1f,
        1.480000633576506585156e0f, 2.112677543073053063722e0f, 9.999999999999998702752e-1f, 0f};
    private static final float[] Q = {5.875095403124574342950e-3f, 1.546476374983906719538e-1f,
        9.864942958519418960339e-1f, 2.453006071784736363091e0f, 2.612677543073109236779e0f, 1f};
    private static final float LN2 = 0.6931471805599453f;
    private static final float SQRT_HALF = 0.70710678118654752f;

    private NumpyLog() {
    }

    /**
     * The natural logarithm.
     *
     * @param u
     *            positive
     */
    static float log(float u) {
        if (Float.isInfinite(u)) {
            return u;
        }
        // In double a subnormal float is a normal number: its exponent and mantissa are found like any other's.
        int e = Math.getExponent((double) u) + 1;
        float m = (float) Math.scalb((double) u, -e);
        if (m <= SQRT_HALF) {
            m *= 2;
            e--;
        }
        float y = m - 1;
        return Math.fma((float) e, LN2, horner(P, y) / horner(Q, y));
    }

    private static float horner(float[] coefficients, float y) {
        float sum = coefficients[0];
        for (int k = 1; k < coefficients.length; k++) {
            sum = Math.fma(sum, y, coefficients[k]);
        }
        return sum;
    }
}
