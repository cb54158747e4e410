// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.research.cost.ExactProblem;
import io.github.alphabar.research.cost.Problem;
import io.github.alphabar.research.cost.Sweep;
import io.github.alphabar.research.digits.DigitsProblem;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** What the command cost is to run. */
final class CostOptions {
    @Option(names = "--problem", paramLabel = "NAMES", split = ",", defaultValue = "gaussian,mixture,digits",
            description = "gaussian[:D], mixture[:D[:K]] (K Gaussians in D dimensions, with perfect networks) and digits"
                    + " (default: ${DEFAULT-VALUE}).")
    private List<String> problem;

    @Option(names = "--schedule", paramLabel = "NAMES", split = ",", defaultValue = "linear",
            description = "Schedules, as in 'plan'; digits has its own (default: ${DEFAULT-VALUE}).")
    private List<String> schedule;

    @Option(names = "--zero-snr", description = "Rescale the schedules to end in pure noise.")
    private boolean zeroSnr;

    @Option(names = "--solver", paramLabel = "NAMES", split = ",",
            defaultValue = "ddim,plms,dpm-2m,dpm-2s,dpm-3s,dpmpp-2m,dpmpp-2m-heun,dpmpp-2s,dpmpp-3m,dpmpp-3s,ddpm,"
                    + "ddim-sigma-hat,dpmpp-2m-sde,dpmpp-3m-sde",
            description = "Solvers, as in 'plan', or none (default: ${DEFAULT-VALUE}).")
    private List<String> solver;

    @Option(names = "--nfe", paramLabel = "N", split = ",", defaultValue = "5,10,15,20,50,100,200",
            description = "Network calls (default: ${DEFAULT-VALUE}).")
    private List<Integer> nfe;

    @Option(names = "--spacing", paramLabel = "NAME", defaultValue = "default",
            description = "A spacing, as in 'plan', or default, that of the solver's paper; repeat it for more."
                    + " timesteps:.. and sigmas:.. say the number of steps themselves.")
    private List<String> spacing;

    @Option(names = "--eta", paramLabel = "ETA", split = ",", defaultValue = "0",
            description = "ddim only: etas (default: ${DEFAULT-VALUE}).")
    private List<Double> eta;

    @Option(names = "--clip", paramLabel = "RULES", split = ",", defaultValue = "none",
            description = "Clips, as in 'plan' (default: ${DEFAULT-VALUE}).")
    private List<String> clip;

    @Option(names = "--dtype", paramLabel = "TYPES", split = ",",
            description = "Types of the state: f64, f32, f16, bf16 (default: f64,f32, and f32 of digits).")
    private List<String> dtype;

    @Option(names = "--final-level", paramLabel = "LEVEL", defaultValue = "clean",
            description = "Where the last step arrives: clean or least-noise (default: ${DEFAULT-VALUE}).")
    private String finalLevel;

    @Option(names = "--plan", paramLabel = "FILE.json", split = ",",
            description = "Plans of your own, in the form 'plan --format json' prints; they take part as equals.")
    private List<Path> plan = List.of();

    @Option(names = "--samples", paramLabel = "N",
            description = "Samples (default: 512, and 64 of digits, whose network takes its time).")
    private Integer samples;

    @Option(names = "--seed", paramLabel = "SEED", defaultValue = "0",
            description = "Sample k takes its noise from seed SEED + k (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--network-ms", paramLabel = "MS",
            description = "Count a network call as so many milliseconds in the plots against time, instead of what"
                    + " these small networks take.")
    private Double network;

    @Option(names = "--backend", paramLabel = "NAME",
            description = "What computes the steps; see 'alphabar backends'. All give the same errors.")
    private String backend;

    @Option(names = "--threads", paramLabel = "N", defaultValue = "0",
            description = "The most threads; 0, the default, is one for each processor.")
    private int threads;

