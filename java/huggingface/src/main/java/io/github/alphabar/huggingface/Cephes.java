// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

/**
 * Single-precision log, sin and cos by the polynomials of Cephes (Moshier, {@code logf} and {@code sinf}), in the order and with
 * the fused multiply-adds of the AVX2 code that PyTorch draws its float noise with. The order is the contract: it decides the last
 * bit. Core's {@code Elementary} is more accurate and is what to use for anything else.
 */
final class Cephes {
    private static final float SQRT_HALF = 0.70710678f;

    private Cephes() {
    }

    /**
     * log(u) = log(1 + f) + e log(2), with log(2) = 0.693359375 - 2.12194440e-4 and 1 + f in [sqrt(1/2), sqrt(2)).
     *
     * @param u
     *            positive, finite and normal
     */
    static float log(float u) {
        int exponent = Math.getExponent(u) + 1;
        float fraction = Math.scalb(u, -exponent);
        float f = fraction - 1;
        if (fraction < SQRT_HALF) {
            exponent--;
            f += fraction;
        }
        float e = exponent;
        float z = f * f;
        float p = 7.0376836292e-2f;
        p = Math.fma(p, f, -1.1514610310e-1f);
        p = Math.fma(p, f, 1.1676998740e-1f);
        p = Math.fma(p, f, -1.2420140846e-1f);
        p = Math.fma(p, f, 1.4249322787e-1f);
        p = Math.fma(p, f, -1.6668057665e-1f);
        p = Math.fma(p, f, 2.0000714765e-1f);
        p = Math.fma(p, f, -2.4999993993e-1f);
        p = Math.fma(p, f, 3.3333331174e-1f);
        float y = Math.fma(p * f, z, e * -2.12194440e-4f);
        y = Math.fma(-0.5f, z, y);
        return Math.fma(e, 0.693359375f, f + y);
    }

    /** The even multiple of pi/4 nearest to an angle in [0, 2 pi], as a count of pi/4. */
    static int octant(float angle) {
        return ((int) (angle * 1.27323954473516f) + 1) & ~1;
    }

    /** What is left of an angle beyond that multiple, with pi/4 in three parts. */
    static float reduce(float angle, int octant) {
        float k = octant;
        float x = Math.fma(k, -0.78515625f, angle);
        x = Math.fma(k, -2.4187564849853515625e-4f, x);
        return Math.fma(k, -3.77489497744594108e-8f, x);
    }

    /** sin(x) for |x| up to pi/4. */
    static float sin(float x) {
        float z = x * x;
        float p = Math.fma(Math.fma(-1.9515295891e-4f, z, 8.3321608736e-3f), z, -1.6666654611e-1f);
        return Math.fma(p * z, x, x);
    }

    /** cos(x) for |x| up to pi/4. */
    static float cos(float x) {
        float z = x * x;
        float p = Math.fma(Math.fma(2.443315711809948e-5f, z, -1.388731625493765e-3f), z, 4.166664568298827e-2f);
        return Math.fma(p * z, z, -0.5f * z) + 1;
    }
}
