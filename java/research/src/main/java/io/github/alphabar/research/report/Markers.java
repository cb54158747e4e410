// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.report;

/** The outlines of the markers, around 0. */
final class Markers {
    private static final double R = 3.4;
    private static final int CORNERS = 12;

    private Markers() {
    }

    static double[][] outline(int marker) {
        double r = R;
        return switch (marker) {
            case 1 -> new double[][] {{-r, -r}, {r, -r}, {r, r}, {-r, r}};
            case 2 -> new double[][] {{0, -r * 1.2}, {r * 1.2, r}, {-r * 1.2, r}};
            case 3 -> new double[][] {{0, -r * 1.35}, {r * 1.35, 0}, {0, r * 1.35}, {-r * 1.35, 0}};
            case 4 -> new double[][] {{-r, -r}, {r, r}, {-r, r}, {r, -r}};
            case 5 -> new double[][] {{0, r * 1.2}, {r * 1.2, -r}, {-r * 1.2, -r}};
            default -> {
                double[][] disc = new double[CORNERS][];
                for (int i = 0; i < CORNERS; i++) {
                    double a = 2 * Math.PI * i / CORNERS;
                    disc[i] = new double[] {r * Math.cos(a), r * Math.sin(a)};
                }
                yield disc;
            }
        };
    }
}
