// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.report;

/** What a plot is drawn on. Coordinates are pixels of a plot at its natural size, y downwards. */
interface Canvas {
    /** What a mark is for; each canvas knows its colours. */
    enum Ink {
        TEXT, FAINT, GRID, FRAME
    }

    /** Where a text stands relative to its point. */
    enum Anchor {
        START, MIDDLE, END
    }

    void line(double x1, double y1, double x2, double y2, Ink ink);

    /** A series: a line through points (dash 0 is solid) and a marker on each. */
    void series(double[][] points, Style style);

    /** An interval around a point. */
    void whisker(double x, double low, double high, Style style);

    void text(double x, double y, String text, Anchor anchor, double size, Ink ink);

    /** A text that reads upwards. */
    void upwards(double x, double y, String text, double size, Ink ink);

    /** An enlarged pixel or a bar. */
    void bar(double x, double y, double width, double height, Style style);
}
