// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/**
 * The benchmarks' command. It exits with 0 when all went well, with 2 where an argument is wrong and with 1 where the run failed or a
 * result was refused; both say why in one sentence on stderr.
 */
@Command(name = "benchmarks", mixinStandardHelpOptions = true,
        description = "What a step costs, beside the floor and beside what people use today.",
        subcommands = {RunCommand.class, ReportCommand.class, RowsCommand.class},
        footer = {"", "From a checkout, the quick set and its report:",
            "  ./mvnw -q -ntp process-classes exec:exec -Dmain=io.github.alphabar.benchmarks.Main -Dargs=\"run --quick\""})
public final class Main implements Runnable {
    @Spec
    private CommandSpec spec;

    Main() {
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(),
                "Name a command: " + String.join(", ", spec.subcommands().keySet()) + ".");
    }

    /**
     * Runs a command and exits.
     *
     * @param arguments
     *            the command and its options
     */
    public static void main(String... arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new Main()).setParameterExceptionHandler(Main::wrongArguments)
                .setExecutionExceptionHandler(Main::failed)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpWidth(110)
                .setUsageHelpLongOptionsMaxWidth(28);
    }

    private static int wrongArguments(ParameterException e, String[] arguments) {
        PrintWriter err = e.getCommandLine().getErr();
        String name = e.getCommandLine().getCommandSpec().qualifiedName();
        err.println(name + ": " + sentence(e.getMessage()) + " See '" + name + " --help'.");
        return CommandLine.ExitCode.USAGE;
    }

    private static int failed(Exception e, CommandLine command, ParseResult arguments) throws Exception {
        if (e instanceof BenchmarkException) {
            command.getErr().println(command.getCommandSpec().qualifiedName() + ": " + sentence(e.getMessage()));
            return CommandLine.ExitCode.SOFTWARE;
        }
        // Anything else is a fault of this program, and its trace is wanted in the report.
        throw e;
    }

    private static String sentence(String message) {
        return message.endsWith(".") ? message : message + ".";
    }
}