    void check() {
        if (samples != null && (samples < 1 || samples > 100_000)) {
            throw new UsageException("--samples is 1 to 100000, but got " + samples + ".");
        }
        for (int n : nfe) {
            if (n < 1 || n > 10_000) {
                throw new UsageException("--nfe is 1 to 10000 network calls, but got " + n + ".");
            }
        }
        for (double e : eta) {
            if (!(e >= 0 && e <= 1)) {
                throw new UsageException("--eta is in [0, 1], but got " + e + ".");
            }
        }
        if (network != null && !(network >= 0 && Double.isFinite(network))) {
            throw new UsageException("--network-ms is a time of at least 0, but got " + network + ".");
        }
        if (!finalLevel.equals("clean") && !finalLevel.equals("least-noise")) {
            throw new UsageException("Unknown final level '" + finalLevel + "'; it is clean or least-noise.");
        }
        (dtype == null ? List.<String>of() : dtype).forEach(d -> UsageException.checked(() -> DType.parse(d)));
        clip.forEach(c -> UsageException.checked(() -> Clip.parse(c)));
        spacing.stream()
                .filter(s -> !s.equals("default"))
                .forEach(s -> UsageException.checked(() -> Spacing.parse(s)));
        solver.stream().filter(s -> !s.equals("none")).forEach(s -> UsageException.checked(() -> Solvers.named(s)));
        problem.stream()
                .filter(p -> !p.equals("digits"))
                .forEach(p -> UsageException.checked(() -> ExactProblem.parse(p)));
        schedules();
        if (sweep(plans().keySet()).solvers().isEmpty()) {
            throw new UsageException("There is nothing to run; name a --solver or a --plan.");
        }
    }

    Backend open() {
        return HostBackends.open(backend, HostBackends.options(threads));
    }

    int threads() {
        return HostBackends.options(threads).resolvedThreads();
    }

    Double networkMillis() {
        return network;
    }

    Map<String, NoiseSchedule> schedules() {
        Map<String, NoiseSchedule> all = new LinkedHashMap<>();
        for (String name : schedule) {
            all.put(named(name), UsageException.checked(() -> Schedules.parse(name, 1000, zeroSnr)));
        }
        return all;
    }

    private String named(String name) {
        return name + (zeroSnr ? " zero-snr" : "");
    }

    Map<String, SamplingPlan> plans() {
        Map<String, SamplingPlan> all = new LinkedHashMap<>();
        for (Path file : plan) {
            String name = Sweep.PLAN + file.getFileName().toString().replaceAll("\\.json$", "");
            try {
                String json = Files.readString(file);
                SamplingPlan read = UsageException.checked(() -> SamplingPlan.fromJson(json));
                if (all.put(name, read) != null) {
                    throw new UsageException("Two plans are called '" + name + "'; rename one of the files.");
                }
            } catch (IOException e) {
                throw new UsageException("--plan '" + file + "' cannot be read (" + SafeFile.reason(e)
                        + "); make one with 'alphabar plan --format json'.");
            }
        }
        return all;
    }

    Map<String, Problem> problems(Backend steps) {
        Map<String, Problem> all = new LinkedHashMap<>();
        for (String name : problem) {
            Problem made = name.equals("digits") ? new DigitsProblem(steps, threads()) : ExactProblem.parse(name);
            all.put(made.name(), made);
        }
        return all;
    }

    private List<String> problemNames() {
        return problem.stream().map(p -> p.equals("digits") ? p : ExactProblem.parse(p).name()).toList();
    }

    Sweep sweep(Iterable<String> plans) {
        List<String> solvers = new ArrayList<>(solver.stream().filter(s -> !s.equals("none")).toList());
        plans.forEach(solvers::add);
        return new Sweep(problemNames(), schedule.stream().map(this::named).toList(), solvers, spacing, nfe, eta, clip,
                dtype == null ? List.of("f64", "f32") : dtype, dtype == null ? List.of("f32") : dtype, finalLevel,
                samples == null ? 512 : samples, samples == null ? 64 : samples, seed);
    }

    String processor() {
        Path info = Path.of("/proc/cpuinfo");
        try {
            return Arrays.stream(Files.readString(info).split("\n"))
                    .filter(l -> l.startsWith("model name"))
                    .map(l -> l.substring(l.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse("unknown processor");
        } catch (IOException e) {
            return "unknown processor";
        }
    }
}
