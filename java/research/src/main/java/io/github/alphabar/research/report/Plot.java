// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.report;

import io.github.alphabar.research.report.Canvas.Anchor;
import io.github.alphabar.research.report.Canvas.Ink;
import java.util.ArrayList;
import java.util.List;

/**
 * A plot with its legend, drawn the same as SVG and as PNG. It is narrow on purpose: a phone shows it at nearly its own size, and a
 * laptop three side by side. Immutable.
 *
 * @param title
 *            above it
 * @param xLabel
 *            below it
 * @param yLabel
 *            beside it
 * @param logX
 *            whether x is logarithmic
 * @param logY
 *            whether y is logarithmic; values that are not positive are then left out
 * @param bars
 *            whether the series are bars from 0, side by side, instead of lines
 * @param series
 *            what it shows
 */
public record Plot(String title, String xLabel, String yLabel, boolean logX, boolean logY, boolean bars,
        List<Series> series) {
    private static final double WIDTH = 430;
    private static final double LEFT = 62;
    private static final double RIGHT = 12;
    private static final double TOP = 30;
    private static final double HEIGHT = 270;
    private static final double BELOW = 44;
    private static final double ROW = 16;
    private static final double SMALL = 11;
    private static final double NORMAL = 12;

    /** Copies the list. */
    public Plot {
        series = List.copyOf(series);
    }

    /**
     * A log-log plot of lines.
     *
     * @param title
     *            above it
     * @param xLabel
     *            below it
     * @param yLabel
     *            beside it
     * @param series
     *            what it shows
     * @return the plot
     */
    public static Plot logLog(String title, String xLabel, String yLabel, List<Series> series) {
        return new Plot(title, xLabel, yLabel, true, true, false, series);
    }

    /**
     * Points that belong together.
     *
     * @param name
     *            in the legend
     * @param style
     *            how it looks
     * @param points
     *            each x, y, and where known the half width of an interval around y
     */
    public record Series(String name, Style style, List<double[]> points) {
    }

    private double legendRows() {
        return Math.ceil(series.size() / (double) columns());
    }

    /** As many as the longest name leaves room for. */
    private int columns() {
        int longest = series.stream().mapToInt(s -> s.name().length()).max().orElse(1);
        return Math.clamp((long) ((WIDTH - LEFT - RIGHT + 40) / (30 + longest * 6.2)), 1, 4);
    }

    double height() {
        return TOP + HEIGHT + BELOW + legendRows() * ROW + 6;
    }

    private void draw(Canvas canvas) {
        List<Double> xs = new ArrayList<>();
        List<Double> ys = new ArrayList<>();
        for (Series s : series) {
            for (double[] p : s.points) {
                xs.add(p[0]);
                ys.add(p[1]);
                if (p.length > 2 && !logY) {
                    ys.add(p[1] - p[2]);
                    ys.add(p[1] + p[2]);
                }
            }
        }
        if (bars) {
            ys.add(0.0);
        }
        Axis x = Axis.around(logX, xs);
        Axis y = Axis.around(logY, ys);
        canvas.text(LEFT, 18, title, Anchor.START, NORMAL + 1, Ink.TEXT);
        for (double tick : x.ticks()) {
            double at = x(x, tick);
            canvas.line(at, TOP, at, TOP + HEIGHT, Ink.GRID);
            canvas.text(at, TOP + HEIGHT + 15, Axis.label(tick), Anchor.MIDDLE, SMALL, Ink.TEXT);
        }
        for (double tick : y.ticks()) {
            double at = y(y, tick);
            canvas.line(LEFT, at, WIDTH - RIGHT, at, Ink.GRID);
            canvas.text(LEFT - 6, at + 4, Axis.label(tick), Anchor.END, SMALL, Ink.TEXT);
        }
        canvas.line(LEFT, TOP + HEIGHT, WIDTH - RIGHT, TOP + HEIGHT, Ink.FRAME);
        canvas.line(LEFT, TOP, LEFT, TOP + HEIGHT, Ink.FRAME);
        canvas.text((LEFT + WIDTH - RIGHT) / 2, TOP + HEIGHT + 34, xLabel, Anchor.MIDDLE, NORMAL, Ink.FAINT);
        canvas.upwards(14, TOP + HEIGHT / 2, yLabel, NORMAL, Ink.FAINT);
        for (int k = 0; k < series.size(); k++) {
            if (bars) {
                bars(canvas, x, y, k);
            } else {
                line(canvas, x, y, series.get(k));
            }
        }
        legend(canvas);
    }

    private static double x(Axis axis, double value) {
        return LEFT + axis.position(value) * (WIDTH - RIGHT - LEFT);
    }

    private static double y(Axis axis, double value) {
        return TOP + HEIGHT - axis.position(value) * HEIGHT;
    }

    private static void line(Canvas canvas, Axis x, Axis y, Series s) {
        List<double[]> shown = new ArrayList<>();
        for (double[] p : s.points) {
            if (!x.shows(p[0]) || !y.shows(p[1])) {
                continue;
            }
            shown.add(new double[] {x(x, p[0]), y(y, p[1])});
            if (p.length > 2 && p[2] > 0) {
                double low = Math.max(y.low(), p[1] - p[2]);
                canvas.whisker(x(x, p[0]), y(y, low), y(y, Math.min(y.high(), p[1] + p[2])), s.style);
            }
        }
        canvas.series(shown.toArray(double[][]::new), s.style);
    }

    private void bars(Canvas canvas, Axis x, Axis y, int k) {
        List<double[]> points = series.get(k).points;
        double width = (WIDTH - RIGHT - LEFT) / Math.max(1, points.size()) * 0.8 / series.size();
        for (double[] p : points) {
            double left = x(x, p[0]) - width * series.size() / 2 + k * width;
            double top = y(y, Math.max(0, p[1]));
            canvas.bar(left, top, width, y(y, Math.min(0, p[1])) - top, series.get(k).style);
        }
    }

    private void legend(Canvas canvas) {
        double wide = (WIDTH - 24) / columns();
        for (int k = 0; k < series.size(); k++) {
            double left = 16 + k % columns() * wide;
            double at = TOP + HEIGHT + BELOW + 10 + Math.floor(k / (double) columns()) * ROW;
            Style style = series.get(k).style;
            if (bars) {
                canvas.bar(left + 4, at - 9, 14, 9, style);
            } else {
                canvas.series(new double[][] {{left, at - 4}, {left + 22, at - 4}}, style);
            }
            canvas.text(left + 28, at, series.get(k).name, Anchor.START, SMALL, Ink.TEXT);
        }
    }

    /**
     * For a page that has the colours ({@link Page}).
     *
     * @return an svg element
     */
    public String inlineSvg() {
        SvgCanvas canvas = new SvgCanvas();
        draw(canvas);
        return canvas.inline(WIDTH, height(), title);
    }

    /**
     * A file of its own, which follows the reader's light or dark setting.
     *
     * @return an SVG document
     */
    public String svg() {
        SvgCanvas canvas = new SvgCanvas();
        draw(canvas);
        return canvas.document(WIDTH, height(), title);
    }

    /**
     * A picture on white, twice its natural size.
     *
     * @return a PNG file
     * @throws java.lang.Error
     *             where this Java has no fonts
     */
    public byte[] png() {
        RasterCanvas canvas = new RasterCanvas(WIDTH, height());
        draw(canvas);
        return canvas.png();
    }
}
