// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.tensor.DType;
import java.awt.Color;
import java.awt.Font;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The plots of the report, each as PNG and SVG. */
final class Plots {
    private static final int WIDTH = 900;
    private static final int HEIGHT = 540;
    private static final Pattern DECIMALS = Pattern.compile("(\\.\\d\\d)\\d+");
    /** Told apart also by those who see few colours (Okabe and Ito 2008). */
    private static final Map<String, Color> COLOURS = colours();

    private final Results results;
    private final Path folder;
    private final List<Path> written = new ArrayList<>();

    private Plots(Results results, Path folder) {
        this.results = results;
        this.folder = folder;
    }

    private static Map<String, Color> colours() {
        Map<String, Color> all = new LinkedHashMap<>();
        all.put("C loop", new Color(0x000000));
        all.put("vector", new Color(0x0072b2));
        all.put("native", new Color(0xd55e00));
        all.put("cuda", new Color(0x009e73));
        all.put("scalar", new Color(0x999999));
        all.put(JavaPeer.NAME, new Color(0xcc79a7));
        all.put(Contenders.TORCH, new Color(0xe69f00));
        return all;
    }

    static List<Path> write(Results results, Path folder) {
        if (ModuleLayer.boot().findModule("java.desktop").isEmpty()) {
            // A small runtime of a bundle: the report is made without them, and elsewhere anew with them.
            return List.of();
        }
        // No screen is needed, and none may be there.
        System.setProperty("java.awt.headless", "true");
        Plots plots = new Plots(results, folder);
        plots.time();
        plots.peers();
        plots.share(Suite.SD, "floor-in-cache", "16,384 elements, one thread, in cache");
        plots.share(Suite.MIO16, "floor", "16 Mi elements, one thread");
        return List.copyOf(plots.written);
    }

    private void time() {
        XYChart chart = lines("DDIM step, F32, one thread: time against size", "microseconds");
        for (String name : COLOURS.keySet()) {
            series(chart, name, elements -> (name.equals("C loop") ? results.floor(Row.DDIM, DType.F32, elements, 1)
                    : results.step(name, Row.DDIM, elements)).map(f -> f.nanos() / 1e3));
        }
        save(chart, "time", chart.getSeriesCollection().isEmpty());
    }

    private void peers() {
        XYChart chart = lines("Operation by operation beside one pass on vector, F32, one thread",
                "times as long");
        for (Row row : List.of(Row.DDIM, Row.DPMPP_2M, Row.DDPM)) {
            for (String peer : List.of(JavaPeer.NAME, Contenders.TORCH)) {
                String name = Tables.title(peer) + ": " + row.title();
                series(chart, name, elements -> Goals.ratio(results.step(peer, row, elements),
                        results.step("vector", row, elements)));
                if (chart.getSeries(name) != null) {
                    chart.getSeries(name)
                            .setMarker(row == Row.DDIM ? SeriesMarkers.CIRCLE
                                    : row == Row.DDPM ? SeriesMarkers.DIAMOND : SeriesMarkers.SQUARE);
                    colour(chart.getSeries(name), COLOURS.get(peer));
                }
            }
        }
        // Ratios of one decade: a logarithmic axis would have a single label.
        chart.getStyler().setYAxisLogarithmic(false).setYAxisMin(0.0);
        save(chart, "peers", chart.getSeriesCollection().isEmpty());
    }

    private interface Value {
        Optional<Double> at(long elements);
    }

    private void series(XYChart chart, String name, Value value) {
        List<Double> x = new ArrayList<>();
        List<Double> y = new ArrayList<>();
        for (long elements : results.sizes()) {
            value.at(elements).ifPresent(v -> {
                x.add((double) elements);
                y.add(v);
            });
        }
        if (!x.isEmpty()) {
            XYSeries series = chart.addSeries(name, x, y);
            series.setMarker(SeriesMarkers.CIRCLE);
            if (COLOURS.containsKey(name)) {
                colour(series, COLOURS.get(name));
                series.setLabel(Tables.title(name));
            }
        }
    }

    private static void colour(XYSeries series, Color colour) {
        series.setLineColor(colour);
        series.setMarkerColor(colour);
    }

    private static XYChart lines(String title, String y) {
        XYChart chart = new XYChartBuilder().width(WIDTH)
                .height(HEIGHT)
                .title(title)
                .xAxisTitle("elements")
                .yAxisTitle(y)
                .build();
        chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true);
        chart.getStyler().setLegendPosition(LegendPosition.OutsideE);
        plain(chart.getStyler());
        return chart;
    }

    /** Bars: how much of the C loop's bandwidth each row reaches. */
    private void share(long elements, String file, String where) {
        CategoryChart chart = new CategoryChartBuilder().width(WIDTH)
                .height(HEIGHT)
                .title("Share of the C loop's bandwidth over the same memory, F32, " + where)
                .yAxisTitle("percent")
                .build();
        List<String> names = new ArrayList<>();
        Map<String, List<Double>> bars = new LinkedHashMap<>();
        for (Row row : Row.samplers()) {
            Optional<Figure> floor = results.floor(row, DType.F32, elements, 1);
            if (floor.isEmpty() || results.step("vector", row, elements).isEmpty()) {
                continue;
            }
            names.add(row.title().replace("DPM-Solver++", "DPM++").replace(" guided, from 2N", " 2N"));
            for (String backend : List.of("vector", "native", "cuda")) {
                Optional<Figure> step = results.step(backend, row, elements);
                bars.computeIfAbsent(backend, b -> new ArrayList<>())
                        .add(Goals.ratio(floor, step).map(r -> 100 * r).orElse(null));
            }
        }
        bars.values().removeIf(b -> b.stream().allMatch(v -> v == null));
        bars.forEach((backend, values) -> chart.addSeries(backend, names, values)
                .setFillColor(COLOURS.get(backend)));
        chart.getStyler().setLegendPosition(LegendPosition.OutsideE);
        chart.getStyler().setXAxisLabelRotation(25);
        chart.getStyler().setLabelsVisible(true);
        chart.getStyler().setLabelsPosition(1.05);
        chart.getStyler().setDecimalPattern("0");
        chart.getStyler().setYAxisMin(0.0);
        plain(chart.getStyler());
        save(chart, file, names.isEmpty());
    }

    private static void plain(Styler styler) {
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setPlotBorderVisible(false);
        styler.setLegendBorderColor(Color.WHITE);
        styler.setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 15));
        styler.setLegendFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13));
    }

    private void save(Chart<?, ?> chart, String name, boolean empty) {
        if (empty) {
            return;
        }
        try {
            keep(name + ".png", ChartEncoder.getBytes(chart, "png"));
            // Glyphs are outlines with 8 decimals, of which 2 can be seen.
            String svg = new String(ChartEncoder.getBytes(chart, "svg"), StandardCharsets.UTF_8);
            keep(name + ".svg", DECIMALS.matcher(svg).replaceAll("$1").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new BenchmarkException("The plot '" + name + "' cannot be drawn (" + e + ").", e);
        }
    }

    private void keep(String name, byte[] bytes) {
        Path file = folder.resolve(name);
        AtomicFile.write(file, bytes);
        written.add(file);
    }
}
