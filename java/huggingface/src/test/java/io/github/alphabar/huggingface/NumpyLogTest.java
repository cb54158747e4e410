// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against values of numpy 2.4.6 on a CPU with AVX-512; the algorithm is that of 1.24, whose timesteps the recorded traces hold. */
class NumpyLogTest {

    /** The first five are an ulp off the nearest float; then the seam at sqrt(1/2), usual sigmas, and the ends of float32. */
    @ParameterizedTest
    @CsvSource({"0x1.5c779ap-1, -0x1.8a03eap-2", "0x1.08deccp-1, -0x1.51738p-1", "0x1.2f4276p0, 0x1.5af492p-3",
        "0x1.1fea6p0, 0x1.e13cep-4", "0x1.a36eccp0, 0x1.f99348p-2", "0x1.6a09e6p-1, -0x1.62e43p-2",
        "0x1.6a09e8p-1, -0x1.62e42ap-2", "0x1.d3ab3p3, 0x1.574c92p1", "0x1p12, 0x1.0a2b24p3",
        "0x1p-126, -0x1.5d58ap6", "0x1.16c2p-133, -0x1.7069e4p6", "0x1p-149, -0x1.9d1dap6", "1, 0",
        "Infinity, Infinity"})
    void logarithms(float u, float expected) {
        assertEquals(expected, NumpyLog.log(u) + 0f);
    }

    @Test
    void withinFourUlpOfTheLogarithmAndOftenNotTheNearest() {
        Random r = new Random(1);
        int off = 0;
        for (int i = 0; i < 100_000; i++) {
            float u = (float) Math.exp(24 * r.nextDouble() - 12);
            // numpy documents at most 3.83 ulp.
            float nearest = (float) StrictMath.log(u);
            assertEquals(nearest, NumpyLog.log(u), 4 * Math.ulp(nearest));
            off += NumpyLog.log(u) == nearest ? 0 : 1;
        }
        // One in sixteen, as in numpy itself.
        assertTrue(off > 5_000 && off < 8_000, off + " off");
    }
}
