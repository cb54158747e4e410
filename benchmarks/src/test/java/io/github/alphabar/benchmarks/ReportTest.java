// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
    @TempDir
    private Path folder;

    /** JMH's format, with what the report reads. */
    private static String entry(String name, String params, double... nanos) {
        return "{\"benchmark\": \"io.github.alphabar.benchmarks." + name + "\", \"params\": {" + params
                + "}, \"primaryMetric\": {\"scoreUnit\": \"ns/op\", \"rawData\": ["
                + Stream.of(nanos).map(java.util.Arrays::toString).toList().getFirst()
                + "]}, \"secondaryMetrics\": {}}";
    }

    private static String step(String backend, double... nanos) {
        return entry("FusedStep.step", "\"backend\": \"" + backend
                + "\", \"row\": \"ddim\", \"dtype\": \"F32\", \"elements\": \"16384\", \"threads\": \"1\"", nanos);
    }

    private void results(String... entries) throws IOException {
        Files.writeString(folder.resolve("results.json"), "[" + String.join(",\n", entries) + "]");
        Files.writeString(folder.resolve("machine.json"),
                "{\"processor\": \"a processor\", \"JDK\": \"25\", \"commit\": \"abc\", \"date\": \"2026-01-01\"}");
    }

    private static final String C_LOOP = entry("Floor.run",
            "\"kind\": \"c\", \"reads\": \"2\", \"writes\": \"1\", \"bytes\": \"65536\", \"threads\": \"1\"", 1000,
            1200);

    @Test
    void aFigureIsTheMedianAndStandsBesideItsFloorAndItsPeers() throws IOException {
        results(step("vector", 1000, 1500, 9000, 1100), C_LOOP, step("op-by-op", 52_000), step("vector", 1250));
        Results r = Results.read(folder);
        Figure vector = r.step("vector", Row.DDIM, DType.F32, 16_384, 1).orElseThrow();
        assertEquals(1300, vector.nanos());
        assertEquals(3 * 65_536 / 1300.0, vector.gigabytesPerSecond());
        // 1100 / 1300 and 52000 / 1300.
        assertEquals("""
                | row | moves | C loop | vector | op by op in Java |
                |---|---:|---:|---:|---:|
                | DDIM | 2r + 1w | 1.10 us | 1.30 us, 85% | 52.0 us, 40.0x |

                """, new Tables(r).steps(16_384, Row.samplers()));
        // The same point twice: 1300 and 1250.
        assertEquals(0.04, r.noise(), 1e-12);
    }

    @Test
    void aGoalIsDecidedByItsWorstRowAndIsOpenWithoutAFigure() throws IOException {
        results(step("vector", 1430), C_LOOP);
        List<Goals.Goal> goals = Goals.of(Results.read(folder));
        Goals.Goal cache = goals.stream()
                .filter(g -> g.what().contains("16,384 elements: time of the C loop"))
                .findFirst()
                .orElseThrow();
        assertEquals("1.30x (DDIM) to 1.30x", cache.measured());
        assertEquals(true, cache.holds().orElseThrow());
        assertTrue(goals.stream().filter(g -> g.what().startsWith("native")).allMatch(g -> g.holds().isEmpty()));
        results(step("vector", 1440), C_LOOP);
        assertTrue(
                Goals.of(Results.read(folder)).stream().anyMatch(g -> g.holds().equals(java.util.Optional.of(false))));
    }

    @Test
    void aReportHasItsTablesAndPlots() throws IOException {
        results(step("vector", 1300), C_LOOP, step("op-by-op", 52_000), step("vector", 1250));
        Files.writeString(folder.resolve("notes.md"), "A note.\n");
        List<Path> written = ReportCommand.write(folder);
        assertTrue(written.contains(folder.resolve("time.png")), written.toString());
        String report = Files.readString(folder.resolve("report.md"));
        assertTrue(report.contains("A note."), report);
        for (Path file : written) {
            if (file.toString().endsWith(".png")) {
                assertEquals(900, ImageIO.read(file.toFile()).getWidth());
                assertTrue(report.contains("](" + file.getFileName() + ")"), file.toString());
            } else if (file.toString().endsWith(".svg")) {
                assertTrue(Files.readString(file).contains("<svg"));
            }
        }
        try (Stream<Path> left = Files.list(folder)) {
            assertFalse(left.anyMatch(f -> f.toString().endsWith(".tmp")));
        }
    }

    @Test
    void aDeviceStandsBesideTheHostTheDetourAndItsOwnQueue() throws IOException {
        String detour = entry("HostDetour.run",
                "\"backend\": \"vector\", \"memory\": \"pinned\", \"elements\": \"16384\"", 40_000);
        String queued = entry("DeviceSteps.run",
                "\"mode\": \"graph\", \"steps\": \"20\", \"elements\": \"16384\"", 100_000)
                .replace("\"secondaryMetrics\": {}", "\"secondaryMetrics\": {\"" + Waits.HOST
                        + "\": {\"score\": 30000}, \"" + Waits.DEVICE + "\": {\"score\": 80000}}");
        results(step("vector", 1300), step("cuda", 2600), detour, queued);
        Tables tables = new Tables(Results.read(folder));
        assertTrue(tables.crossover().contains("| 16,384 elements | 1.30 us |  | 2.60 us | 0.50x |"),
                tables.crossover());
        assertTrue(tables.detours().contains("| 16,384 elements | pinned | vector | 40.0 us | 2.60 us | 15.4x |"),
                tables.detours());
        assertTrue(tables.queuing()
                .contains("| 20 of 16,384 elements | replays of a graph | 100 us | 30.0 us | 80.0 us |"),
                tables.queuing());
    }

    @Test
    void resultsThatAreMissingOrTornAreNamed() throws IOException {
        assertTrue(assertThrows(BenchmarkException.class, () -> Results.read(folder)).getMessage()
                .contains("results.json"));
        results(step("vector", 1300).substring(0, 40));
        assertTrue(assertThrows(BenchmarkException.class, () -> Results.read(folder)).getMessage()
                .contains("run the benchmarks again"));
    }

    @Test
    void timesHaveThreeDigits() {
        assertEquals("0.43 ns", Text.time(0.43));
        assertEquals("1.00 us", Text.time(999.7));
        assertEquals("12.3 ms", Text.time(12_345_678));
        assertEquals("123 us", Text.time(123_400));
    }
}
