// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * A table of texts. Immutable.
 *
 * @param header
 *            the columns
 * @param rows
 *            as many texts each
 */
public record Table(List<String> header, List<List<String>> rows) {

    /** Checks the rows. */
    public Table {
        header = List.copyOf(header);
        rows = rows.stream().map(List::copyOf).toList();
        for (List<String> row : rows) {
            if (row.size() != header.size()) {
                throw new IllegalArgumentException("A row of this table has " + header.size() + " texts, but got "
                        + row.size() + ": " + row + ".");
            }
        }
    }

    /**
     * A number in a few digits, as in 0.00213 or 2.1e-9.
     *
     * @param value
     *            a number, or null for none
     * @return three significant digits
     */
    public static String number(Double value) {
        if (value == null) {
            return "";
        }
        double size = Math.abs(value);
        if (value == 0) {
            return "0";
        }
        if (size >= 1e-3 && size < 1e5) {
            int digits = Math.max(0, 2 - (int) Math.floor(Math.log10(size)));
            return String.format(Locale.ROOT, "%." + digits + "f", value);
        }
        return String.format(Locale.ROOT, "%.1e", value);
    }

    /**
     * A number and the half width of its interval.
     *
     * @param value
     *            a number, or null for none
     * @param spread
     *            the half width, or null
     * @return as in 1.23 ± 0.04
     */
    public static String number(Double value, Double spread) {
        return value == null || spread == null ? number(value) : number(value) + " \u00b1 " + number(spread);
    }

    String html() {
        StringBuilder out = new StringBuilder("<div class=\"scroll\"><table>\n<thead><tr>");
        header.forEach(h -> out.append("<th>").append(Page.escape(h)).append("</th>"));
        out.append("</tr></thead>\n<tbody>\n");
        for (List<String> row : rows) {
            out.append("<tr>");
            row.forEach(cell -> out.append("<td>").append(Page.escape(cell)).append("</td>"));
            out.append("</tr>\n");
        }
        return out.append("</tbody></table></div>\n").toString();
    }

    /**
     * For a README.
     *
     * @return Markdown
     */
    public String markdown() {
        List<String> lines = new ArrayList<>();
        lines.add("| " + String.join(" | ", header) + " |");
        lines.add("|" + "---|".repeat(header.size()));
        rows.forEach(row -> lines.add("| " + row.stream()
                .map(c -> c.replace("|", "\\|"))
                .collect(Collectors.joining(" | ")) + " |"));
        return String.join("\n", lines) + "\n";
    }

    /**
     * For other programs; fields with commas, quotes or line breaks are quoted (RFC 4180, with line feeds).
     *
     * @return CSV with a header line
     */
    public String csv() {
        StringBuilder out = new StringBuilder(line(header));
        rows.forEach(row -> out.append(line(row)));
        return out.toString();
    }

    private static String line(List<String> cells) {
        return cells.stream()
                .map(c -> c.matches("(?s).*[,\"\n\r].*") ? "\"" + c.replace("\"", "\"\"") + "\"" : c)
                .collect(Collectors.joining(",")) + "\n";
    }
}
