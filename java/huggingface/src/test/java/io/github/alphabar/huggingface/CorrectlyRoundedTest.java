// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The expected values were computed with 300 bits. */
class CorrectlyRoundedTest {

    /** The ends of the range, the places where the series change over, and values near the middle between two doubles. */
    @ParameterizedTest
    @CsvSource({"0x1p-53, -0x1.25e4f7b2737fap+5", "0x1.fffffffffffffp-1, -0x1.0p-53", "1.0, 0.0",
        "0x1.6a09e667f3bcdp-1, -0x1.62e42fefa39eep-2", "0x1.159fdf95e6400p-3, -0x1.ff93d4f63972dp+0",
        "0x1.a7acecc6b81a2p-1, -0x1.83cd825dd53cdp-3", "0x1.e94951061bfb5p-1, -0x1.73b9b48cd67d2p-5"})
    void logarithms(double u, double expected) {
        assertEquals(expected, CorrectlyRounded.log(u) + 0.0);
    }

    @ParameterizedTest
    @CsvSource({"0.0, 0.0", "0x1.921fb54442d18p1, 0x1.1a62633145c07p-53", "0x1.921fb54442d18p2, -0x1.1a62633145c07p-52",
        "0x1.4bc08f251d867p+2, -0x1.c83201d3d2c6dp-1", "0x1.88121d88f4591p+2, -0x1.4060b67a8537dp-3",
        "0x1.e59c15082f893p-1, 0x1.a0022f69ffe53p-1"})
    void sines(double angle, double expected) {
        assertEquals(expected, CorrectlyRounded.sin(angle));
    }

    @ParameterizedTest
    @CsvSource({"0.0, 1.0", "0x1.921fb54442d18p0, 0x1.1a62633145c07p-54", "0x1.2d97c7f3321d2p2, -0x1.a79394c9e8a0ap-53",
        "0x1.cebd0de1ae1bbp+0, -0x1.e066167b78d5dp-3", "0x1.0f635e82880cdp+2, -0x1.d188b5316e34bp-2",
        "0x1.1e47c96d696ccp+2, -0x1.e55674309c30dp-3"})
    void cosines(double angle, double expected) {
        assertEquals(expected, CorrectlyRounded.cos(angle));
    }

    /** StrictMath promises 1 ulp, so the nearest double is at most one away from its value. */
    @Test
    void everywhereWithinAnUlpOfStrictMath() {
        for (int i = 1; i < 20_000; i++) {
            double u = i / 20_000.0;
            double angle = 2 * Math.PI * u;
            assertEquals(StrictMath.log(u), CorrectlyRounded.log(u), Math.ulp(StrictMath.log(u)));
            assertEquals(StrictMath.sin(angle), CorrectlyRounded.sin(angle), Math.ulp(StrictMath.sin(angle)));
            assertEquals(StrictMath.cos(angle), CorrectlyRounded.cos(angle), Math.ulp(StrictMath.cos(angle)));
        }
    }
}
