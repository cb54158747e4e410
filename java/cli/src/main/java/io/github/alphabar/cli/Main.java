// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import io.github.alphabar.backend.BackendException;
import io.github.alphabar.onnxruntime.OnnxModelException;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/**
 * The command {@code alphabar}. It exits with 0 when all went well, with 2 where an argument is wrong and with 1 where the run failed;
 * both say why in one sentence on stderr.
 */
@Command(name = "alphabar", mixinStandardHelpOptions = true, versionProvider = Main.Version.class,
        description = "Diffusion samplers for the JVM: each step as one fused pass.",
        subcommands = {SampleCommand.class, PlanCommand.class, ReplayCommand.class, CostCommand.class,
            BackendsCommand.class},
        footer = {"", "Every command has --help with an example. From a checkout:",
            "  ./mvnw -q -ntp compile exec:exec -Dargs=\"sample --solver ddim --steps 50\""})
public final class Main implements Runnable {
    @Spec
    private CommandSpec spec;

    Main() {
    }

    /** The version of the jar. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"alphabar " + (version == null ? "(built from source)" : version)};
        }
    }

    @Override
    public void run() {
        throw new UsageException("Name a command: " + String.join(", ", spec.subcommands().keySet()) + ".");
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
                .setUsageHelpWidth(110)
                .setUsageHelpLongOptionsMaxWidth(28);
    }

    private static int wrongArguments(ParameterException e, String[] arguments) {
        return wrong(e.getCommandLine(), e.getMessage());
    }

    private static int failed(Exception e, CommandLine command, ParseResult arguments) throws Exception {
        return switch (e) {
            case UsageException usage -> wrong(command, usage.getMessage());
            case RunException _,BackendException _,OnnxModelException _ -> {
                command.getErr().println(name(command) + ": " + sentence(e.getMessage()));
                yield CommandLine.ExitCode.SOFTWARE;
            }
            // Anything else is a fault of this program, and its trace is wanted in the report.
            default -> throw e;
        };
    }

    private static int wrong(CommandLine command, String message) {
        PrintWriter err = command.getErr();
        err.println(name(command) + ": " + sentence(message) + " See '" + name(command) + " --help'.");
        return CommandLine.ExitCode.USAGE;
    }

    private static String name(CommandLine command) {
        return command.getCommandSpec().qualifiedName();
    }

    private static String sentence(String message) {
        return message.endsWith(".") ? message : message + ".";
    }
}
