// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.backend.Backends;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** What a figure depends on besides the code. */
final class Machine {
    private Machine() {
    }

    /** What was measured where, in the order of the report; values that cannot be found out are left out. */
    static Map<String, String> describe(String commit, List<String> flags, String command) {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("processor", processor());
        facts.put("processors", Integer.toString(Runtime.getRuntime().availableProcessors()));
        caches().ifPresent(c -> facts.put("caches", c));
        memory().ifPresent(m -> facts.put("memory", m));
        gpu().ifPresent(g -> facts.put("GPU and driver", g));
        facts.put("system", System.getProperty("os.name") + " " + System.getProperty("os.version") + ", "
                + System.getProperty("os.arch"));
        facts.put("JDK", System.getProperty("java.vendor.version", System.getProperty("java.vendor")) + " ("
                + Runtime.version() + ")");
        facts.put("flags", String.join(" ", flags));
        for (Backends.Status s : Backends.status()) {
            facts.put("backend " + s.name(), s.usable() ? s.detail() : "not timed: " + s.detail());
        }
        for (Peer peer : Contenders.peers()) {
            peer.unavailable().ifPresent(reason -> facts.put("peer " + peer.name(), "not timed: " + reason));
        }
        facts.put("C floor", CFloor.unavailable().orElseGet(() -> "loops compiled for " + CFloor.target()));
        load().ifPresent(l -> facts.put("load average before", l));
        facts.put("commit", commit == null ? commit() : commit);
        facts.put("date", LocalDate.now(ZoneOffset.UTC).toString());
        facts.put("command", command);
        return facts;
    }

    private static String processor() {
        Map<String, String> info = new LinkedHashMap<>();
        for (String line : lines(Path.of("/proc/cpuinfo"))) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                info.putIfAbsent(line.substring(0, colon).strip(), line.substring(colon + 1).strip());
            }
        }
        if (info.isEmpty()) {
            return System.getProperty("os.arch");
        }
        List<String> flags = List.of(info.getOrDefault("flags", "").split(" "));
        String widest = flags.contains("avx512f") ? ", AVX-512" : flags.contains("avx2") ? ", AVX2" : "";
        return info.getOrDefault("model name", System.getProperty("os.arch")) + " (family "
                + info.getOrDefault("cpu family", "?") + ", model " + info.getOrDefault("model", "?") + ")" + widest
                + (flags.contains("hypervisor") ? ", virtual" : "");
    }

    private static Optional<String> caches() {
        StringBuilder text = new StringBuilder();
        for (int k = 0; k < 5; k++) {
            Path cache = Path.of("/sys/devices/system/cpu/cpu0/cache/index" + k);
            List<String> size = lines(cache.resolve("size"));
            List<String> level = lines(cache.resolve("level"));
            List<String> type = lines(cache.resolve("type"));
            if (!size.isEmpty() && !level.isEmpty() && !type.isEmpty() && !type.getFirst().equals("Instruction")) {
                text.append(text.isEmpty() ? "" : ", ")
                        .append("L")
                        .append(level.getFirst())
                        .append(' ')
                        .append(size.getFirst());
            }
        }
        return text.isEmpty() ? Optional.empty() : Optional.of(text.toString());
    }

    private static Optional<String> memory() {
        return lines(Path.of("/proc/meminfo")).stream()
                .filter(l -> l.startsWith("MemTotal:"))
                .findFirst()
                .map(l -> Math.round(Long.parseLong(l.replaceAll("\\D", "")) / 1048576.0) + " GiB");
    }

    private static Optional<String> load() {
        return lines(Path.of("/proc/loadavg")).stream().findFirst().map(l -> l.split(" ")[0]);
    }

    private static Optional<String> gpu() {
        return output("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader");
    }

    /** Of the folder the command stands in; a bundle has none and passes its own. */
    private static String commit() {
        return output("git", "describe", "--always", "--dirty", "--abbrev=7").orElse("unknown");
    }

    private static List<String> lines(Path file) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.toList();
        } catch (IOException | java.io.UncheckedIOException e) {
            return List.of();
        }
    }

    /** What a program prints, where there is such a program and it succeeds. */
    private static Optional<String> output(String... command) {
        try {
            Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
            process.getOutputStream().close();
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0 && !text.isEmpty()
                    ? Optional.of(text.lines().findFirst().orElseThrow()) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
