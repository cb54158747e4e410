// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import java.util.List;
import java.util.Locale;

/** Numbers and tables as reports show them. */
final class Text {
    private Text() {
    }

    /** Three significant digits and a unit. */
    static String time(double nanos) {
        String[] units = {"ns", "us", "ms", "s"};
        double value = nanos;
        int unit = 0;
        while (value >= 999.5 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        return digits(value) + " " + units[unit];
    }

    /** Three significant digits. */
    static String digits(double value) {
        double magnitude = Math.abs(value);
        int decimals = magnitude >= 99.95 ? 0 : magnitude >= 9.995 ? 1 : 2;
        return String.format(Locale.ROOT, "%." + decimals + "f", value);
    }

    static String percent(double share) {
        return Math.round(share * 100) + "%";
    }

    static String factor(double value) {
        return digits(value) + "x";
    }

    static String count(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    /** A size as the field says it. */
    static String elements(long value) {
        return value >= 1 << 20 && value % (1 << 20) == 0 ? (value >> 20) + " Mi elements"
                : count(value) + " elements";
    }

    static String table(List<String> header, List<List<String>> rows) {
        StringBuilder text = new StringBuilder();
        line(text, header);
        text.append("|---|").append("---:|".repeat(header.size() - 1)).append('\n');
        rows.forEach(r -> line(text, r));
        return text.append('\n').toString();
    }

    private static void line(StringBuilder text, List<String> cells) {
        text.append("| ").append(String.join(" | ", cells)).append(" |\n");
    }
}
