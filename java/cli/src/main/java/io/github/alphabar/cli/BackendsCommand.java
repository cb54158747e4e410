// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import io.github.alphabar.backend.Backends;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Which backends run here, why not the others, and what to do. */
@Command(name = "backends", mixinStandardHelpOptions = true,
        description = "Shows which backends run on this machine, why the others do not, and which one is the best.",
        footer = {"", "Example:", "  alphabar backends"})
final class BackendsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        List<Backends.Status> all = Backends.status();
        int width = all.stream().mapToInt(s -> s.name().length()).max().orElse(0);
        for (Backends.Status s : all) {
            out.printf("%-" + width + "s  %-11s  %s%n", s.name(), s.usable() ? "usable" : "unavailable", s.detail());
        }
        Backends.Choice best = Backends.best();
        try (var backend = best.backend()) {
            out.println("Best: " + backend.name());
        }
        return 0;
    }
}
