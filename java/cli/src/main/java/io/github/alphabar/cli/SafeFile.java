// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** A file that appears whole or not at all: written under another name beside its place, then moved there. */
final class SafeFile {
    private final Path target;

    private SafeFile(Path target) {
        this.target = target;
    }

    /** Checks, by trying, that the file can be written later; leaves nothing behind. */
    static SafeFile at(Path path, String option) {
        Path place = path.toAbsolutePath();
        try {
            // A link stays a link: what it points to is replaced.
            place = Files.exists(place) ? place.toRealPath() : place.normalize();
            if (Files.exists(place) && !Files.isRegularFile(place)) {
                throw new UsageException(
                        option + " '" + path + "' is a folder or a device; name a file.");
            }
            if (place.getParent() == null || !Files.isDirectory(place.getParent())) {
                throw new UsageException(
                        option + " '" + path + "' lies in a folder that does not exist; create it first.");
            }
            SafeFile file = new SafeFile(place);
            Path trial = file.temporary();
            Files.createFile(trial);
            Files.delete(trial);
            return file;
        } catch (IOException e) {
            throw new UsageException(option + " '" + path + "' cannot be written (" + reason(e)
                    + "); name a file in a folder of yours.");
        }
    }

    private Path temporary() {
        return target.resolveSibling(
                "." + target.getFileName() + "." + ProcessHandle.current().pid() + "." + System.nanoTime() + ".tmp");
    }

    void write(byte[] bytes) {
        Path temporary = temporary();
        // Also where the process is told to end in the middle.
        temporary.toFile().deleteOnExit();
        try {
            Files.write(temporary, bytes, StandardOpenOption.CREATE_NEW);
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            try {
                Files.deleteIfExists(temporary);
            } catch (IOException left) {
                e.addSuppressed(left);
            }
            throw new RunException("'" + target + "' could not be written (" + reason(e) + ").", e);
        }
    }

    static String reason(IOException e) {
        String kind = e.getClass().getSimpleName().replace("Exception", "").replaceAll("(?<=.)([A-Z])", " $1");
        return e.getMessage() == null || e.getClass() != IOException.class ? kind.toLowerCase(java.util.Locale.ROOT)
                : e.getMessage();
    }

    @Override
    public String toString() {
        return target.toString();
    }
}
