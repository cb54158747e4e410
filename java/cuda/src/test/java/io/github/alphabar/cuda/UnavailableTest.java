// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.BackendException;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.cuda.binding.Alphabar;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A library that is missing, damaged or another's is a sentence, and the other backends still run. Each in a JVM of its own. */
class UnavailableTest {
    private static final String NATIVES = "io/github/alphabar/cuda/linux-x86_64";
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
                    Files.copy(file, to);
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

    private static void assertRefused(List<String> lines, String... parts) {
        for (String name : new String[] {"native", "cuda"}) {
            List<String> states = lines.stream().filter(l -> l.startsWith(name + "|")).toList();
            assertEquals(2, states.size(), () -> String.join("\n", lines));
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
        Files.copy(classes().resolve(NATIVES).resolve("libjnialphabar.so"), natives.resolve("libjnialphabar.so"));
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

    private static String functions(int version, String... names) {
        StringBuilder source = new StringBuilder("unsigned alphabar_abi_version() { return " + version + "; }");
        for (String name : names) {
            source.append("long alphabar_").append(name).append("() { return 0; }");
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
        // Every function that the bindings call, so that the version is all that is wrong.
        String[] names = Arrays.stream(Alphabar.class.getDeclaredMethods())
                .filter(method -> Modifier.isNative(method.getModifiers()))
                .map(method -> method.getName().replace("alphabar_", ""))
                .filter(name -> !name.equals("abi_version"))
                .distinct()
                .toArray(String[]::new);
        fake(functions(77, names));
        assertRefused(child(), "libalphabar has version 77 of its interface",
                "version " + Alphabar.ALPHABAR_ABI_VERSION, REMEDY);
    }

    @Test
    void aLibraryThatLacksAFunctionIsRefusedWhenItIsLoaded() throws Exception {
        fake(functions(Alphabar.ALPHABAR_ABI_VERSION, "status_text"));
        assertRefused(child(), "cannot be loaded", "undefined symbol: alphabar_", REMEDY);
    }

    @Test
    void aFileThatIsNoLibraryIsRefused() throws Exception {
        copyClasses();
        Path natives = Files.createDirectories(folder.resolve(NATIVES));
        Files.writeString(natives.resolve("libjnialphabar.so"), "This is no library.");
        Files.writeString(natives.resolve("libalphabar.so"), "Nor is this.");
        assertRefused(child(), "cannot be loaded", REMEDY);
    }

    @Test
    void cudaSaysWhyItIsNotHereAndWhatToDo() {
        String reason = new CudaBackend.Provider().unavailable().orElseThrow();
        assertTrue(reason.endsWith("."), reason);
        String message = assertThrows(BackendException.class, () -> Backends.named("cuda")).getMessage();
        assertTrue(message.endsWith(reason), message);
    }

    @Test
    void aStreamOfBytedecoCudaIsAnAddressAndLoadsNothing() {
        Natives.require();
        CUstream_st stream = new CUstream_st(new Pointer() {
            {
                address = 4096;
            }
        });
        assertEquals(4096, stream.address());
    }
}
