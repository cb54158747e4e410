// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.report;

/**
 * How a series looks: one of seven colours that people with any colour vision tell apart (Okabe and Ito 2008), a marker and a dash, so
 * that colour is never all that tells two series apart.
 *
 * @param colour
 *            0 to 6
 * @param marker
 *            0 to 5: disc, square, triangle, diamond, cross, triangle upside down
 * @param dash
 *            0 solid, 1 dashed, 2 dotted
 */
public record Style(int colour, int marker, int dash) {
    /** For a light ground. */
    static final String[] LIGHT = {"#0072b2", "#d55e00", "#009e73", "#b04a85", "#b07800", "#2f8fc4", "#333333"};
    /** The same hues, lighter, for a dark ground. */
    static final String[] DARK = {"#4db2f0", "#ff8a3d", "#2fd3a2", "#e79cc8", "#e8b53a", "#8fd0f5", "#dddddd"};
    private static final int MARKERS = 6;

    /**
     * The style of the k-th series of a plot.
     *
     * @param k
     *            from 0
     * @return a style; the first 42 differ in colour or marker, all in dash after each seven
     */
    public static Style of(int k) {
        return new Style(k % LIGHT.length, (k % LIGHT.length + k / LIGHT.length) % MARKERS, k / LIGHT.length % 3);
    }
}
