// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.huggingface.TraceReplay;
import io.github.alphabar.huggingface.TraceReplay.Outcome;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Recorded traces of reference implementations, run through the solvers. */
@Command(name = "replay", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Feeds recorded traces of reference implementations through the solvers and a backend, step by step and"
                + " as rollouts, and compares. Exits with 1 where something differs, or cannot be repeated.",
        footer = {"", "Example:",
            "  alphabar replay java/huggingface/src/test/resources/io/github/alphabar/huggingface/traces"
                    + " --variant f32 --allow-unsupported"})
final class ReplayCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "FOLDER", description = "A folder with an index.json and the safetensors files it names.")
    private Path folder;

    @Option(names = "--variant", paramLabel = "V", defaultValue = "x64",
            description = "Which recording: f32, f64 (float64 samples, float32 tables) or x64 (float64 throughout)"
                    + " (default: ${DEFAULT-VALUE}).")
    private String variant;

    @Option(names = "--group", paramLabel = "NAME", description = "Only this group of cases.")
    private String group;

    @Option(names = "--case", paramLabel = "ID", description = "Only this case, such as ddim/sd_T50.")
    private String id;

    @Option(names = "--backend", paramLabel = "NAME", defaultValue = "vector",
            description = "What computes the steps; see 'alphabar backends' (default: ${DEFAULT-VALUE}).")
    private String backend;

    @Option(names = "--allow-unsupported", description = "Do not fail because of cases that cannot be repeated.")
    private boolean allowUnsupported;

    @Option(names = "--json", paramLabel = "FILE", description = "Also write the report as JSON.")
    private Path json;

    @Override
    public Integer call() {
        TraceReplay.Variant chosen = UsageException.checked(() -> TraceReplay.Variant.parse(variant));
        SafeFile file = json == null ? null : SafeFile.at(json, "--json");
        PrintWriter out = spec.commandLine().getOut();
        TraceReplay.Report report;
        try (Backend steps = UsageException.checked(() -> Backends.named(backend));
                Progress progress = Progress.of("replay", -1)) {
            report = TraceReplay.run(folder, chosen, steps, group, id, _ -> progress.step());
        } catch (IOException e) {
            String which = e instanceof FileSystemException f ? "'" + f.getFile() + "': " : "";
            throw new RunException("The traces cannot be read: " + which + SafeFile.reason(e) + ".", e);
        } catch (IllegalArgumentException e) {
            throw new UsageException(e.getMessage());
        }
        print(out, report);
        if (file != null) {
            file.write(report.toJson().getBytes(StandardCharsets.UTF_8));
        }
        boolean bad = !report.failures().isEmpty() || (!allowUnsupported && !report.unsupported().isEmpty());
        return bad ? 1 : 0;
    }

    private static void print(PrintWriter out, TraceReplay.Report report) {
        out.printf("Variant %s on %s.%n", report.variant().text(), report.backend());
        out.printf("%-26s %5s %6s %6s %6s %11s  %-10s %s%n", "group", "cases", "steps", "passed", "failed",
                "unsupported",
                "worst", "tolerance");
        for (Map.Entry<String, List<Outcome>> g : report.groups().entrySet()) {
            List<Outcome> list = g.getValue();
            out.printf(Locale.ROOT, "%-26s %5d %6d %6d %6d %11d  %-10.2e %.0e%n", g.getKey(), list.size(),
                    list.stream().mapToInt(Outcome::steps).sum(), list.stream().filter(Outcome::isPassed).count(),
                    list.stream().filter(o -> o.failure() != null).count(),
                    list.stream().filter(o -> o.unsupported() != null).count(),
                    list.stream().mapToDouble(Outcome::worst).max().orElse(0),
                    list.stream().mapToDouble(Outcome::tolerance).max().orElse(0));
        }
        report.failures().forEach(o -> out.println("FAILED " + o.id() + ": " + o.failure()));
        report.unsupported().forEach(o -> out.println("unsupported " + o.id() + ": " + o.unsupported()));
        report.outcomes()
                .stream()
                .filter(o -> o.decision() != null)
                .forEach(o -> out.println("the reference gives NaN in " + o.id() + "; here: " + o.decision()));
        report.conditioned()
                .forEach(o -> out.printf(Locale.ROOT,
                        "%d of the %d steps of %s beyond %.0e of max(1, |x|) (%.1e), within 4 ulp"
                                + " of their largest term.%n",
                        o.conditioned(), o.steps(), o.id(), o.tolerance(), o.letter()));
        if (report.absent() > 0) {
            out.println(report.absent() + " cases have no recording of this variant.");
        }
        out.flush();
    }
}
