// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import io.github.alphabar.backend.BackendException;
import io.github.alphabar.cuda.binding.Alphabar;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;

/** libalphabar, or a sentence about why it is not here. */
final class Library {
    private static final int TEXT = 1024;

    private Library() {
    }

    /** A function of the library that writes a sentence into memory. */
    private interface Writer {
        void write(long text, long size);
    }

    /** A function of the library that makes a context. */
    interface Maker {
        int create(long context);
    }

    /** Why the library cannot be used; loads it if it can. */
    static Optional<String> unavailable() {
        return Loaded.PROBLEM;
    }

    /** The JVM initialises the bindings once, and only the first attempt says why they cannot be. */
    private static final class Loaded {
        static final Optional<String> PROBLEM = load();

        private static Optional<String> load() {
            try {
                int version = Alphabar.alphabar_abi_version();
                if (version == Alphabar.ALPHABAR_ABI_VERSION) {
                    return Optional.empty();
                }
                return Optional.of("libalphabar has version " + Integer.toUnsignedString(version)
                        + " of its interface, but these classes were made for version " + Alphabar.ALPHABAR_ABI_VERSION
                        + "; use the alphabar-cuda jar and its natives of the same release.");
            } catch (LinkageError e) {
                return Optional.of(reason(e));
            }
        }
    }

    private static String reason(LinkageError error) {
        Throwable deepest = error;
        while (deepest.getCause() != null && deepest.getCause() != deepest) {
            deepest = deepest.getCause();
        }
        String platform = Loader.getPlatform();
        String message = String.valueOf(deepest.getMessage()).lines().findFirst().orElse("").strip();
        if (message.contains("no jnialphabar in ") || message.startsWith("Could not find jnialphabar")) {
            return "no native library for " + platform + " is on the class path; add the linux-x86_64 jar of"
                    + " alphabar-cuda, or build it with CMake and a C++17 compiler (./mvnw verify says what is missing).";
        }
        return "the native library for " + platform + " cannot be loaded (" + message
                + "); use the alphabar-cuda jar and its natives of the same release.";
    }

    /** Makes a context, to be destroyed by the caller. */
    static Context create(String what, Maker maker) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment context = arena.allocate(ValueLayout.JAVA_LONG);
            int status = maker.create(context.address());
            if (status != Alphabar.ALPHABAR_OK) {
                throw new BackendException("Cannot open " + what + ": " + statusText(status));
            }
            return new Context(context.get(ValueLayout.JAVA_LONG, 0));
        }
    }

    /** Why a device cannot be used, or "" if it can. The library must be here. */
    static String cudaUnavailable(int device) {
        return text((text, size) -> Alphabar.alphabar_cuda_unavailable(device, text, size));
    }

    static String lastError(long context) {
        return text((text, size) -> Alphabar.alphabar_last_error(context, text, size));
    }

    static String statusText(int status) {
        return Alphabar.alphabar_status_text(status).getString();
    }

    static String hostDescription() {
        return Alphabar.alphabar_host_description().getString();
    }

    private static String text(Writer writer) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(TEXT);
            writer.write(text.address(), TEXT);
            return text.getString(0);
        }
    }
}
