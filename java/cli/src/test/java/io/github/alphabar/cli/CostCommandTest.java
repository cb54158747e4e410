// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.alphabar.research.cost.PointStore;
import io.github.alphabar.research.digits.Experiment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CostCommandTest {
    /** Deterministic, stochastic and skipped points of two types: 5 x 3 x 2. */
    private static final List<String> SMALL = List.of("cost", "--problem", "gaussian:4", "--solver",
            "ddim,pndm,dpmpp-2m,ddpm,dpmpp-2m-sde", "--nfe", "5,10,20", "--samples", "128",
            "--no-experiments", "--no-orders", "--backend", "scalar");

    @TempDir
    private Path folder;

    private Cli cost(Path out, String... more) {
        return Cli.run(Stream.of(SMALL, List.of("--out", out), List.of(more)).flatMap(List::stream).toArray());
    }

    @Test
    void aSweepLeavesItsFilesAndNothingElse() throws IOException {
        Path out = folder.resolve("new/report");
        Cli cli = cost(out);
        assertEquals(0, cli.status(), cli.err());
        List<String> lines = Files.readAllLines(out.resolve("points.csv"));
        assertEquals(1 + 30, lines.size());
        assertTrue(lines.stream().anyMatch(l -> l.contains("skipped") && l.contains("no N makes 5")), "pndm at 5");
        JsonNode json = new ObjectMapper().readTree(out.resolve("points.json").toFile());
        assertEquals(30, json.get("points").size());
        assertEquals(5, json.get("machine").size());
        String html = Files.readString(out.resolve("report.html"));
        assertTrue(html.contains("<svg") && html.contains("dpmpp-2m-sde"), "plots");
        assertTrue(html.contains("alphabar cost --problem gaussian:4"), "the command");
        assertFalse(html.replace("http://www.w3.org/2000/svg", "").contains("http"), "an address");
        try (Stream<Path> files = Files.list(out)) {
            List<String> names = files.map(p -> p.getFileName().toString()).sorted().toList();
            assertTrue(names.containsAll(List.of("nfe-gaussian-4-linear-f32.svg", "nfe-gaussian-4-linear-f32.png",
                    "time-gaussian-4-linear-f64.svg", "points.csv", "times.csv", "points.json")), names.toString());
            assertTrue(names.stream().noneMatch(n -> n.endsWith(".tmp") || n.startsWith("unfinished")),
                    names.toString());
        }
    }

    @Test
    void aPlanOfOnesOwnIsALineAmongTheOthers() throws IOException {
        Path plan = folder.resolve("mine.json");
        Cli.ok("plan", "--solver", "ddim", "--steps", "10", "--format", "json", "--out", plan);
        Path out = folder.resolve("out");
        Cli cli = cost(out, "--plan", plan.toString());
        assertEquals(0, cli.status(), cli.err());
        List<String> lines = Files.readAllLines(out.resolve("points.csv"));
        String own = lines.stream()
                .filter(l -> l.contains("plan:mine,") && l.contains(",f64,"))
                .findFirst()
                .orElseThrow();
        String named = lines.stream()
                .filter(l -> l.contains(",ddim,") && l.contains("f64,10,"))
                .findFirst()
                .orElseThrow();
        assertEquals(named.split(",")[14], own.split(",")[14], "the same rows, the same error");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            --problem banana              | Unknown problem 'banana'; the problems are gaussian
            --problem mixture:0           | needs whole numbers from 1 to 4096
            --solver ddim,euler-b         | Unknown solver 'euler-b'; the solvers are ddpm
            --solver none                 | There is nothing to run
            --schedule square             | Unknown schedule 'square'; the schedules are
            --spacing even                | Unknown spacing 'even'; the spacings are
            --nfe 0                       | --nfe is 1 to 10000 network calls, but got 0
            --nfe many                    | 'many' is not an int
            --eta 2                       | --eta is in [0, 1], but got 2.0
            --clip hard                   | Unknown clip 'hard'
            --dtype int8                  | the dtypes are f32, f16, bf16 and f64
            --final-level end             | it is clean or least-noise
            --samples 0                   | --samples is 1 to 100000
            --network-ms -1               | --network-ms is a time of at least 0
            --backend gpu                 | Unknown backend 'gpu'
            --plan none.json              | cannot be read
            --student x.onnx              | --student belongs to the experiment distillation
            table-1                       | Unknown experiment 'table-1'; the experiments are ddim-table-1
            zero-snr --nfe 5              | --nfe belongs to the report
            distillation --student x.onnx | is no file
            """)
    void aWrongArgumentEndsInOneSentence(String arguments, String says) {
        Path out = folder.resolve("out");
        Cli.run(Stream.of(List.of("cost", "--out", out.toString()), List.of(arguments.split(" ")))
                .flatMap(List::stream)
                .toArray()).failsWith(2, says);
        assertFalse(Files.exists(out.resolve("report.html")));
    }

    @Test
    void aPlaceThatCannotBeWrittenIsToldBeforeAnythingIsRun() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "a file");
        cost(file).failsWith(2, "cannot be written");
        cost(file.resolve("in")).failsWith(2, "cannot be written");
        Path busy = Files.createDirectory(folder.resolve("busy"));
        try (PointStore store = PointStore.open(busy.resolve("unfinished.tsv"))) {
            assertEquals(0, store.resumed());
            cost(busy).failsWith(2, "another run is writing");
        }
    }

    @Test
    void everyExperimentIsNamedInTheHelp() {
        String help = Cli.ok("cost", "--help").out();
        for (Experiment e : Experiment.values()) {
            assertTrue(help.contains(e.command()), e.command());
        }
    }

    /**
     * 20 runs are killed (SIGKILL, no chance to tidy up), each at a random moment of its life; after each the finished points of
     * before are still there, and none is there twice. The last run finishes, and its table is that of a run nobody disturbed. A
     * run that finishes before its moment has come is compared as well, and a new folder begun.
     */
    @Test
    @EnabledOnOs(OS.LINUX)
    void twentyKilledRunsLoseNothingAndDoubleNothing() throws Exception {
        Path whole = folder.resolve("whole");
        long begin = System.nanoTime();
        assertEquals(0, start(whole).waitFor());
        long life = System.nanoTime() - begin;
        byte[] expected = Files.readAllBytes(whole.resolve("points.csv"));
        Random random = new Random(20260602);
        int kills = 0;
        int finished = 0;
        int resumed = 0;
        Path out = folder.resolve("run0");
        while (kills < 20) {
            Process run = start(out);
            if (run.waitFor((long) (random.nextDouble() * life), TimeUnit.NANOSECONDS)) {
                assertEquals(0, run.exitValue());
                assertArrayEquals(expected, Files.readAllBytes(out.resolve("points.csv")));
                out = folder.resolve("run" + ++finished);
                resumed = 0;
                continue;
            }
            run.destroyForcibly().waitFor();
            kills++;
            List<String> keys = keys(out.resolve("unfinished.tsv"));
            assertEquals(keys.size(), keys.stream().distinct().count(), "a doubled point");
            // A run killed between its last file and the end of its store has a report already; both are whole.
            assertTrue(keys.size() >= resumed || Files.exists(out.resolve("report.html")), keys.size() + " of "
                    + resumed);
            resumed = keys.size();
        }
        assertEquals(0, start(out).waitFor());
        assertArrayEquals(expected, Files.readAllBytes(out.resolve("points.csv")));
        try (Stream<Path> left = Files.list(out)) {
            assertFalse(left.anyMatch(p -> p.getFileName().toString().startsWith("unfinished")));
        }
    }

    /** The keys of the whole lines of a store. */
    private static List<String> keys(Path store) throws IOException {
        if (!Files.exists(store)) {
            return List.of();
        }
        List<String> keys = new ArrayList<>();
        String text = Files.readString(store);
        for (String line : text.substring(0, text.lastIndexOf('\n') + 1).split("\n")) {
            if (!line.isEmpty()) {
                keys.add(line.substring(9, line.indexOf('\t')));
            }
        }
        return keys;
    }

    private Process start(Path out) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", System.getProperty("java.class.path"),
                        Main.class.getName()));
        command.addAll(SMALL);
        command.addAll(List.of("--out", out.toString()));
        return new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
    }
}
