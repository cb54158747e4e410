// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Files that appear whole or not at all. */
final class AtomicFile {
    private AtomicFile() {
    }

    static void write(Path target, byte[] bytes) {
        Path place = target.toAbsolutePath();
        Path temporary = place.resolveSibling("." + place.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
        temporary.toFile().deleteOnExit();
        try {
            Files.createDirectories(place.getParent());
            Files.write(temporary, bytes);
            Files.move(temporary, place, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new BenchmarkException("'" + target + "' could not be written (" + e + "); name a folder of yours.",
                    e);
        }
    }
}
