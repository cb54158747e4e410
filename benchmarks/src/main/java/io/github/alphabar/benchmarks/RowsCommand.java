// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Stub replaced below. */
@Command(name = "rows")
final class RowsCommand implements Callable<Integer> {
    @Override
    public Integer call() {
        return 0;
    }
}
