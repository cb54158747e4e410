// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

/**
 * log, sin and cos as the double nearest to the true value, evaluated to some 100 bits. The C libraries that PyTorch calls differ
 * from this only where the true value lies within a few hundredths of an ulp of the middle between two doubles; {@link Math} and
 * {@link StrictMath} promise 1 ulp and differ far more often. Slow, for parity.
 */
final class CorrectlyRounded {
    private static final Twofold LN2 = new Twofold(0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56);
    // pi/2 in three parts: an angle can come within 2^-60 of a multiple of it, and 100 bits must be left then.
    private static final double HALF_PI_1 = 0x1.921fb54442d18p0;
    private static final double HALF_PI_2 = 0x1.1a62633145c07p-54;
    private static final double HALF_PI_3 = -0x1.f1976b7ed8fbcp-110;

    private CorrectlyRounded() {
    }

    /**
     * The natural logarithm: with u = 2^e m and s = (m - 1) / (m + 1), log(u) = e log(2) + 2 (s + s^3/3 + s^5/5 + ...).
     *
     * @param u
     *            positive, finite and normal
     */
    static double log(double u) {
        int exponent = Math.getExponent(u);
        double m = Math.scalb(u, -exponent);
        if (m > 1.4142135623730951) {
            m /= 2;
            exponent++;
        }
        Twofold s = Twofold.of(m - 1).over(Twofold.sum(m, 1));
        Twofold z = s.times(s);
        // |s| < 0.172: the first term left out is below 2^-110 of the sum.
        Twofold p = Twofold.of(0);
        for (int odd = 43; odd >= 1; odd -= 2) {
            p = p.times(z).plus(Twofold.of(1).over(Twofold.of(odd)));
        }
        return s.times(p).times(Twofold.of(2)).plus(LN2.times(Twofold.of(exponent))).high();
    }

    /**
     * The sine.
     *
     * @param angle
     *            in [0, 2 pi]
     */
    static double sin(double angle) {
        int quarter = quarter(angle);
        Twofold r = reduce(angle, quarter);
        double value = (quarter & 1) == 0 ? series(r, 0) : series(r, -1);
        return (quarter & 2) == 0 ? value : -value;
    }

    /**
     * The cosine.
     *
     * @param angle
     *            in [0, 2 pi]
     */
    static double cos(double angle) {
        int quarter = quarter(angle);
        Twofold r = reduce(angle, quarter);
        double value = (quarter & 1) == 0 ? series(r, -1) : series(r, 0);
        return ((quarter + 1) & 2) == 0 ? value : -value;
    }

    private static int quarter(double angle) {
        return (int) Math.rint(angle / HALF_PI_1);
    }

    private static Twofold reduce(double angle, int quarter) {
        Twofold first = Twofold.product(quarter, HALF_PI_1);
        // Exact: the two are within a factor of two of one another, or quarter is 0.
        double rest = angle - first.high();
        return Twofold.sum(rest, -first.low())
                .plus(Twofold.product(-quarter, HALF_PI_2))
                .plus(Twofold.product(-quarter, HALF_PI_3));
    }

    /**
     * The Taylor series 1 - r^2/(a (a + 1)) (1 - r^2/((a + 2) (a + 3)) (...)), nested; the first term left out is below 2^-107 for
     * r up to pi/4.
     *
     * @param shift
     *            0 for r (1 - r^2/(2 3) (...)), the sine; -1 for 1 - r^2/(1 2) (...), the cosine
     */
    private static double series(Twofold r, int shift) {
        Twofold z = r.times(r);
        Twofold one = Twofold.of(1);
        Twofold p = one;
        for (int n = 28 + shift; n > 0; n -= 2) {
            p = one.plus(p.times(z).over(Twofold.of(-n * (n + 1))));
        }
        return shift == 0 ? p.times(r).high() : p.high();
    }

    /**
     * The unevaluated sum of two doubles, the high one the sum's nearest double (Dekker 1971, "A floating-point technique for
     * extending the available precision"): some 104 bits.
     */
    private record Twofold(double high, double low) {

        static Twofold of(double value) {
            return new Twofold(value, 0);
        }

        /** a + b, exact. */
        static Twofold sum(double a, double b) {
            double s = a + b;
            double shadow = s - a;
            return new Twofold(s, (a - (s - shadow)) + (b - shadow));
        }

        /** a b, exact. */
        static Twofold product(double a, double b) {
            double p = a * b;
            return new Twofold(p, Math.fma(a, b, -p));
        }

        Twofold plus(Twofold other) {
            Twofold s = sum(high, other.high);
            Twofold t = sum(low, other.low);
            Twofold u = sum(s.high, s.low + t.high);
            return sum(u.high, u.low + t.low);
        }

        Twofold times(Twofold other) {
            Twofold p = product(high, other.high);
            return sum(p.high, p.low + (high * other.low + low * other.high));
        }

        Twofold over(Twofold other) {
            double first = high / other.high;
            Twofold rest = plus(other.times(of(-first)));
            double second = rest.high / other.high;
            double third = rest.plus(other.times(of(-second))).high / other.high;
            return sum(first, second).plus(of(third));
        }
    }
}
