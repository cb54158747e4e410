// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.random;

/**
 * log, sin, cos and exp from + - * / sqrt and fma alone. Library versions differ between JIT tiers, processors and devices in the
 * last bit; these do not, because every operation in them is rounded by IEEE 754. The polynomials interpolate at Chebyshev nodes;
 * the tests state their errors.
 */
public final class Elementary {
    /** (log(1 + f) - f + f^2/2) / f^3 on [sqrt(1/2) - 1, sqrt(2) - 1]: the coefficient of f^0. */
    public static final float LOG_0 = 0.3333333f;
    /** (log(1 + f) - f + f^2/2) / f^3 on [sqrt(1/2) - 1, sqrt(2) - 1]: the coefficient of f^1. */
    public static final float LOG_1 = -0.24999997f;
    /** (log(1 + f) - f + f^2/2) / f^3 on [sqrt(1/2) - 1, sqrt(2) - 1]: the coefficient of f^2. */
    public static final float LOG_2 = 0.20000716f;
    /** (log(1 + f) - f + f^2/2) / f^3 on [sqrt(1/2) - 1, sqrt(2) - 1]: the coefficient of f^3. */
    public static final float LOG_3 = -0.16667803f;
    /** (log(1 + f) - f + f^2/2) / f^3 on [sqrt(1/2) - 1, sqrt(2) - 1]: the coefficient of f^4. */
    public static final float LOG_4 = 0.14249058f;
    /** (log(1 + f) - f + f^2/2) / f^3 on [sqrt(1/2) - 1, sqrt(2) - 1]: the coefficient of f^5. */
    public static final float LOG_5 = -0.12425687f;
    /** (log(1 + f) - f + f^2/2) / f^3 on [sqrt(1/2) - 1, sqrt(2) - 1]: the coefficient of f^6. */
    public static final float LOG_6 = 0.1168542f;
    /** (log(1 + f) - f + f^2/2) / f^3 on [sqrt(1/2) - 1, sqrt(2) - 1]: the coefficient of f^7. */
    public static final float LOG_7 = -0.11479734f;
    /** (log(1 + f) - f + f^2/2) / f^3 on [sqrt(1/2) - 1, sqrt(2) - 1]: the coefficient of f^8. */
    public static final float LOG_8 = 0.06971612f;

    /** (sin(y) / y - 1) / y^2, in y^2, on [-pi/4, pi/4]: the coefficient of (y^2)^0. */
    public static final float SIN_0 = -0.16666667f;
    /** (sin(y) / y - 1) / y^2, in y^2, on [-pi/4, pi/4]: the coefficient of (y^2)^1. */
    public static final float SIN_1 = 0.008333332f;
    /** (sin(y) / y - 1) / y^2, in y^2, on [-pi/4, pi/4]: the coefficient of (y^2)^2. */
    public static final float SIN_2 = -0.00019840087f;
    /** (sin(y) / y - 1) / y^2, in y^2, on [-pi/4, pi/4]: the coefficient of (y^2)^3. */
    public static final float SIN_3 = 2.7249894e-06f;

    /** (cos(y) - 1 + y^2/2) / y^4, in y^2, on [-pi/4, pi/4]: the coefficient of (y^2)^0. */
    public static final float COS_0 = 0.041666664f;
    /** (cos(y) - 1 + y^2/2) / y^4, in y^2, on [-pi/4, pi/4]: the coefficient of (y^2)^1. */
    public static final float COS_1 = -0.0013888302f;
    /** (cos(y) - 1 + y^2/2) / y^4, in y^2, on [-pi/4, pi/4]: the coefficient of (y^2)^2. */
    public static final float COS_2 = 2.4547917e-05f;

    /** (e^r - 1 - r) / r^2 on [-log(2)/2, log(2)/2]: the coefficient of r^0. */
    public static final float EXP_0 = 0.5f;
    /** (e^r - 1 - r) / r^2 on [-log(2)/2, log(2)/2]: the coefficient of r^1. */
    public static final float EXP_1 = 0.16666576f;
    /** (e^r - 1 - r) / r^2 on [-log(2)/2, log(2)/2]: the coefficient of r^2. */
    public static final float EXP_2 = 0.041666556f;
    /** (e^r - 1 - r) / r^2 on [-log(2)/2, log(2)/2]: the coefficient of r^3. */
    public static final float EXP_3 = 0.008363179f;
    /** (e^r - 1 - r) / r^2 on [-log(2)/2, log(2)/2]: the coefficient of r^4. */
    public static final float EXP_4 = 0.0013926184f;

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
        float p = Math.fma(LOG_8, f, LOG_7);
        p = Math.fma(p, f, LOG_6);
        p = Math.fma(p, f, LOG_5);
        p = Math.fma(p, f, LOG_4);
        p = Math.fma(p, f, LOG_3);
        p = Math.fma(p, f, LOG_2);
        p = Math.fma(p, f, LOG_1);
        p = Math.fma(p, f, LOG_0);
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
        float p = Math.fma(Math.fma(Math.fma(SIN_3, z, SIN_2), z, SIN_1), z, SIN_0);
        return Math.fma(y * z, p, y);
    }

    /**
     * The cosine.
     *
     * @param y
     *            in [-pi/4, pi/4]
     * @return cos(y), within 1 ulp
     */
    public static float cosQuarter(float y) {
        float z = y * y;
        float p = Math.fma(Math.fma(COS_2, z, COS_1), z, COS_0);
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
        float p = Math.fma(Math.fma(Math.fma(Math.fma(EXP_4, r, EXP_3), r, EXP_2), r, EXP_1), r, EXP_0);
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
