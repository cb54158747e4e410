// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.alphabar.plan.Clip;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ThresholdTest {

    @Test
    void thePredictionIsDividedByTheQuantileOfItsSample() {
        for (DType type : new DType[] {DType.F32, DType.F64}) {
            for (int seed = 0; seed < 500; seed++) {
                RowCase c = new RowCase().all(type);
                c.contents = seed;
                c.elements = 1 + seed % 70;
                c.samples = 2;
                c.px = 0;
                c.pg = 1;
                c.cp = 1;
                c.clip = Clip.dynamic(Math.max(0.01, seed % 101 / 100.0), 2.5);
                StepOperands o = c.run(new ScalarBackend()).operands;
                for (int s = 0; s < 2; s++) {
                    double[] magnitudes = new double[c.elements];
                    for (int e = 0; e < c.elements; e++) {
                        magnitudes[e] = Math.abs(((HostTensor) o.output).getDouble((long) s * c.elements + e));
                    }
                    Arrays.sort(magnitudes);
                    double position = c.clip.quantile() * (c.elements - 1);
                    int below = (int) position;
                    double next = magnitudes[Math.min(below + 1, c.elements - 1)];
                    double want = magnitudes[below] + (position - below) * (next - magnitudes[below]);
                    double threshold = Math.min(2.5, Math.max(1, want));
                    for (int e = 0; e < c.elements; e++) {
                        double p = ((HostTensor) o.output).getDouble((long) s * c.elements + e);
                        double clipped = Math.min(threshold, Math.max(-threshold, p)) / threshold;
                        // In float the position has a rounding of 70 2^-24 and the weight with it, of gaps below 3; the
                        // threshold, the quotient and the values themselves have a few of 2^-24.
                        double tolerance = type == DType.F64 ? 1e-14 : 16 * 0x1p-24 + 3 * 70 * 0x1p-24;
                        assertEquals(clipped, ((HostTensor) o.out).getDouble((long) s * c.elements + e), tolerance,
                                "seed " + seed + " of " + c);
                    }
                }
            }
        }
    }

    @Test
    void theRankStaysInsideSamplesWhoseSizeIsNoFloat() {
        // n - 1 = 2^24 + 3 is rounded to 2^24 + 4 = n.
        long n = (1L << 24) + 4;
        assertEquals(n, (long) (float) (n - 1));
        assertEquals(n - 1, Threshold.rank(1f * (float) (n - 1), n));
        assertEquals(2, Threshold.rank(2.75, 5));
    }
}
