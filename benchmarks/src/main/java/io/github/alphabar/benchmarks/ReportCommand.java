// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Stub replaced below. */
@Command(name = "report")
final class ReportCommand implements Callable<Integer> {
    @Override
    public Integer call() {
        return 0;
    }

    static List<Path> write(Path folder) {
        return List.of();
    }
}
