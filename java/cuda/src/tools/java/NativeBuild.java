// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import javax.xml.parsers.DocumentBuilderFactory;
import org.bytedeco.javacpp.Loader;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Builds what Maven's plugins do not: the bindings that JavaCPP reads from the C header, and the native libraries. Run from its
 * source by the JDK, in the module's folder, with JavaCPP on the class path. Says nothing of what is up to date, one line of what
 * was built or why not, and everything of what failed.
 */
final class NativeBuild {
    private static final String PACKAGE = "io.github.alphabar.cuda";
    private static final String PRESETS = PACKAGE + ".presets.AlphabarPresets";
    private static final Path TARGET = Path.of("target").toAbsolutePath();
    private static final Path SELF = Path.of("src/tools/java/NativeBuild.java");
    private static final Path PRESETS_SOURCE = Path.of("src/main/java", PRESETS.replace('.', '/') + ".java");
    private static final Path GENERATED = TARGET.resolve("generated-sources/javacpp");
    private static final Path BINDING = GENERATED.resolve(PACKAGE.replace('.', '/') + "/binding");
    private static final Path BUILD = TARGET.resolve("cmake");
    private static final Path LOG = TARGET.resolve("native-build.log");

    private NativeBuild() {
    }

    public static void main(String[] args) throws Exception {
        Path root = Path.of(args[1]).toAbsolutePath().normalize();
        Files.createDirectories(TARGET);
        switch (args[0]) {
            case "bindings" -> bindings(root);
            case "natives" -> natives(root, Path.of(args[2]).toAbsolutePath().normalize(), args[3], args[4],
                    args[5]);
            case "native-tests" -> nativeTests(Path.of(args[2]).toAbsolutePath().normalize(), args[3]);
            default -> throw new IllegalArgumentException("Unknown part: " + args[0]);
        }
    }

    private static Path header(Path root) {
        return root.resolve("native/include/alphabar/alphabar.h");
    }

    private static void bindings(Path root) throws Exception {
        Path stamp = BINDING.resolve("Alphabar.java");
        if (isNewer(stamp, List.of(header(root), PRESETS_SOURCE, SELF))) {
            return;
        }
        Files.deleteIfExists(LOG);
        delete(BINDING);
        Path classes = Files.createDirectories(TARGET.resolve("presets-classes"));
        int compiled = ToolProvider.getSystemJavaCompiler()
                .run(null, null, null, "-proc:none", "-cp", classPath(), "-d", classes.toString(),
                        PRESETS_SOURCE.toString());
        if (compiled != 0) {
            fail("The presets do not compile.");
        }
        run("JavaCPP cannot read " + header(root), java(), "-cp", classes + System.getProperty("path.separator")
                + classPath(), "org.bytedeco.javacpp.tools.Builder",
                "-Dplatform.includepath=" + root.resolve("native/include"), "-nocompile", "-d", GENERATED.toString(),
                PRESETS);
    }

    private static void natives(Path root, Path source, String mode, String cuda, String target)
            throws Exception {
        String platform = Loader.getPlatform();
        Path out = TARGET.resolve("classes").resolve(PACKAGE.replace('.', '/')).resolve(platform);
        String missing = missing(source, platform, mode);
        if (missing != null) {
            if (mode.equals("on")) {
                fail("The native backends are required, but " + missing);
            }
            delete(out);
            say("native backends not built: " + missing);
            return;
        }
        Files.deleteIfExists(LOG);
        forgetCompilersThatCameOrWent();
        String configured = run("CMake cannot configure the native library", "cmake", "-S", source.toString(), "-B",
                BUILD.toString(), "-DCMAKE_BUILD_TYPE=Release", "-DALPHABAR_CUDA=" + cuda);
        compile("The native library does not compile", target);
        Path library = find(BUILD, "libalphabar.so");
        Path jni = out.resolve("libjnialphabar.so");
        List<Path> inputs = new ArrayList<>(List.of(library, header(root), PRESETS_SOURCE, SELF));
        try (Stream<Path> generated = Files.walk(GENERATED)) {
            generated.filter(Files::isRegularFile).forEach(inputs::add);
        }
        if (!isNewer(jni, inputs)) {
            delete(out);
            delete(TARGET.resolve("javacpp-cache"));
            // prefix2: no absolute rpath of this folder, only $ORIGIN. now: a library that lacks a function is refused when
            // it is loaded, not by the end of the process at the first call. static: as cmake/Flags.cmake does.
            List<String> command = new ArrayList<>(List.of(java(), "-cp", classPath(),
                    "org.bytedeco.javacpp.tools.Builder", "-Dplatform.includepath=" + root.resolve("native/include"),
                    "-Dplatform.linkpath=" + library.getParent(), "-Dplatform.linkpath.prefix2=-L", "-Xcompiler",
                    "-Wl,-z,now", "-Xcompiler", "-static-libstdc++", "-Xcompiler", "-static-libgcc", "-Xcompiler",
                    "-Wl,--gc-sections,--exclude-libs,ALL", "-copylibs", "-d", out.toString(), PRESETS));
            // All of them: what is not named here is missing from the library, and found out at run time.
            try (Stream<Path> generated = Files.list(BINDING)) {
                generated.map(f -> PACKAGE + ".binding." + f.getFileName().toString().replace(".java", ""))
                        .sorted()
                        .forEach(command::add);
            }
            run("The bindings do not compile", command.toArray(String[]::new));
            if (!Files.exists(jni)) {
                fail("JavaCPP made no " + jni);
            }
            Files.setLastModifiedTime(jni, FileTime.fromMillis(System.currentTimeMillis()));
        }
        String kernels = configured.lines()
                .filter(l -> l.contains("CUDA kernels:"))
                .map(l -> "; " + l.substring(l.indexOf("CUDA kernels:")))
                .findFirst()
                .orElse("");
        say("native backends built for " + platform + kernels);
    }

