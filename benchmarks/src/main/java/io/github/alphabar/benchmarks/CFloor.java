// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The C floors, where a C compiler was at hand when this module was built. */
@SuppressWarnings("restricted")
final class CFloor {
    private static final String LIBRARY = "libalphabar_floor.so";

    private CFloor() {
    }

    /** Why there is no C floor; empty if there is one. */
    static Optional<String> unavailable() {
        if (CFloor.class.getResource(LIBRARY) == null) {
            return Optional.of("no C floor: there was no C compiler when the benchmarks were built.");
        }
        try {
            Loaded.COPY.type();
            return Optional.empty();
        } catch (LinkageError | IllegalStateException e) {
            return Optional.of("no C floor: its library cannot be loaded (" + e.getMessage() + ").");
        }
    }

    /** The instruction set of its loops. */
    static String target() {
        try {
            MemorySegment text = (MemorySegment) Loaded.TARGET.invokeExact();
            return text.reinterpret(64).getString(0);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    static void copy(MemorySegment to, MemorySegment from, long bytes) {
        try {
            Loaded.COPY.invokeExact(to, from, bytes);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** {@code in} and {@code out} hold addresses; false where the library has no such loop. */
    static boolean streams(boolean aroundCache, int reads, int writes, MemorySegment in, MemorySegment out, long n) {
        try {
            int status = aroundCache ? (int) Loaded.AROUND.invokeExact(reads, writes, in, out, n)
                    : (int) Loaded.STREAMS.invokeExact(reads, writes, in, out, n);
            return status == 0;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    private static final class Loaded {
        private static final SymbolLookup SYMBOLS = load();
        static final MethodHandle COPY = function("alphabar_floor_copy",
                FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, JAVA_LONG));
        static final MethodHandle STREAMS = function("alphabar_floor_streams",
                FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG));
        static final MethodHandle AROUND = function("alphabar_floor_streams_around",
                FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG));
        static final MethodHandle TARGET = function("alphabar_floor_target", FunctionDescriptor.of(ADDRESS));

        private static MethodHandle function(String name, FunctionDescriptor type) {
            return Linker.nativeLinker().downcallHandle(SYMBOLS.find(name).orElseThrow(), type);
        }

        /** From a file of its own: the class path may be a jar. */
        private static SymbolLookup load() {
            try (InputStream in = CFloor.class.getResourceAsStream(LIBRARY)) {
                Path file = Files.createTempFile("alphabar-floor", ".so");
                file.toFile().deleteOnExit();
                Files.write(file, in.readAllBytes());
                return SymbolLookup.libraryLookup(file, Arena.global());
            } catch (IOException e) {
                throw new IllegalStateException(e.getMessage(), e);
            }
        }
    }
}
