// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.alphabar.backend.Backends;
import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Times a set and writes its report. */
@Command(name = "run", mixinStandardHelpOptions = true,
        description = "Times a set of steps, floors and peers, each in JVMs of its own, and writes the report.",
        footer = {"", "Example:", "  benchmarks run --quick --backends vector,native --out bench-results"})
final class RunCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @ArgGroup(exclusive = true)
    private Sets sets = new Sets();

    /** One of them. */
    static final class Sets {
        @Option(names = "--quick", description = "The main rows, under three minutes on two cores; the default.")
        private boolean quick;

        @Option(names = "--full", description = "Every row, size and type, some 17 minutes on two cores.")
        private boolean full;
    }

    @Option(names = "--backends", split = ",", paramLabel = "<name>",
            description = "Backends and peers to time, by commas; by default all that run here."
                    + " Backends: scalar, vector, native, cuda. Peers: op-by-op, torch, jdk, commons-rng.")
    private List<String> backends;

    @Option(names = "--out", paramLabel = "<folder>", defaultValue = "bench-results",
            description = "Where results.json, machine.json, report.md and the plots go; default: ${DEFAULT-VALUE}.")
    private Path out;

    @Option(names = "--commit", paramLabel = "<id>",
            description = "The commit that was built; by default what git says of the folder you stand in.")
    private String commit;

    @Option(names = "--dry-run", description = "Lists what would be timed, and times nothing.")
    private boolean dryRun;

    @Override
    public Integer call() {
        PrintWriter text = spec.commandLine().getOut();
        Suite.Size size = sets.full ? Suite.Size.FULL : Suite.Size.QUICK;
        List<Point> points = Suite.of(size, chosen(), CFloor.unavailable().isEmpty(),
                Runtime.getRuntime().availableProcessors());
        if (dryRun) {
            points.forEach(text::println);
            text.println(points.size() + " points.");
            return 0;
        }
        List<String> flags = new ArrayList<>(Timing.FLAGS);
        flags.add("-Xms1g -Xmx1g (2g or 4g where floats are kept in arrays)");
        Map<String, String> machine = new LinkedHashMap<>(Machine.describe(commit, flags, command()));
        machine.put("set", size.name().toLowerCase(Locale.ROOT) + ": " + Suite.FORKS + " forks, " + size.warmups
                + " warm-ups and " + size.iterations + " iterations of " + size.time
                + " each");
        Path log = temporary();
        List<String> results = new ArrayList<>();
        // What a run that is stopped leaves behind: half an hour should not be lost with it.
        Path unfinished = out.resolve("unfinished.json");
        List<String> failures = new ArrayList<>();
        long start = System.nanoTime();
        Timing timing = new Timing(size, log);
        try (ProgressBar bar = bar(points.size())) {
            for (Point point : points) {
                if (bar != null) {
                    bar.setExtraMessage(" " + point);
                }
                try {
                    results.addAll(Timing.json(timing.time(point)));
                    AtomicFile.write(unfinished, Timing.file(results));
                } catch (BenchmarkException e) {
                    failures.add(e.getMessage());
                }
                if (bar != null) {
                    bar.step();
                }
            }
        }
        machine.put("took", Math.round((System.nanoTime() - start) / 1e9) + " s");
        if (results.isEmpty()) {
            throw new BenchmarkException("Nothing could be timed: " + String.join(" ", failures));
        }
        if (!failures.isEmpty()) {
            machine.put("refused or failed", String.join(" ", failures));
        }
        AtomicFile.write(out.resolve("results.json"), Timing.file(results));
        AtomicFile.write(out.resolve("machine.json"), json(machine));
        unfinished.toFile().delete();
        for (Path file : ReportCommand.write(out)) {
            text.println(file);
        }
        for (String failure : failures) {
            spec.commandLine().getErr().println(failure);
        }
        return failures.isEmpty() ? 0 : 1;
    }

    /** Who runs here and was asked for; a name asked for that cannot run is an error. */
    private Predicate<String> chosen() {
        TreeSet<String> usable = new TreeSet<>();
        for (Backends.Status s : Backends.status()) {
            if (s.usable()) {
                usable.add(s.name());
            }
        }
        Contenders.peers().stream().filter(p -> p.unavailable().isEmpty()).forEach(p -> usable.add(p.name()));
        if (backends == null) {
            return usable::contains;
        }
        for (String name : backends) {
            if (!usable.contains(name)) {
                throw new ParameterException(spec.commandLine(), "'" + name + "' cannot be timed here: "
                        + Contenders.unavailable(name).orElse("") + " What can: " + String.join(", ", usable) + ".");
            }
        }
        return name -> backends.contains(name);
    }

    private String command() {
        return "benchmarks " + String.join(" ", spec.commandLine().getParent().getParseResult().originalArgs());
    }

    private static ProgressBar bar(int steps) {
        Console console = System.console();
        if (console == null || !console.isTerminal()) {
            return null;
        }
        return new ProgressBarBuilder().setTaskName("timing").setInitialMax(steps).setUpdateIntervalMillis(200).build();
    }

    /** JMH's own output, which nobody reads. */
    private static Path temporary() {
        try {
            Path log = Files.createTempFile("alphabar-jmh", ".log");
            log.toFile().deleteOnExit();
            return log;
        } catch (IOException e) {
            throw new BenchmarkException("No temporary file can be made (" + e + "); set -Djava.io.tmpdir.", e);
        }
    }

    private static byte[] json(Map<String, String> facts) {
        try {
            return JsonMapper.builder().build().writerWithDefaultPrettyPrinter().writeValueAsBytes(facts);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
