// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

/**
 * The numbers in which coefficients are computed: double, or float32 operation by operation, as code does that keeps its scalars in
 * float32 tensors. The formulas are the solvers' own in either case; {@link #of} stands around every operation they round.
 *
 * <p>
 * float32 loses digits wherever a coefficient is a difference: of e^z - 1 about 6e-8 / |z| is noise, of z phi3(z), which is near z / 6,
 * about 4e-7 / |z|^3. It is here to repeat such code, never to be preferred.
 *
 * <p>
 * One float32 operation on float32 operands is the double operation rounded once more: for + - * / and the square root 53 bits are
 * enough to make the two roundings one (Figueroa 1995, "When is double rounding innocuous?").
 */
public enum Arithmetic {
    /** double throughout; differences that cancel are taken by expm1 and by series. */
    DOUBLE,
    /** float32 as diffusers computes: e^z - 1 by a subtraction, the functions phi by quotients. */
    FLOAT32,
    /** float32 as the DPM-Solver authors' code computes: e^z - 1 by expm1, the functions phi by quotients of it. */
    FLOAT32_EXPM1;

    /**
     * Rounds the result of an operation.
     *
     * @param value
     *            of one operation on values rounded before
     * @return the nearest float32, or the value itself in double
     */
    public double of(double value) {
        return this == DOUBLE ? value : (float) value;
    }

    /**
     * The square root.
     *
     * @param value
     *            at least 0
     * @return rounded
     */
    public double sqrt(double value) {
        return of(Math.sqrt(value));
    }

    /**
     * The natural logarithm.
     *
     * @param value
     *            at least 0
     * @return rounded; the same on every machine in float32
     */
    public double log(double value) {
        return this == DOUBLE ? Math.log(value) : (float) StrictMath.log(value);
    }

    /**
     * The exponential.
     *
     * @param z
     *            any
     * @return e^z, rounded; the same on every machine in float32
     */
    public double exp(double z) {
        return this == DOUBLE ? Math.exp(z) : (float) StrictMath.exp(z);
    }

    /**
     * The exponential less 1, which is z phi1(z).
     *
     * @param z
     *            any
     * @return e^z - 1
     */
    public double expm1(double z) {
        return switch (this) {
            case DOUBLE -> Math.expm1(z);
            case FLOAT32 -> of(exp(z) - 1);
            case FLOAT32_EXPM1 -> (float) StrictMath.expm1(z);
        };
    }

    /** z phi2(z) = (e^z - 1) / z - 1. */
    double zPhi2(double z) {
        return this == DOUBLE ? z * Phi.phi2(z) : of(of(expm1(z) / z) - 1);
    }

    /** z phi3(z) = (e^z - 1 - z) / z^2 - 1/2. */
    double zPhi3(double z) {
        return switch (this) {
            case DOUBLE -> z * Phi.phi3(z);
            case FLOAT32 -> of(of(of(expm1(z) - z) / of(z * z)) - 0.5);
            case FLOAT32_EXPM1 -> of(of(zPhi2(z) / z) - 0.5);
        };
    }
}
