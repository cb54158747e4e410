// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CommandTest {
    @TempDir
    private Path folder;

    private record Cli(int status, String out, String err) {
        static Cli run(String... arguments) {
            StringWriter out = new StringWriter();
            StringWriter err = new StringWriter();
            int status = Main.commandLine()
                    .setOut(new PrintWriter(out, true))
                    .setErr(new PrintWriter(err, true))
                    .execute(arguments);
            return new Cli(status, out.toString(), err.toString());
        }
    }

    @Test
    void aDryRunListsEveryPointAndTheFirstComesAgainAtTheEnd() {
        Cli quick = Cli.run("run", "--quick", "--dry-run", "--backends", "vector,scalar,op-by-op");
        assertEquals(0, quick.status(), quick.err());
        List<String> lines = quick.out().lines().toList();
        assertTrue(lines.getFirst().contains("backend=vector"), quick.out());
        assertEquals(2, lines.stream().filter(lines.getFirst()::equals).count());
        assertFalse(quick.out().contains("backend=native"));
        List<String> full = Cli.run("run", "--full", "--dry-run", "--backends", "vector,scalar,op-by-op")
                .out()
                .lines()
                .toList();
        for (Row row : Row.samplers()) {
            for (long elements : List.of(Suite.SD, Suite.SDXL, Suite.MIO, Suite.MIO16)) {
                assertTrue(full.contains("FusedStep.step(backend=vector, dtype=F32, elements=" + elements + ", row="
                        + row.id() + ", threads=1)"), row + " " + elements);
            }
        }
    }

    @Test
    void everyCommandOfTheReadmeIsUnderstood() throws IOException {
        Matcher m = Pattern.compile("-Dmain=" + Main.class.getName() + " -Dargs=\"([^\"]*)\"")
                .matcher(Files.readString(Path.of("..", "README.md")));
        List<String> commands = m.results().map(r -> r.group(1)).toList();
        assertFalse(commands.isEmpty());
        for (String command : commands) {
            Main.commandLine().parseArgs(command.split(" "));
        }
    }

    @Test
    void aBackendThatCannotRunIsNamedWithItsReason() {
        Cli cli = Cli.run("run", "--backends", "vector,nonsense", "--dry-run");
        assertEquals(2, cli.status());
        assertTrue(cli.err().startsWith("benchmarks run: 'nonsense' cannot be timed here: "), cli.err());
        assertEquals(1, cli.err().lines().count(), cli.err());
    }

    @Test
    void aReportOfNothingSaysWhatToDo() {
        Cli cli = Cli.run("report", folder.toString());
        assertEquals(1, cli.status());
        assertTrue(cli.err().contains("name a folder that 'benchmarks run --out' wrote"), cli.err());
    }

    @Test
    void aPointIsTimedInAForkAndAWrongBackendIsRefusedThere() throws IOException {
        Path log = folder.resolve("log");
        Timing timing = new Timing(Suite.Size.QUICK, log);
        Point right = new Point("StepOverhead", "step", java.util.Map.of("backend", "scalar"), 1);
        JsonNode json = JsonMapper.builder().build().readTree(Timing.file(Timing.json(timing.time(right))));
        assertEquals(1, json.size());
        assertEquals(2, json.get(0).get("forks").asInt());
        assertTrue(json.get(0).get("secondaryMetrics").has("gc.alloc.rate.norm"), json.toString());
        assertTrue(json.get(0).get("secondaryMetrics").has(Allocation.METRIC), json.toString());
        Point wrong = new Point("StepOverhead", "step", java.util.Map.of("backend", BrokenBackend.NAME), 1);
        String refusal = org.junit.jupiter.api.Assertions
                .assertThrows(BenchmarkException.class, () -> timing.time(wrong))
                .getMessage();
        assertTrue(refusal.contains("it is not timed"), refusal);
    }

    @Test
    void thePythonPeersFindTheirRows() throws IOException {
        Path file = folder.resolve("rows.json");
        Cli cli = Cli.run("rows", file.toString());
        assertEquals(0, cli.status(), cli.err());
        JsonNode rows = JsonMapper.builder().build().readTree(file.toFile());
        assertEquals(Row.samplers().stream().map(Row::id).toList(), Stream.iterate(0, i -> i + 1)
                .limit(rows.size())
                .map(i -> rows.get(i).get("row").asText())
                .toList());
        for (JsonNode row : rows) {
            assertEquals(row.get("x").size(), row.get("expected").size());
            assertEquals(Row.named(row.get("row").asText()).isNoisy(), !row.get("noise").isNull());
        }
        assertTrue(Files.size(file) > 0);
    }
}
