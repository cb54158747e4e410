// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;

/**
 * An axis: its range and its ticks, which are round numbers of the quantity shown.
 *
 * @param log
 *            whether equal distances are equal ratios
 * @param low
 *            where it begins
 * @param high
 *            where it ends
 */
record Axis(boolean log, double low, double high) {
    private static final int MOST_TICKS = 8;

    /** An axis that holds values with a little room; a log axis leaves values that are not positive out. */
    static Axis around(boolean log, List<Double> values) {
        double least = Double.POSITIVE_INFINITY;
        double most = Double.NEGATIVE_INFINITY;
        for (double v : values) {
            if (Double.isFinite(v) && (!log || v > 0)) {
                least = Math.min(least, v);
                most = Math.max(most, v);
            }
        }
        if (least > most) {
            return new Axis(log, log ? 0.1 : 0, 1);
        }
        if (log) {
            double room = Math.max(1.15, Math.pow(most / least, 0.04));
            return new Axis(true, least / room, most * room);
        }
        double room = Math.max(1e-12, (most - least) * 0.05);
        return new Axis(false, least - (least == 0 ? 0 : room), most + room);
    }

    /** 0 at the low end, 1 at the high end. */
    double position(double value) {
        return log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    }

    boolean shows(double value) {
        return value >= low && value <= high;
    }

    List<Double> ticks() {
        return log ? logTicks() : linearTicks();
    }

    private List<Double> logTicks() {
        int from = (int) Math.floor(Math.log10(low));
        int to = (int) Math.ceil(Math.log10(high));
        for (int[] digits : new int[][] {{1, 2, 3, 5, 7}, {1, 2, 5}, {1}}) {
            List<Double> ticks = new ArrayList<>();
            for (int e = from; e <= to; e++) {
                for (int digit : digits) {
                    double tick = Double.parseDouble(digit + "e" + e);
                    if (shows(tick)) {
                        ticks.add(tick);
                    }
                }
            }
            if (ticks.size() <= MOST_TICKS) {
                return ticks;
            }
        }
        int every = (to - from) / MOST_TICKS + 1;
        List<Double> ticks = new ArrayList<>();
        for (int e = Math.floorDiv(from, every) * every; e <= to; e += every) {
            double tick = Double.parseDouble("1e" + e);
            if (shows(tick)) {
                ticks.add(tick);
            }
        }
        return ticks;
    }

    private List<Double> linearTicks() {
        double rough = (high - low) / 6;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double step = rough / power > 5 ? 10 * power : rough / power > 2 ? 5 * power : rough / power > 1 ? 2 * power
                : power;
        List<Double> ticks = new ArrayList<>();
        for (long i = (long) Math.ceil(low / step); i * step <= high; i++) {
            // The product carries rounding errors that would show in the label.
            ticks.add(new BigDecimal(i * step).round(new MathContext(10)).doubleValue());
        }
        return ticks;
    }

    static String label(double tick) {
        double size = Math.abs(tick);
        if (tick == 0 || (size >= 0.01 && size < 100_000)) {
            return new BigDecimal(Double.toString(tick)).stripTrailingZeros().toPlainString();
        }
        int exponent = (int) Math.floor(Math.log10(size) + 1e-9);
        long digit = Math.round(tick / Math.pow(10, exponent));
        StringBuilder raised = new StringBuilder();
        for (char c : Integer.toString(exponent).toCharArray()) {
            raised.append(c == '-' ? '\u207b' : "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
                    .charAt(c - '0'));
        }
        return (digit == 1 ? "" : digit == -1 ? "-" : digit + "\u00b7") + "10" + raised;
    }
}
