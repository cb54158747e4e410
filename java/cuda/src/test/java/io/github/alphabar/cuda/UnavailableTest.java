// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.cuda.binding.Alphabar;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A library that is missing, damaged or another's is a sentence, and the other backends still run. Each in a JVM of its own. */
@Tag("build")
class UnavailableTest {
    private static final String NATIVES = "io/github/alphabar/cuda/linux-x86_64";
    private static final int VERSION = Alphabar.ALPHABAR_ABI_VERSION;
    private static final String REMEDY = "use the alphabar-cuda jar and its natives of the same release.";

    @TempDir
    Path folder;

    /** What a child prints: two rounds of states, since the first load and the second fail differently in the JVM. */
    public static final class Main {
        private Main() {
        }

        /** Prints the state of every backend, twice. */
        public static void main(String[] args) {
            for (int round = 0; round < 2; round++) {
                for (Backends.Status s : Backends.status()) {
                    System.out.println(s.name() + "|" + s.usable() + "|" + s.detail());
                }
            }
            try (Backend best = Backends.best().backend()) {
                System.out.println("best|" + best.name());
            }
        }
    }

    private static Path classes() throws Exception {
        return Path.of(NativeBackend.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    /** The module's classes without its natives. */
    private void copyClasses() throws Exception {
        Path from = classes();
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String name = from.relativize(file).toString();
                if (!name.startsWith(NATIVES)) {
                    Path to = folder.resolve(name);
                    Files.createDirectories(to.getParent());
                    Files.copy(file, to, StandardCopyOption.REPLACE_EXISTING);
                }
            }
        }
    }

    private List<String> child() throws Exception {
        List<String> path = new ArrayList<>(List.of(folder.toString()));
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (!Path.of(entry).equals(classes())) {
                path.add(entry);
            }
        }
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-Dorg.bytedeco.javacpp.cachedir=" + folder.resolve("cache"),
                "-cp", String.join(File.pathSeparator, path), Main.class.getName()).redirectErrorStream(true).start();
        List<String> lines = new String(process.getInputStream().readAllBytes()).lines().toList();
        assertEquals(0, process.waitFor(), () -> String.join("\n", lines));
        assertEquals("best|scalar", lines.getLast(), () -> String.join("\n", lines));
        return lines;
    }

    private static List<String> states(List<String> lines, String backend) {
        List<String> states = lines.stream().filter(l -> l.startsWith(backend + "|")).toList();
        assertEquals(2, states.size(), () -> String.join("\n", lines));
        return states;
    }

    private static void assertRefused(List<String> lines, String... parts) {
        for (String name : new String[] {"native", "cuda"}) {
            List<String> states = states(lines, name);
            assertEquals(states.get(0), states.get(1));
            assertTrue(states.get(0).startsWith(name + "|false|"), states.get(0));
            for (String part : parts) {
                assertTrue(states.get(0).contains(part), () -> "no '" + part + "' in " + states.get(0));
            }
        }
    }

    /** Puts a library of our own making beside the real bindings. */
    private void fake(String source) throws Exception {
        copyClasses();
        Natives.require();
        Path natives = Files.createDirectories(folder.resolve(NATIVES));
        Files.copy(classes().resolve(NATIVES).resolve("libjnialphabar.so"), natives.resolve("libjnialphabar.so"),
                StandardCopyOption.REPLACE_EXISTING);
        Path code = Files.writeString(folder.resolve("fake.cpp"), "extern \"C\" {" + source + "}\n");
        Path library = natives.resolve("libalphabar.so");
        try {
            Process compiler = new ProcessBuilder("g++", "-shared", "-fPIC", "-Wl,-soname,libalphabar.so", "-o",
                    library.toString(), code.toString()).inheritIO().start();
            assertEquals(0, compiler.waitFor());
        } catch (IOException e) {
            Natives.missing("there is no g++ to make a fake library with.");
        }
    }

    /** Every function that the bindings call. */
    private static Set<String> functions() {
        return Arrays.stream(Alphabar.class.getDeclaredMethods())
                .filter(m -> Modifier.isNative(m.getModifiers()))
                .map(Method::getName)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The code of a library of some version, where some functions do what is given and the others nothing. */
    private static String library(int version, Set<String> functions, Map<String, String> bodies) {
        StringBuilder source = new StringBuilder();
        for (String name : functions) {
            boolean text = name.equals("alphabar_status_text") || name.equals("alphabar_host_description");
            String body = name.equals("alphabar_abi_version")
                    ? "return " + version + ";"
                    : bodies.getOrDefault(name, text ? "return \"a fake\";" : "return 0;");
            // Called with more arguments than it names, which no calling convention of C minds.
            source.append(text ? "const char* " : "long ").append(name).append("() { ").append(body).append(" }\n");
        }
        return source.toString();
    }

    @Test
    void withoutNativesEachBackendSaysWhatToDo() throws Exception {
        copyClasses();
        assertRefused(child(), "no native library for", "is on the class path", "CMake");
    }

    @Test
    void aLibraryOfAnotherVersionIsRefused() throws Exception {
        // Older and newer, and the largest, which Java would print as -1.
        for (int other : new int[] {VERSION - 1, VERSION + 1, -1}) {
            fake(library(other, functions(), Map.of()));
            assertRefused(child(), "libalphabar has version " + Integer.toUnsignedString(other) + " of its interface",
                    "version " + VERSION, REMEDY);
        }
    }

    @Test
    void aLibraryThatLacksAFunctionIsRefusedWhenItIsLoaded() throws Exception {
        // Each in its turn, since a function that is missing may be one that is called late.
        for (String missing : functions()) {
            Set<String> others = functions();
            others.remove(missing);
            fake(library(VERSION, others, Map.of()));
            assertRefused(child(), "cannot be loaded", "undefined symbol: " + missing, REMEDY);
        }
    }

    @Test
    void aLibraryThatMakesNoContextIsASentence() throws Exception {
        int refused = Alphabar.ALPHABAR_OUT_OF_MEMORY;
        fake(library(VERSION, functions(), Map.of("alphabar_host_create", "return " + refused + ";",
                "alphabar_cuda_create", "return " + refused + ";", "alphabar_status_text",
                "return \"There is not enough memory.\";")));
        List<String> lines = child();
        for (String line : states(lines, "native")) {
            assertTrue(line.startsWith("native|false|"), line);
            assertTrue(line.contains("Cannot open the native backend") && line.endsWith("not enough memory."), line);
        }
        for (String line : states(lines, "cuda")) {
            assertTrue(line.startsWith("cuda|false|") && line.endsWith("."), line);
        }
    }

    @Test
    void aFileThatIsNoLibraryIsRefused() throws Exception {
        copyClasses();
        Path natives = Files.createDirectories(folder.resolve(NATIVES));
        Files.writeString(natives.resolve("libjnialphabar.so"), "This is no library.");
        Files.writeString(natives.resolve("libalphabar.so"), "Nor is this.");
        assertRefused(child(), "cannot be loaded", REMEDY);
    }
}
