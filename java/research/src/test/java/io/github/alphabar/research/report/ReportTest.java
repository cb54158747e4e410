// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

class ReportTest {
    private static Plot plot(boolean bars) {
        List<Plot.Series> series = new ArrayList<>();
        for (int k = 0; k < 12; k++) {
            List<double[]> points = new ArrayList<>();
            for (int n : new int[] {5, 10, 20, 50, 100, 200}) {
                points.add(new double[] {n, Math.pow(n, -1 - k / 4.0), 0.001});
            }
            series.add(new Plot.Series("solver <" + k + "> & more", Style.of(k), points));
        }
        return new Plot("Error & calls", "calls", "error", !bars, !bars, bars, series);
    }

    private static Document parse(String svg) throws Exception {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void aPlotIsWellFormedAndWithinItsFrame() throws Exception {
        for (boolean bars : new boolean[] {false, true}) {
            Document document = parse(plot(bars).svg());
            String[] box = document.getDocumentElement().getAttribute("viewBox").split(" ");
            NodeList texts = document.getElementsByTagName("text");
            assertTrue(texts.getLength() > 20, "ticks, labels and 12 names");
            for (int i = 0; i < texts.getLength(); i++) {
                String x = texts.item(i).getAttributes().getNamedItem("x") == null ? "0"
                        : texts.item(i).getAttributes().getNamedItem("x").getNodeValue();
                assertTrue(Double.parseDouble(x) >= 0 && Double.parseDouble(x) <= Double.parseDouble(box[2]));
            }
            assertFalse(plot(bars).svg().contains("NaN"));
            BufferedImage png = ImageIO.read(new ByteArrayInputStream(plot(bars).png()));
            assertNotNull(png);
            assertEquals(860, png.getWidth());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            true  | 5      | 200  | 5,10,20,50,100,200
            true  | 1e-9   | 2    | 1e-9,1e-8,1e-7,1e-6,1e-5,1e-4,1e-3,0.01,0.1,1
            true  | 1.5    | 4    | 2,3
            false | -1     | 1    | -1,-0.5,0,0.5,1
            false | 0      | 0.31 | 0,0.1,0.2,0.3
            """)
    void ticksAreRoundNumbersWithinTheRange(boolean log, double low, double high, String expected) {
        List<Double> ticks = new Axis(log, low, high).ticks();
        Set<Double> known = new HashSet<>();
        for (String t : expected.split(",")) {
            known.add(Double.parseDouble(t));
        }
        // A long log axis may leave decades out, but shows no other numbers.
        assertTrue(known.containsAll(ticks), ticks.toString());
        assertTrue(ticks.size() >= Math.min(known.size(), 4), ticks.toString());
    }

    @ParameterizedTest
    @CsvSource({"0.1, 0.1", "200, 200", "1e-7, 10\u207b\u2077", "0, 0", "-0.5, -0.5", "2e-5, 2\u00b710\u207b\u2075"})
    void labelsAreReadable(double tick, String label) {
        assertEquals(label, Axis.label(tick));
    }

    @Test
    void valuesALogAxisCannotShowAreLeftOut() {
        Plot plot = Plot.logLog("t", "x", "y", List.of(new Plot.Series("s", Style.of(0),
                List.of(new double[] {1, 0}, new double[] {2, 0.5}, new double[] {4, Double.NaN}))));
        assertFalse(plot.svg().contains("NaN"));
        assertFalse(plot.svg().contains("Infinity"));
    }

    @Test
    void theFirstFortyTwoStylesDiffer() {
        Set<String> seen = new HashSet<>();
        for (int k = 0; k < 42; k++) {
            Style s = Style.of(k);
            assertTrue(seen.add(s.colour() + " " + s.marker()), "style " + k);
        }
    }

    /** A line's colour class fills markers; the rule that keeps lines hollow has to be the more specific one. */
    @Test
    void linesAreNotFilled() {
        assertTrue(plot(false).svg().contains(".plot polyline[class]{fill:none"),
                "two classes beat a class and an element");
    }

    @Test
    void aPageAsksForNothingFromElsewhere() {
        Page page = new Page("A <page>").heading("One")
                .paragraph("Text with `code <b>`.")
                .verdict(false, "A claim.", "Not so.")
                .table(new Table(List.of("a"), List.of(List.of("<script>alert(1)</script>"))))
                .plots(Map.of("plot", plot(false)))
                .picture("p.png", plot(false).png(), "A picture");
        String html = page.html();
        String rest = html.replace("http://www.w3.org/2000/svg", "");
        assertFalse(rest.contains("http:") || rest.contains("https:") || rest.contains("//cdn"), "an address");
        assertFalse(html.contains("<script"), "a script");
        assertTrue(html.contains("<code>code &lt;b&gt;</code>"));
        assertEquals(Set.of("plot.svg", "plot.png", "p.png"), page.files().keySet());
        assertTrue(page.markdown().contains("**Does not hold:** A claim."));
    }

    @Test
    void csvIsQuotedWhereItHasTo() {
        Table table = new Table(List.of("a", "b"), List.of(List.of("1,5", "say \"so\"")));
        assertEquals("a,b\n\"1,5\",\"say \"\"so\"\"\"\n", table.csv());
        assertThrows(IllegalArgumentException.class, () -> new Table(List.of("a"), List.of(List.of("1", "2"))));
    }

    @ParameterizedTest
    @CsvSource({"0.00123456, 0.00123", "123.4, 123", "1.5e-7, 1.5e-07", "0, 0", "99999.9, 100000"})
    void numbersHaveThreeDigits(double value, String text) {
        assertEquals(text, Table.number(value));
    }
}
