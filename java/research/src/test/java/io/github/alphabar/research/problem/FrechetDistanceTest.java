// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.problem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Random;
import org.junit.jupiter.api.Test;

class FrechetDistanceTest {
    private static double[][] vectors(int count, long seed) {
        Random random = new Random(seed);
        double[][] v = new double[count][5];
        for (double[] row : v) {
            double shared = random.nextGaussian();
            for (int j = 0; j < 5; j++) {
                row[j] = shared + (j + 1) * random.nextGaussian();
            }
        }
        return v;
    }

    /** The root of a product of roundings of size 1e-14 is 1e-7 in each of 5 directions. */
    @Test
    void aSetIsAtNoDistanceFromItself() {
        double[][] v = vectors(300, 1);
        assertEquals(0, new FrechetDistance(v).distance(v), 1e-6);
    }

    @Test
    void aShiftCountsWithItsSquare() {
        double[][] v = vectors(300, 1);
        double[][] moved = vectors(300, 1);
        for (double[] row : moved) {
            row[2] += 3;
        }
        assertEquals(9, new FrechetDistance(v).distance(moved), 1e-6);
    }

    /** Scaled by 3, C2 = 9 C1 and tr(C1 + 9 C1 - 2 * 3 C1) = 4 tr(C1), the means at 0. */
    @Test
    void aScaleCountsByTheTrace() {
        double[][] v = vectors(400, 2);
        double trace = 0;
        for (int j = 0; j < 5; j++) {
            double mean = 0;
            for (double[] row : v) {
                mean += row[j] / v.length;
            }
            for (double[] row : v) {
                row[j] -= mean;
                trace += row[j] * row[j] / (v.length - 1);
            }
        }
        double[][] wide = new double[v.length][5];
        for (int i = 0; i < v.length; i++) {
            for (int j = 0; j < 5; j++) {
                wide[i][j] = 3 * v[i][j];
            }
        }
        assertEquals(4 * trace, new FrechetDistance(v).distance(wide), 1e-9 * trace);
    }

    @Test
    void oneVectorHasNoCovariance() {
        assertThrows(IllegalArgumentException.class, () -> new FrechetDistance(new double[1][5]));
    }
}
