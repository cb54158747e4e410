// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The coefficient table of a solver. */
@Command(name = "plan", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Prints what a sampler will do: one row of coefficients for each network call. Needs no model.",
        footer = {"", "Example:", "  alphabar plan --solver dpmpp-2m --steps 10 --spacing karras --format csv"})
final class PlanCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private PlanOptions options;

    @Option(names = "--prediction", paramLabel = "WHAT",
            description = "What the network returns: epsilon, sample, v_prediction or flow"
                    + " (default: epsilon, or what --scheduler says).")
    private String prediction;

    @Option(names = "--format", paramLabel = "FORMAT", defaultValue = "text",
            description = "text, csv or json (default: ${DEFAULT-VALUE}).")
    private String format;

    @Option(names = "--out", paramLabel = "FILE", description = "Write the table to a file instead of stdout.")
    private Path out;

    @Override
    public Integer call() {
        SamplingPlan plan = plan();
        String text = switch (format) {
            case "text" -> plan.toTable();
            case "csv" -> plan.toCsv();
            case "json" -> plan.toJson();
            default -> throw new UsageException("Unknown format '" + format + "'; it is text, csv or json.");
        };
        String lines = text.endsWith("\n") ? text : text + "\n";
        if (out != null) {
            SafeFile.at(out, "--out").write(lines.getBytes(StandardCharsets.UTF_8));
        } else {
            PrintWriter stdout = spec.commandLine().getOut();
            stdout.print(lines);
            stdout.flush();
        }
        return 0;
    }

    private SamplingPlan plan() {
        if (options.scheduler != null) {
            options.refuseBesideScheduler(spec.commandLine().getParseResult());
            if (prediction != null) {
                throw new UsageException("--prediction is settled by --scheduler; leave one of them out.");
            }
            return SchedulerFile.plan(options, false, null, spec.commandLine().getErr());
        }
        Prediction returned = UsageException
                .checked(() -> Prediction.parse(prediction == null ? "epsilon" : prediction));
        return options.plan(options.schedule(null), returned, null);
    }
}
