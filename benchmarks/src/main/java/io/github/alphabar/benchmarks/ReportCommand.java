// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Turns results into tables and plots. */
@Command(name = "report", mixinStandardHelpOptions = true,
        description = "Turns the results in a folder into report.md and plots (PNG and SVG).",
        footer = {"", "Example:",
            "  benchmarks report benchmarks/results/xeon-avx512-2-cores --readme README.md"})
final class ReportCommand implements Callable<Integer> {
    private static final Map<String, String> PLOTS = new TreeMap<>(Map.of("time.png", "time against size", "peers.png",
            "ratio to peers", "floor-in-cache.png", "share of the floor in cache", "floor.png", "share of the floor"));

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "<folder>", description = "Where 'run' wrote results.json and machine.json.")
    private Path folder;

    @Option(names = "--readme", paramLabel = "<file>",
            description = "Also writes the main table into this file, between its markers.")
    private Path readme;

    @Override
    public Integer call() {
        List<Path> written = new ArrayList<>(write(folder));
        if (readme != null) {
            Readme.update(readme, folder);
            written.add(readme);
        }
        written.forEach(spec.commandLine().getOut()::println);
        return 0;
    }

    static List<Path> write(Path folder) {
        Results results = Results.read(folder);
        List<Path> written = new ArrayList<>();
        Path file = folder.resolve("report.md");
        List<Path> plots = Plots.write(results, folder);
        AtomicFile.write(file, text(results, folder).getBytes(StandardCharsets.UTF_8));
        written.add(file);
        written.addAll(plots);
        return written;
    }

    /** The report, without its plots. */
    static String text(Results results, Path folder) {
        Tables tables = new Tables(results);
        StringBuilder text = new StringBuilder("# What a step costs\n\n").append(tables.machine());
        text.append(
                "Times are medians of all iterations of all forks. Every result was compared with the scalar backend's before it"
                        + " was timed: bit for bit\nfor backends, within roundings for peers. The C loop reads and writes what the row"
                        + " does, with one multiply-add for each tensor read;\na percentage is the share of its bandwidth, a factor how"
                        + " often longer than vector. Rows work out of place: all tensors are distinct.\nTwo identical points of this run"
                        + " differ by up to ")
                .append(Text.percent(results.noise()))
                .append(".\n\n");
        section(text, "Goals", "Ratios within this run.", tables.goals());
        notes(folder, text);
        for (long elements : Suite.SIZES) {
            section(text, "Steps of " + Text.elements(elements), "F32, one thread.",
                    tables.steps(elements, Row.samplers()));
        }
        PLOTS.forEach((file, title) -> {
            if (Files.isRegularFile(folder.resolve(file))) {
                text.append("![").append(title).append("](").append(file).append(")\n\n");
            }
        });
        section(text, "Two-byte types", "Beside a time: how many elements in the time of one of F32.", tables.types());
        section(text, "Threads", "", tables.threads());
        section(text, "Normals", "F32, one thread.", tables.normals());
        section(text, "Around a step", "", tables.surroundings());
        section(text, "Host or device", "F32; host backends on one thread, tensors where the backend has them.",
                tables.crossover());
        section(text, "By way of the host", "What an engine does whose sampler is not on its device.",
                tables.detours());
        section(text, "Queuing on a device", "", tables.queuing());
        section(text, "Floors", "r + w: tensors read and written.", tables.floors());
        section(text, "The same point twice", "", tables.repeated());
        return text.toString().stripTrailing() + "\n";
    }

    /** What a person found out about the figures. */
    private static void notes(Path folder, StringBuilder text) {
        Path notes = folder.resolve("notes.md");
        if (Files.isRegularFile(notes)) {
            try {
                text.append(Files.readString(notes).strip()).append("\n\n");
            } catch (IOException e) {
                throw new BenchmarkException("'" + notes + "' cannot be read (" + e + ").", e);
            }
        }
    }

    private static void section(StringBuilder text, String title, String what, String table) {
        if (!table.isEmpty()) {
            text.append("## ").append(title).append("\n\n");
            text.append(what.isEmpty() ? "" : what + "\n\n").append(table);
        }
    }
}
