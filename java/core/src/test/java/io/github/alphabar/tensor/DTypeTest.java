// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** F16 and BF16 against a reference of their definitions, written in double without a bit trick. */
public class DTypeTest {

    /** The value of a two-byte float with so many exponent and mantissa bits. */
    public static double value(int bits, int exponentBits, int mantissaBits) {
        int mantissa = bits & ((1 << mantissaBits) - 1);
        int exponent = bits >>> mantissaBits & ((1 << exponentBits) - 1);
        int bias = (1 << exponentBits - 1) - 1;
        double magnitude;
        if (exponent == (1 << exponentBits) - 1) {
            magnitude = mantissa == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
        } else if (exponent == 0) {
            magnitude = Math.scalb((double) mantissa, 1 - bias - mantissaBits);
        } else {
            magnitude = Math.scalb(1 + Math.scalb((double) mantissa, -mantissaBits), exponent - bias);
        }
        return (bits & 0x8000) != 0 ? -magnitude : magnitude;
    }

    /** The nearest of all values, ties to the even one; beyond the last midpoint infinity. */
    static int nearest(double x, int exponentBits, int mantissaBits) {
        int sign = Math.copySign(1, x) < 0 ? 0x8000 : 0;
        double magnitude = Math.abs(x);
        int infinity = ((1 << exponentBits) - 1) << mantissaBits;
        int low = 0;
        int high = infinity;
        while (high - low > 1) {
            int middle = low + high >>> 1;
            if (value(middle, exponentBits, mantissaBits) <= magnitude) {
                low = middle;
            } else {
                high = middle;
            }
        }
        double below = value(low, exponentBits, mantissaBits);
        // The step to infinity is as long as the last step, as if the exponent went on.
        double above = high == infinity ? below + (below - value(low - 1, exponentBits, mantissaBits))
                : value(high, exponentBits, mantissaBits);
        double fromBelow = magnitude - below;
        double toAbove = above - magnitude;
        boolean up = Double.isInfinite(magnitude) || fromBelow > toAbove || (fromBelow == toAbove && (low & 1) == 1);
        return sign | (up ? high : low);
    }

    /** Floats where rounding to a two-byte type changes: all its values and the midpoints between them, and their neighbours. */
    public static float[] boundaries(int exponentBits, int mantissaBits) {
        List<Float> list = new ArrayList<>();
        int infinity = ((1 << exponentBits) - 1) << mantissaBits;
        for (int bits = 0; bits < infinity; bits++) {
            double here = value(bits, exponentBits, mantissaBits);
            double next = bits + 1 == infinity ? here + (here - value(bits - 1, exponentBits, mantissaBits))
                    : value(bits + 1, exponentBits, mantissaBits);
            for (double center : new double[] {here, here + (next - here) / 2}) {
                float f = (float) center;
                for (float near : new float[] {Math.nextDown(f), f, Math.nextUp(f)}) {
                    list.add(near);
                    list.add(-near);
                }
            }
        }
        for (float extra : new float[] {Float.MIN_VALUE, Float.MIN_NORMAL, Math.nextDown(Float.MIN_NORMAL),
            Float.MAX_VALUE, Float.POSITIVE_INFINITY, Float.NaN, 65504, 65519.996f, 65520, 65536, 1e30f, 0x1p-25f,
            Math.nextUp(0x1p-25f), 0x1p-26f, Float.intBitsToFloat(0x7f800001), Float.intBitsToFloat(0x7fffffff)}) {
            list.add(extra);
            list.add(-extra);
        }
        float[] all = new float[list.size()];
        for (int i = 0; i < all.length; i++) {
            all[i] = list.get(i);
        }
        return all;
    }

    private static HostTensor one(DType type) {
        return HostTensor.of(new short[1], type);
    }

    private static void raw(HostTensor t, int bits) {
        t.segment().set(java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED, 0, (short) bits);
    }

    private static int raw(HostTensor t) {
        return t.segment().get(java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED, 0) & 0xffff;
    }

    @Test
    void everyPatternWidensExactly() {
        HostTensor f16 = one(DType.F16);
        HostTensor bf16 = one(DType.BF16);
        for (int bits = 0; bits < 1 << 16; bits++) {
            raw(f16, bits);
            raw(bf16, bits);
            // Double.compare tells -0 from 0 and takes every NaN for the same.
            assertEquals(0, Double.compare(value(bits, 5, 10), f16.getFloat(0)), "F16 " + Integer.toHexString(bits));
            assertEquals(0, Double.compare(value(bits, 8, 7), bf16.getFloat(0)), "BF16 " + Integer.toHexString(bits));
            assertEquals(f16.getFloat(0), Float.float16ToFloat((short) bits), "F16 " + Integer.toHexString(bits));
        }
    }

    @Test
    void everyPatternComesBack() {
        for (DType type : List.of(DType.F16, DType.BF16)) {
            HostTensor t = one(type);
            for (int bits = 0; bits < 1 << 16; bits++) {
                raw(t, bits);
                float wide = t.getFloat(0);
                t.setFloat(0, wide);
                if (Float.isNaN(wide)) {
                    assertTrue(Float.isNaN(t.getFloat(0)), type + " " + Integer.toHexString(bits));
                } else {
                    assertEquals(bits, raw(t), type + " " + Integer.toHexString(bits));
                }
            }
        }
    }

    @Test
    void roundingIsToNearestEvenAtEveryBoundary() {
        HostTensor f16 = one(DType.F16);
        for (float x : boundaries(5, 10)) {
            f16.setFloat(0, x);
            check(x, f16, 5, 10);
        }
        HostTensor bf16 = one(DType.BF16);
        for (float x : boundaries(8, 7)) {
            bf16.setFloat(0, x);
            check(x, bf16, 8, 7);
        }
    }

    private static void check(float x, HostTensor got, int exponentBits, int mantissaBits) {
        String what = got.dtype() + " of " + x + " (0x" + Integer.toHexString(Float.floatToRawIntBits(x)) + ")";
        if (Float.isNaN(x)) {
            assertTrue(Float.isNaN(got.getFloat(0)), what);
        } else {
            assertEquals(nearest(x, exponentBits, mantissaBits), raw(got), what);
        }
    }

    @Test
    void namesAreReadInAnyCaseAndUnknownOnesAreToldTheKnown() {
        assertEquals(DType.BF16, DType.parse(" bF16 "));
        String message = assertThrows(IllegalArgumentException.class, () -> DType.parse("int8")).getMessage();
        assertTrue(message.contains("int8") && message.contains("bf16"), message);
    }
}
