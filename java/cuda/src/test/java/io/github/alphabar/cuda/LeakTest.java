// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.BackendProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Contexts that were closed leave neither memory nor threads. Measured in a JVM whose own memory stands still: a heap that is there
 * from the beginning, and no compiler.
 */
class LeakTest {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final int CYCLES = 100_000;
    /** Classes are loaded and the allocators' pools filled after fewer. */
    private static final int WARM_UP = 5_000;
    /** The least that malloc hands out is 32 bytes: one such for each cycle would be 3,125 KiB. */
    private static final long ALLOWED_KILOBYTES = 2_048;

    /** Opens and closes the backend; prints the growth of the resident memory in KiB and of the number of threads. */
    public static final class Main {
        private Main() {
        }

        /** Takes the number of threads of each context. */
        public static void main(String[] args) throws IOException {
            BackendProvider provider = new NativeBackend.Provider();
            BackendProvider.Options options = new BackendProvider.Options(Integer.parseInt(args[0]), 0);
            cycles(provider, options, WARM_UP);
            long memory = status("VmRSS:");
            long threads = status("Threads:");
            cycles(provider, options, CYCLES);
            System.out.println((status("VmRSS:") - memory) + " " + (status("Threads:") - threads));
        }

        private static void cycles(BackendProvider provider, BackendProvider.Options options, int count) {
            for (int i = 0; i < count; i++) {
                provider.open(options).close();
            }
        }

        private static long status(String key) throws IOException {
            try (Stream<String> lines = Files.lines(STATUS)) {
                return lines.filter(l -> l.startsWith(key))
                        .mapToLong(l -> Long.parseLong(l.replaceAll("[^0-9]", "")))
                        .findFirst()
                        .orElseThrow();
            }
        }
    }

    @Test
    void aHundredThousandContextsLeaveNothingBehind() throws Exception {
        assertNothingGrows(1);
    }

    @Test
    void aHundredThousandContextsWithAThreadOfTheirOwnLeaveNothingBehind() throws Exception {
        assertNothingGrows(2);
    }

    private static void assertNothingGrows(int threads) throws Exception {
        Natives.require();
        if (!Files.exists(STATUS)) {
            Natives.missing("there is no /proc to read the resident size from.");
        }
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xint", "-Xms64m", "-Xmx64m",
                "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED"));
        for (String property : new String[] {"java.library.path", "org.bytedeco.javacpp.cachedir"}) {
            if (System.getProperty(property) != null) {
                command.add("-D" + property + "=" + System.getProperty(property));
            }
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName(),
                Integer.toString(threads)));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        List<String> lines = new String(process.getInputStream().readAllBytes()).lines().toList();
        assertEquals(0, process.waitFor(), () -> String.join("\n", lines));
        String[] grown = lines.getLast().split(" ");
        assertTrue(Long.parseLong(grown[0]) < ALLOWED_KILOBYTES, "the process grew by " + grown[0] + " KiB in " + CYCLES
                + " cycles");
        assertEquals(0, Long.parseLong(grown[1]), "more threads after " + CYCLES + " cycles");
    }
}
