// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.report;

import java.util.Locale;

/** Draws SVG. Colours are classes, which a style sheet gives for a light and for a dark ground. */
final class SvgCanvas implements Canvas {
    private final StringBuilder out = new StringBuilder();

    /** The classes' colours; the same in a page and in a file of its own. */
    static String css() {
        StringBuilder light = new StringBuilder();
        StringBuilder dark = new StringBuilder();
        StringBuilder use = new StringBuilder();
        for (int i = 0; i < Style.LIGHT.length; i++) {
            light.append("--c").append(i).append(":").append(Style.LIGHT[i]).append(";");
            dark.append("--c").append(i).append(":").append(Style.DARK[i]).append(";");
            use.append(".plot .c")
                    .append(i)
                    .append("{stroke:var(--c")
                    .append(i)
                    .append(");fill:var(--c")
                    .append(i)
                    .append(")}");
        }
        return ":root{--ink:#1b1b1b;--faint:#5c5c5c;--grid:#dedede;--frame:#8a8a8a;--ground:#ffffff;" + light
                + "}@media(prefers-color-scheme:dark){:root{--ink:#ececec;--faint:#b0b0b0;--grid:#3a3a3a;--frame:#8a8a8a;"
                + "--ground:#16181b;" + dark + "}}" + use
                + ".plot text{fill:var(--ink);stroke:none;font-family:system-ui,sans-serif}"
                + ".plot text.faint{fill:var(--faint)}.plot .grid{stroke:var(--grid)}.plot .frame{stroke:var(--frame)}"
                + ".plot polyline[class]{fill:none;stroke-width:1.6;stroke-linejoin:round}";
    }

    private static String n(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }

    private static String name(Ink ink) {
        return ink.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public void line(double x1, double y1, double x2, double y2, Ink ink) {
        out.append("<line class=\"")
                .append(name(ink))
                .append("\" x1=\"")
                .append(n(x1))
                .append("\" y1=\"")
                .append(n(y1))
                .append("\" x2=\"")
                .append(n(x2))
                .append("\" y2=\"")
                .append(n(y2))
                .append("\"/>\n");
    }

    @Override
    public void series(double[][] points, Style style) {
        if (points.length > 1) {
            out.append("<polyline class=\"c")
                    .append(style.colour())
                    .append("\"")
                    .append(dash(style))
                    .append(" points=\"");
            String space = "";
            for (double[] p : points) {
                out.append(space).append(n(p[0])).append(",").append(n(p[1]));
                space = " ";
            }
            out.append("\"/>\n");
        }
        for (double[] p : points) {
            marker(p[0], p[1], style);
        }
    }

    private static String dash(Style style) {
        return switch (style.dash()) {
            case 1 -> " stroke-dasharray=\"6 3\"";
            case 2 -> " stroke-dasharray=\"1.5 3\"";
            default -> "";
        };
    }

    private void marker(double x, double y, Style style) {
        out.append("<path class=\"c")
                .append(style.colour())
                .append("\"")
                .append(style.marker() == 4
                        ? " stroke-width=\"1.8\""
                        : " stroke-width=\"0\"")
                .append(" d=\"");
        double[][] shape = Markers.outline(style.marker());
        String command = "M";
        for (double[] p : shape) {
            out.append(command).append(n(x + p[0])).append(" ").append(n(y + p[1]));
            command = style.marker() == 4 && command.equals("L") ? "M" : "L";
        }
        out.append(style.marker() == 4 ? "\"/>\n" : "Z\"/>\n");
    }

    @Override
    public void whisker(double x, double low, double high, Style style) {
        out.append("<line class=\"c")
                .append(style.colour())
                .append("\" stroke-width=\"1\" x1=\"")
                .append(n(x))
                .append("\" y1=\"")
                .append(n(low))
                .append("\" x2=\"")
                .append(n(x))
                .append("\" y2=\"")
                .append(n(high))
                .append("\"/>\n");
    }

    @Override
    public void text(double x, double y, String text, Anchor anchor, double size, Ink ink) {
        out.append("<text")
                .append(ink == Ink.FAINT ? " class=\"faint\"" : "")
                .append(" x=\"")
                .append(n(x))
                .append("\" y=\"")
                .append(n(y))
                .append("\" font-size=\"")
                .append(n(size))
                .append("\" text-anchor=\"")
                .append(anchor.name().toLowerCase(Locale.ROOT))
                .append("\">")
                .append(escape(text))
                .append("</text>\n");
    }

    @Override
    public void upwards(double x, double y, String text, double size, Ink ink) {
        out.append("<text")
                .append(ink == Ink.FAINT ? " class=\"faint\"" : "")
                .append(" transform=\"translate(")
                .append(n(x))
                .append(" ")
                .append(n(y))
                .append(") rotate(-90)\" font-size=\"")
                .append(n(size))
                .append("\" text-anchor=\"middle\">")
                .append(escape(text))
                .append("</text>\n");
    }

    @Override
    public void bar(double x, double y, double width, double height, Style style) {
        out.append("<rect class=\"c")
                .append(style.colour())
                .append("\" stroke-width=\"0\" fill-opacity=\"0.75\" x=\"")
                .append(n(x))
                .append("\" y=\"")
                .append(n(y))
                .append("\" width=\"")
                .append(n(width))
                .append("\" height=\"")
                .append(n(height))
                .append("\"/>\n");
    }

    /** For a page that has the style sheet. */
    String inline(double width, double height, String title) {
        return "<svg class=\"plot\" role=\"img\" aria-label=\"" + escape(title)
                + "\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + n(width) + " " + n(height) + "\">\n" + out
                + "</svg>\n";
    }

    /** A file of its own. */
    String document(double width, double height, String title) {
        return "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" width=\"" + n(width) + "\" height=\""
                + n(height) + "\" viewBox=\"0 0 " + n(width) + " " + n(height) + "\">\n<title>" + escape(title)
                + "</title>\n<style>" + css()
                + "</style>\n<rect width=\"100%\" height=\"100%\" fill=\"var(--ground)\"/>\n"
                + out + "</svg>\n";
    }
}
