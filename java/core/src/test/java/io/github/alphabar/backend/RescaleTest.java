// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Rescaled guidance is that of Lin et al. 2024, arXiv:2305.08891, eq. 15 and 16. */
class RescaleTest {
    private static final int SAMPLES = 2;
    /** Two rounds over the 1024 lanes of the sums, and some. */
    private static final int ELEMENTS = 2 * 1024 + 77;

    /** A row that hands g on: x' = 1 g, in double. */
    private static double[] guided(int elements, double weight, double rescale, double[] uncond, double[] cond) {
        RowCase c = new RowCase();
        c.cg = 1;
        c.px = 0;
        c.pg = 0;
        c.guided = RowCase.Guided.TWO_TENSORS;
        c.weight = weight;
        c.rescale = rescale;
        StepParams p = c.paramsIn(DType.F64);
        StepOperands o = new StepOperands();
        o.samples = uncond.length / elements;
        o.elements = elements;
        o.outputStride = elements;
        o.uncond = HostTensor.of(uncond);
        o.output = HostTensor.of(cond);
        HostTensor out = HostTensor.of(new double[uncond.length]);
        o.out = out;
        try (Backend scalar = new ScalarBackend(); Backend.Workspace w = scalar.workspace(o.samples, elements)) {
            scalar.step(p, o, w);
        }
        return out.toDoubleArray();
    }

    /** As numpy and torch define it, with n - 1. */
    private static double deviation(double[] values) {
        double mean = Arrays.stream(values).sum() / values.length;
        return Math.sqrt(Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum() / (values.length - 1));
    }

    private static double[] random(long seed, int count, double scale) {
        return new SplittableRandom(seed).doubles(count, -scale, 1.5 * scale).toArray();
    }

    @Test
    void aFullRescaleKeepsTheConditionalDeviationOfEachSample() {
        double[] uncond = random(1, SAMPLES * ELEMENTS, 1);
        double[] cond = random(2, SAMPLES * ELEMENTS, 3);
        double[] got = guided(ELEMENTS, 7.5, 1, uncond, cond);
        for (int s = 0; s < SAMPLES; s++) {
            double want = deviation(Arrays.copyOfRange(cond, s * ELEMENTS, (s + 1) * ELEMENTS));
            double is = deviation(Arrays.copyOfRange(got, s * ELEMENTS, (s + 1) * ELEMENTS));
            // Sums of 2125 squares, each rounded once: far below 2125 x 2^-53.
            assertEquals(want, is, want * 1e-13);
        }
    }

    @Test
    void aPartMixesTheRescaledWithThePlainOne() {
        double[] uncond = random(3, SAMPLES * ELEMENTS, 1);
        double[] cond = random(4, SAMPLES * ELEMENTS, 2);
        double[] plain = guided(ELEMENTS, 5, 0, uncond, cond);
        double[] whole = guided(ELEMENTS, 5, 1, uncond, cond);
        double[] got = guided(ELEMENTS, 5, 0.7, uncond, cond);
        for (int i = 0; i < got.length; i++) {
            double want = 0.7 * whole[i] + (1 - 0.7) * plain[i];
            // A handful of roundings of numbers below 20.
            assertEquals(want, got[i], 20 * 8 * 0x1p-53);
        }
    }

    @Test
    void aSampleWithoutSpreadIsLeftAlone() {
        double[] flat = new double[2 * 8];
        Arrays.fill(flat, 0.5);
        assertArrayEquals(flat, guided(8, 3, 1, flat, flat));
        // One element has no deviation.
        assertArrayEquals(new double[] {4, 9}, guided(1, 1, 1, new double[] {1, 2}, new double[] {4, 9}));
    }

    @Test
    void theShareIsBetweenNoneAndAll() {
        assertEquals(new Guidance(7.5, 0.7), Guidance.scale(7.5).rescaled(0.7));
        assertThrows(IllegalArgumentException.class, () -> new Guidance(1, -0.1));
        assertThrows(IllegalArgumentException.class, () -> new Guidance(1, 1.1));
        assertThrows(IllegalArgumentException.class, () -> new Guidance(1, Double.NaN));
    }
}
