// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.Ddpm;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which backends run here, why not the others, and what to do. */
@Command(name = "backends", mixinStandardHelpOptions = true,
        description = "Shows which backends run on this machine, why the others do not, and which one is the best.",
        footer = {"", "Example:", "  alphabar backends --time"})
final class BackendsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--time",
            description = "Also time steps of 16,384 floats on each, beside a copy of as many bytes; 4 s for each.")
    private boolean time;

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
        if (time) {
            for (Backends.Status s : all) {
                if (s.usable()) {
                    try (Backend backend = Backends.named(s.name())) {
                        StepTimer.Times ddim = StepTimer.measure(backend, new Ddim());
                        StepTimer.Times ddpm = StepTimer.measure(backend, new Ddpm());
                        out.printf(Locale.ROOT,
                                "%s: %.2f us for a DDIM step of 16,384 floats, %.2f us for a DDPM step with its noise,"
                                        + " %.2f us for a copy of as many bytes as DDIM moves.%n",
                                s.name(), ddim.step(), ddpm.step(), Math.min(ddim.copy(), ddpm.copy()));
                        out.flush();
                    }
                }
            }
        }
        return 0;
    }
}
