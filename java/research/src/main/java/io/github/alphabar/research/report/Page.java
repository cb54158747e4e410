// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.report;

import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A page of sections, written as one HTML file that asks for nothing from elsewhere, or as Markdown with pictures beside it. Mutable
 * while it is put together; for one thread.
 */
public final class Page {
    private final String title;
    private final List<Block> blocks = new ArrayList<>();
    private final Map<String, byte[]> files = new LinkedHashMap<>();

    private record Block(String html, String markdown) {
    }

    /**
     * An empty page.
     *
     * @param title
     *            its title
     */
    public Page(String title) {
        this.title = title;
    }

    static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }

    /** Between back quotes is code. */
    private static String inline(String text) {
        return escape(text).replaceAll("`([^`]*)`", "<code>$1</code>");
    }

    private Page add(String html, String markdown) {
        blocks.add(new Block(html, markdown));
        return this;
    }

    /**
     * Begins a section.
     *
     * @param text
     *            its title
     * @return this
     */
    public Page heading(String text) {
        return add("<h2>" + inline(text) + "</h2>\n", "## " + text + "\n");
    }

    /**
     * Begins a part of a section.
     *
     * @param text
     *            its title
     * @return this
     */
    public Page subheading(String text) {
        return add("<h3>" + inline(text) + "</h3>\n", "### " + text + "\n");
    }

    /**
     * Adds a paragraph.
     *
     * @param text
     *            its text; between back quotes is code
     * @return this
     */
    public Page paragraph(String text) {
        return add("<p>" + inline(text) + "</p>\n", text + "\n");
    }

    /**
     * Adds a claim and whether it was found to hold.
     *
     * @param holds
     *            whether it holds
     * @param claim
     *            the claim
     * @param found
     *            what was found
     * @return this
     */
    public Page verdict(boolean holds, String claim, String found) {
        return add("<p class=\"verdict\"><strong class=\"" + (holds ? "holds\">Holds" : "fails\">Does not hold")
                + "</strong> " + inline(claim) + " " + inline(found) + "</p>\n",
                "- **" + (holds ? "Holds" : "Does not hold") + ":** " + claim + " " + found + "\n");
    }

    /**
     * Adds a table.
     *
     * @param table
     *            the table
     * @return this
     */
    public Page table(Table table) {
        return add(table.html(), table.markdown());
    }

    /**
     * Adds a table that is folded up until it is asked for.
     *
     * @param summary
     *            what it holds
     * @param table
     *            the table
     * @return this
     */
    public Page folded(String summary, Table table) {
        return add("<details><summary>" + inline(summary) + "</summary>\n" + table.html() + "</details>\n",
                "<details><summary>" + escape(summary) + "</summary>\n\n" + table.markdown() + "\n</details>\n");
    }

    /**
     * Adds plots, side by side where there is room.
     *
     * @param named
     *            file names without ending, and the plots
     * @return this
     */
    public Page plots(Map<String, Plot> named) {
        StringBuilder html = new StringBuilder("<div class=\"plots\">\n");
        StringBuilder markdown = new StringBuilder();
        named.forEach((name, plot) -> {
            html.append("<figure>").append(plot.inlineSvg()).append("</figure>\n");
            markdown.append("![").append(plot.title()).append("](").append(name).append(".png)\n");
            files.put(name + ".svg", plot.svg().getBytes(java.nio.charset.StandardCharsets.UTF_8));
            files.put(name + ".png", plot.png());
        });
        return add(html.append("</div>\n").toString(), markdown.toString());
    }

    /**
     * Adds a picture.
     *
     * @param name
     *            its file name, ending in .png
     * @param png
     *            the file
     * @param caption
     *            what it shows
     * @return this
     */
    public Page picture(String name, byte[] png, String caption) {
        files.put(name, png);
        return add("<figure class=\"sheet\"><img alt=\"" + escape(caption) + "\" src=\"data:image/png;base64,"
                + Base64.getEncoder().encodeToString(png) + "\"><figcaption>" + inline(caption)
                + "</figcaption></figure>\n",
                "![" + caption.replace("`", "") + "](" + name + ")\n\n*" + caption + "*\n");
    }

    /**
     * Adds a file beside the page that the page does not show.
     *
     * @param name
     *            its name
     * @param text
     *            its content
     * @return this
     */
    public Page file(String name, String text) {
        files.put(name, text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        return this;
    }

    /**
     * The plots and pictures, and what else belongs to the page, as files.
     *
     * @return names and contents
     */
    public Map<String, byte[]> files() {
        return Map.copyOf(files);
    }

    /**
     * The page as Markdown; its pictures are {@link #files()}.
     *
     * @return Markdown
     */
    public String markdown() {
        StringBuilder out = new StringBuilder("# ").append(title).append("\n");
        blocks.forEach(b -> out.append("\n").append(b.markdown));
        return out.toString();
    }

    /**
     * The page in one file: pictures and plots within, no scripts, nothing from elsewhere; light or dark as the reader's system is.
     *
     * @return HTML
     */
    public String html() {
        StringBuilder out = new StringBuilder("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                + "<meta name=\"color-scheme\" content=\"light dark\">\n"
                // Without it a browser asks the server for an icon.
                + "<link rel=\"icon\" href=\"data:,\">\n<title>").append(escape(title))
                .append("</title>\n<style>")
                .append(SvgCanvas.css())
                .append("body{margin:0 auto;padding:16px;max-width:1360px;background:var(--ground);color:var(--ink);"
                        + "font:16px/1.5 system-ui,sans-serif}p,.verdict{max-width:75ch}h1{font-size:1.6rem;line-height:1.2}"
                        + "h2{margin-top:2.2em;border-bottom:1px solid var(--grid)}"
                        + ".plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(360px,100%),1fr));gap:12px}"
                        + "figure{margin:0}.plot{width:100%;height:auto;display:block}"
                        + ".sheet img{max-width:100%;height:auto;image-rendering:pixelated}"
                        + "figcaption{color:var(--faint);font-size:.9rem;max-width:75ch}"
                        + ".scroll{overflow-x:auto;margin:1em 0}table{border-collapse:collapse;font-size:.85rem;"
                        + "font-variant-numeric:tabular-nums}th,td{padding:3px 10px 3px 0;text-align:left;"
                        + "border-bottom:1px solid var(--grid);vertical-align:top;white-space:nowrap}"
                        + "td:last-child{white-space:normal;min-width:8em}code{font-size:.9em;overflow-wrap:anywhere}"
                        + "summary{cursor:pointer;margin:.6em 0}"
                        + ".holds{color:var(--c2)}.fails{color:var(--c1)}")
                .append("</style>\n</head>\n<body>\n<h1>")
                .append(escape(title))
                .append("</h1>\n");
        blocks.forEach(b -> out.append(b.html));
        return out.append("</body>\n</html>\n").toString();
    }
}
