// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import java.io.Console;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;

/** A bar on stderr where a person looks on, nothing in a pipe. */
final class Progress implements AutoCloseable {
    private final ProgressBar bar;

    private Progress(ProgressBar bar) {
        this.bar = bar;
    }

    static Progress of(String task, int steps) {
        Console console = System.console();
        return of(task, steps, console != null && console.isTerminal());
    }

    static Progress of(String task, int steps, boolean shown) {
        return new Progress(!shown ? null
                : new ProgressBarBuilder().setTaskName(task)
                        .setInitialMax(steps)
                        .setUpdateIntervalMillis(100)
                        .build());
    }

    void step() {
        if (bar != null) {
            bar.step();
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
