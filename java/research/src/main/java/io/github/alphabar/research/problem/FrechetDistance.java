// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.problem;

import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.EigenDecompositionSymmetric;
import org.hipparchus.linear.RealMatrix;

/**
 * The squared Frechet distance between two sets of vectors, each taken for a Gaussian (Heusel et al. 2017, arXiv:1706.08500, eq. 6):
 *
 * <pre>
 * d^2 = |m1 - m2|^2 + tr(C1 + C2 - 2 (C1^(1/2) C2 C1^(1/2))^(1/2))
 * </pre>
 *
 * With the features of an image classifier it is the field's FID. It depends on the number of vectors: two finite sets of one
 * distribution are not at 0. Immutable.
 */
public final class FrechetDistance {
    private final double[] mean;
    private final RealMatrix covariance;
    private final RealMatrix root;

    /**
     * Fits the set that others are compared with.
     *
     * @param reference
     *            vectors of d numbers, at least 2
     */
    public FrechetDistance(double[][] reference) {
        mean = mean(reference);
        covariance = covariance(reference, mean);
        root = root(covariance);
    }

    /**
     * The distance of another set.
     *
     * @param vectors
     *            vectors of d numbers, at least 2
     * @return the squared distance, at least 0 but for rounding errors
     */
    public double distance(double[][] vectors) {
        double[] m = mean(vectors);
        RealMatrix c = covariance(vectors, m);
        double square = 0;
        for (int j = 0; j < m.length; j++) {
            square += (m[j] - mean[j]) * (m[j] - mean[j]);
        }
        RealMatrix product = root.multiply(c).multiply(root);
        double cross = 0;
        for (double e : symmetric(product).getEigenvalues()) {
            cross += Math.sqrt(Math.max(0, e));
        }
        return square + covariance.getTrace() + c.getTrace() - 2 * cross;
    }

    private static double[] mean(double[][] vectors) {
        if (vectors.length < 2) {
            throw new IllegalArgumentException(
                    "A covariance needs at least 2 vectors, but got " + vectors.length + ".");
        }
        double[] mean = new double[vectors[0].length];
        for (double[] v : vectors) {
            for (int j = 0; j < mean.length; j++) {
                mean[j] += v[j] / vectors.length;
            }
        }
        return mean;
    }

    private static RealMatrix covariance(double[][] vectors, double[] mean) {
        int d = mean.length;
        double[][] c = new double[d][d];
        double[] off = new double[d];
        for (double[] v : vectors) {
            for (int j = 0; j < d; j++) {
                off[j] = v[j] - mean[j];
            }
            for (int i = 0; i < d; i++) {
                for (int j = 0; j <= i; j++) {
                    c[i][j] += off[i] * off[j] / (vectors.length - 1);
                }
            }
        }
        for (int i = 0; i < d; i++) {
            for (int j = 0; j < i; j++) {
                c[j][i] = c[i][j];
            }
        }
        return new Array2DRowRealMatrix(c, false);
    }

    private static EigenDecompositionSymmetric symmetric(RealMatrix matrix) {
        // A product of three is symmetric up to rounding only.
        RealMatrix even = matrix.add(matrix.transpose()).scalarMultiply(0.5);
        return new EigenDecompositionSymmetric(even);
    }

    private static RealMatrix root(RealMatrix matrix) {
        EigenDecompositionSymmetric e = symmetric(matrix);
        double[] values = e.getEigenvalues();
        RealMatrix v = e.getV();
        RealMatrix scaled = v.copy();
        for (int j = 0; j < values.length; j++) {
            double s = Math.sqrt(Math.max(0, values[j]));
            for (int i = 0; i < values.length; i++) {
                scaled.setEntry(i, j, v.getEntry(i, j) * s);
            }
        }
        return scaled.multiply(v.transpose());
    }
}
