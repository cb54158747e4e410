// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import java.util.Arrays;

/**
 * The factor of one sample's rescaled guidance, {@code rescale std(cond) / std(guided) + (1 - rescale)} (Lin et al. 2024,
 * arXiv:2305.08891, eq. 15 and 16). Sums depend on their order, so the order is fixed for every backend: element e is added to lane
 * e mod 1024 in increasing order, and the lanes are folded in halves, 512 + 512, 256 + 256 and so on. Everything is in double; two
 * passes, the mean and then the squares around it, divided by n - 1.
 */
final class Rescale {
    private static final int LANES = 1024;

    private final double[] cond = new double[LANES];
    private final double[] guided = new double[LANES];

    double of(StepParams p, StepOperands o, HostBackend.Chunk c) {
        long n = o.elements;
        sum(p, o, c, 0, 0, false);
        double condMean = folded(cond) / n;
        double guidedMean = folded(guided) / n;
        sum(p, o, c, condMean, guidedMean, true);
        return factor(p.rescale, folded(cond), folded(guided), n);
    }

    /** A sample without spread has nothing to keep: its factor is 1. */
    static double factor(double rescale, double condSquares, double guidedSquares, long n) {
        if (n < 2 || guidedSquares == 0) {
            return 1;
        }
        double count = n - 1;
        double kept = rescale * (Math.sqrt(condSquares / count) / Math.sqrt(guidedSquares / count));
        return kept + (1 - rescale);
    }

    private void sum(StepParams p, StepOperands o, HostBackend.Chunk c, double condMean, double guidedMean,
            boolean squared) {
        Arrays.fill(cond, 0);
        Arrays.fill(guided, 0);
        boolean wide = o.out.dtype() == DType.F64;
        for (long e = 0; e < o.elements; e++) {
            int lane = (int) (e & (LANES - 1));
            double of = wide ? ScalarRow.output64(o, c, e) : ScalarRow.output32(o, c, e);
            double g = wide ? ScalarRow.combined64(p, o, c, e) : ScalarRow.combined32(p, o, c, e);
            if (squared) {
                of -= condMean;
                g -= guidedMean;
                of *= of;
                g *= g;
            }
            cond[lane] += of;
            guided[lane] += g;
        }
    }

    private static double folded(double[] lanes) {
        for (int half = LANES / 2; half > 0; half /= 2) {
            for (int k = 0; k < half; k++) {
                lanes[k] += lanes[k + half];
            }
        }
        return lanes[0];
    }
}
