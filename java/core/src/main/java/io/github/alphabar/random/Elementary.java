// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.random;

/**
 * log, sin, cos and exp from + - * / sqrt and fma alone. Library versions differ between JIT tiers, processors and devices in the
 * last bit; these do not, because every operation in them is rounded by IEEE 754. The polynomials interpolate at Chebyshev nodes;
 * the tests state their errors.
 */
public final class Elementary {
    /** Coefficients of (log(1 + f) - f + f^2/2) / f^3 on [sqrt(1/2) - 1, sqrt(2) - 1], from the constant term up. */
    public static final float[] LOG = {0.3333333f, -0.24999997f, 0.20000716f, -0.16667803f, 0.14249058f, -0.12425687f,
        0.1168542f,
        -0.11479734f, 0.06971612f};
    /** Coefficients of (sin(y) / y - 1) / y^2 in y^2 on [-pi/4, pi/4]. */
    public static final float[] SIN = {-0.16666667f, 0.008333332f, -0.00019840087f, 2.7249894e-06f};
    /** Coefficients of (cos(y) - 1 + y^2/2) / y^4 in y^2 on [-pi/4, pi/4]. */
    public static final float[] COS = {0.041666664f, -0.0013888302f, 2.4547917e-05f};
    /** Coefficients of (e^r - 1 - r) / r^2 on [-log(2)/2, log(2)/2]. */
    public static final float[] EXP = {0.5f, 0.16666576f, 0.041666556f, 0.008363179f, 0.0013926184f};

    /** The bits of sqrt(1/2): below it a mantissa is doubled. */
    public static final int SQRT_HALF_BITS = 0x3f3504f3;
    /** log(2) as a float. */
    public static final float LN2 = 0.6931472f;
    /** A quarter turn divided by 2^32. */
    public static final float QUARTER_TURN = (float) (Math.PI / 2 * 0x1p-32);
    /** Where {@link #exp(float)} saturates, so that the scale by a power of two stays a normal number. */
    public static final float EXP_LOWEST = -87;
    /** Where {@link #exp(float)} saturates above. */
    public static final float EXP_HIGHEST = 88;
    /** 1.5 2^23: adding it rounds a small float to an integer, to nearest even. */
    public static final float ROUNDER = 0x1.8p23f;
    /** 1 / log(2). */
    public static final float LOG2_E = 1.442695f;
    /** The leading bits of log(2), few enough that their product with an exponent is exact. */
    public static final float LN2_HIGH = 0x1.62ep-1f;
    /** log(2) minus {@link #LN2_HIGH}. */
    public static final float LN2_LOW = (float) (0.693147180559945309417 - 0x1.62ep-1);

    private Elementary() {
    }

    /**
     * The natural logarithm.
     *
     * @param u
     *            positive, finite and normal
     * @return log(u), within 2 ulp
     */
    public static float log(float u) {
        int bits = Float.floatToRawIntBits(u);
        int exponent = (bits - SQRT_HALF_BITS) >> 23;
        float f = Float.intBitsToFloat(bits - (exponent << 23)) - 1;
        float z = f * f;
        float p = LOG[8];
        for (int i = 7; i >= 0; i--) {
            p = Math.fma(p, f, LOG[i]);
        }
        float y = Math.fma(-0.5f, z, (f * z) * p);
        return Math.fma(exponent, LN2, f + y);
    }

    /**
     * The sine.
     *
     * @param y
     *            in [-pi/4, pi/4]
     * @return sin(y), within 1 ulp
     */
    public static float sinQuarter(float y) {
        float z = y * y;
        float p = Math.fma(Math.fma(Math.fma(SIN[3], z, SIN[2]), z, SIN[1]), z, SIN[0]);
        return Math.fma(y * z, p, y);
    }

    /**
     * The cosine.
     *
     * @param y
     *            in [-pi/4, pi/4]
     * @return cos(y), within 1.5 ulp
     */
    public static float cosQuarter(float y) {
        float z = y * y;
        float p = Math.fma(Math.fma(COS[2], z, COS[1]), z, COS[0]);
        return Math.fma(z * z, p, Math.fma(-0.5f, z, 1));
    }

    /**
     * The exponential function, saturating at [{@link #EXP_LOWEST}, {@link #EXP_HIGHEST}].
     *
     * @param x
     *            any float; NaN gives NaN
     * @return e^x, within 2 ulp
     */
    public static float exp(float x) {
        float v = x < EXP_LOWEST ? EXP_LOWEST : x > EXP_HIGHEST ? EXP_HIGHEST : x;
        float n = Math.fma(v, LOG2_E, ROUNDER) - ROUNDER;
        float r = Math.fma(-n, LN2_LOW, Math.fma(-n, LN2_HIGH, v));
        float p = EXP[4];
        for (int i = 3; i >= 0; i--) {
            p = Math.fma(p, r, EXP[i]);
        }
        float e = Math.fma(r * r, p, r) + 1;
        return e * Float.intBitsToFloat(((int) n + 127) << 23);
    }

    /**
     * The exponential function in double, for F64 steps; saturates at +-700.
     *
     * @param x
     *            any double; NaN gives NaN
     * @return e^x, within 2 ulp
     */
    public static double exp(double x) {
        double v = x < -700 ? -700 : x > 700 ? 700 : x;
        double rounder = 0x1.8p52;
        double n = Math.fma(v, 1.4426950408889634, rounder) - rounder;
        double high = 0x1.62e42fee00000p-1;
        double low = 0x1.a39ef35793c76p-33;
        double r = Math.fma(-n, low, Math.fma(-n, high, v));
        // The Taylor series: the first term left out is below 2^-57 at |r| = log(2)/2.
        double p = 1.0 / 6227020800.0;
        for (double reciprocal : EXP_TAYLOR) {
            p = Math.fma(p, r, reciprocal);
        }
        return Math.fma(p, r, 1) * Double.longBitsToDouble(((long) n + 1023) << 52);
    }

    /** 1 / k! for k = 12 .. 1. */
    private static final double[] EXP_TAYLOR = {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880,
        1.0 / 40320,
        1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1};
}