    /** CMake remembers which compilers it found and which it did not; they may have been removed or installed since. */
    private static void forgetCompilersThatCameOrWent() throws IOException {
        Path cache = BUILD.resolve("CMakeCache.txt");
        if (Files.exists(cache)) {
            for (String line : Files.readAllLines(cache)) {
                if (line.matches("CMAKE_(CXX|CUDA)_COMPILER:.*")
                        && !Files.isExecutable(Path.of(line.substring(line.indexOf('=') + 1)))) {
                    Files.delete(cache);
                    delete(BUILD.resolve("CMakeFiles"));
                    return;
                }
            }
        }
    }

    private static void compile(String otherwise, String target) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("cmake", "--build", BUILD.toString(), "--parallel",
                Integer.toString(Runtime.getRuntime().availableProcessors()), "--target"));
        command.addAll(List.of(target.split(",")));
        run(otherwise, command.toArray(String[]::new));
    }

    /** Runs ctest on what {@link #natives} configured. */
    private static void nativeTests(Path source, String mode) throws Exception {
        if (missing(source, Loader.getPlatform(), mode) != null) {
            say("native tests not run, since the native backends were not built.");
            return;
        }
        compile("The native tests do not compile", "all");
        Path report = Files.createDirectories(TARGET.resolve("ctest-reports")).resolve("TEST-native.xml");
        Files.deleteIfExists(report);
        run("A native test failed", "ctest", "--test-dir", BUILD.toString(), "--output-on-failure", "--no-tests=error",
                "--output-junit", report.toString());
        int passed = 0;
        StringBuilder skipped = new StringBuilder();
        NodeList tests = DocumentBuilderFactory.newDefaultInstance()
                .newDocumentBuilder()
                .parse(report.toFile())
                .getElementsByTagName("testcase");
        for (int i = 0; i < tests.getLength(); i++) {
            Element test = (Element) tests.item(i);
            if (test.getElementsByTagName("skipped").getLength() == 0) {
                passed++;
            } else {
                skipped.append("; ").append(test.getAttribute("name")).append(": ");
                skipped.append(test.getElementsByTagName("system-out").item(0).getTextContent().strip());
            }
        }
        say(passed + " native tests passed" + skipped);
    }

    /** Why the native part cannot be built, with the remedy; null if it can. */
    private static String missing(Path source, String platform, String mode) {
        if (!List.of("auto", "on", "off").contains(mode)) {
            fail("alphabar.native is auto, on or off, but is '" + mode + "'.");
        }
        if (mode.equals("off")) {
            return "alphabar.native=off.";
        }
        if (!platform.equals("linux-x86_64")) {
            return "they are for linux-x86_64, and this is " + platform + ".";
        }
        if (!Files.exists(source.resolve("CMakeLists.txt"))) {
            return "there is no CMakeLists.txt in " + source + ".";
        }
        if (!runs("cmake")) {
            return "there is no cmake on the PATH; install CMake 3.22 or newer and a C++17 compiler.";
        }
        String cxx = System.getenv("CXX");
        if (!(cxx != null ? runs(cxx) : runs("c++") || runs("g++") || runs("clang++"))) {
            return "there is no C++ compiler on the PATH; install one for C++17 (g++ 9, clang 10 or newer) or set CXX.";
        }
        // JavaCPP's own choice of compiler.
        if (!runs("g++")) {
            return "there is no g++ on the PATH, which JavaCPP compiles the bindings with; install it.";
        }
        return null;
    }

    private static boolean runs(String program) {
        try {
            return new ProcessBuilder(program, "--version").redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String run(String otherwise, String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes());
        Files.writeString(LOG, String.join(" ", command) + "\n" + output, java.nio.file.StandardOpenOption.CREATE,
                java.nio.file.StandardOpenOption.APPEND);
        if (process.waitFor() != 0) {
            System.err.println(output);
            fail(otherwise + "; the output is above and in " + LOG + ".");
        }
        return output;
    }

    private static Path find(Path folder, String name) throws IOException {
        try (Stream<Path> files = Files.walk(folder, FileVisitOption.FOLLOW_LINKS)) {
            return files.filter(f -> f.getFileName().toString().equals(name))
                    .findFirst()
                    .orElseThrow(() -> new IOException("The build made no " + name + " in " + folder + "."));
        }
    }

    private static boolean isNewer(Path file, List<Path> inputs) throws IOException {
        if (!Files.exists(file)) {
            return false;
        }
        FileTime time = Files.getLastModifiedTime(file);
        for (Path input : inputs) {
            if (Files.getLastModifiedTime(input).compareTo(time) > 0) {
                return false;
            }
        }
        return true;
    }

    private static void delete(Path folder) throws IOException {
        if (Files.isDirectory(folder)) {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private static String java() {
        boolean windows = System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("windows");
        return Path.of(System.getProperty("java.home"), "bin", windows ? "java.exe" : "java").toString();
    }

    private static String classPath() {
        return System.getProperty("java.class.path");
    }

    private static void say(String sentence) {
        System.out.println("[alphabar] " + sentence);
    }

    private static void fail(String sentence) {
        System.err.println("[alphabar] " + sentence);
        System.exit(1);
    }
}
