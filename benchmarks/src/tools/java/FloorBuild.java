// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;

/**
 * Compiles the C floors into a library among the classes. Run from its source by the JDK, in the module's folder. Says nothing of
 * what is up to date, and one line where the floors cannot be built: the benchmarks then run without them and say so.
 */
final class FloorBuild {
    private static final Path SOURCE = Path.of("src/main/c/floor.c");
    private static final Path OUT = Path.of("target/classes/io/github/alphabar/benchmarks/libalphabar_floor.so");

    private FloorBuild() {
    }

    public static void main(String[] args) throws Exception {
        if (!System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux") || args[0].equals("off")) {
            Files.deleteIfExists(OUT);
            return;
        }
        if (Files.exists(OUT) && Files.getLastModifiedTime(OUT).compareTo(Files.getLastModifiedTime(SOURCE)) > 0) {
            return;
        }
        String compiler = System.getenv("CC");
        for (String name : compiler != null ? List.of(compiler) : List.of("cc", "gcc", "clang")) {
            if (runs(name)) {
                compile(name);
                return;
            }
        }
        Files.deleteIfExists(OUT);
        String missing = "no C floors built: there is no C compiler on the PATH; install one or set CC.";
        if (args[0].equals("on")) {
            fail(missing);
        }
        System.out.println("[alphabar] " + missing);
    }

    private static void compile(String compiler) throws Exception {
        Files.createDirectories(OUT.getParent());
        Path made = OUT.resolveSibling("." + OUT.getFileName() + ".tmp");
        // No contraction: one rounding for each operation that is written, as in the rows.
        Process process = new ProcessBuilder(compiler, "-std=gnu11", "-O3", "-ffp-contract=off", "-fPIC", "-shared",
                "-fvisibility=hidden", "-Wall", "-Wextra", "-o", made.toString(), SOURCE.toString())
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes());
        if (process.waitFor() != 0) {
            fail("The C floors do not compile with " + compiler + ":\n" + output);
        }
        Files.move(made, OUT, StandardCopyOption.ATOMIC_MOVE);
    }

    private static boolean runs(String program) throws InterruptedException {
        try {
            return new ProcessBuilder(program, "--version").redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static void fail(String sentence) {
        System.err.println("[alphabar] " + sentence);
        System.exit(1);
    }
}
