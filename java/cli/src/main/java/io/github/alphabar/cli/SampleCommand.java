// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.BackendProvider;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.huggingface.TorchCpuGenerator;
import io.github.alphabar.onnxruntime.OnnxDenoiser;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.sampling.NoiseSource;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.solver.Inverse;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Noise to pictures, with a real network. */
@Command(name = "sample", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Draws pictures from noise. Without options: 64 handwritten digits in 20 steps, in digits.png.",
        footer = {"", "Pictures show -1 as black and 1 as white.", "", "Examples:",
            "  alphabar sample --solver ddim --steps 50 --class 3,1,4 --guidance 2 --frames frames",
            "  alphabar sample --start-from seven.png --strength 0.6 --class 1 --count 16",
            "  alphabar sample --model unet.onnx --shape 3,32,32 --count 4 --out cats.png"})
final class SampleCommand implements Callable<Integer> {
    private static final int MOST_SAMPLES = 10_000;

    @Spec
    private CommandSpec spec;

    @Mixin
    private PlanOptions plans;

    @Mixin
    private NetworkOptions networks;

    @Option(names = "--count", paramLabel = "N", defaultValue = "64",
            description = "Pictures to draw (default: ${DEFAULT-VALUE}).")
    private int count;

    @Option(names = "--seed", paramLabel = "SEED", defaultValue = "0",
            description = "Picture k takes all its noise from seed SEED + k, whatever --count, --threads or --backend"
                    + " (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--noise", paramLabel = "SOURCE", defaultValue = "philox",
            description = "philox, or torch-cpu: the numbers torch.randn gives on the CPU for a whole batch after"
                    + " manual_seed(SEED); those depend on --count (default: ${DEFAULT-VALUE}).")
    private String noise;

    @Option(names = "--start-from", paramLabel = "IMAGE",
            description = "Change a picture instead of starting from noise; it is scaled to the network's size. For"
                    + " the digits model: one digit, light on dark.")
    private Path startFrom;

    @Option(names = "--strength", paramLabel = "S",
            description = "--start-from only: how much to change, in (0, 1], as the share of the steps to run"
                    + " (default: 0.6).")
    private Double strength;

    @Option(names = "--backend", paramLabel = "NAME",
            description = "What computes the steps; see 'alphabar backends' (default: the best that works on host"
                    + " memory). All give the same picture.")
    private String backend;

    @Option(names = "--threads", paramLabel = "N", defaultValue = "0",
            description = "The most threads for the network and the steps; 0, the default, is one for each processor.")
    private int threads;

    @Option(names = "--dtype", paramLabel = "TYPE", defaultValue = "f32",
            description = "The type of the samples between the steps: f32, f16, bf16 or f64"
                    + " (default: ${DEFAULT-VALUE}).")
    private String dtype;

    @Option(names = "--frames", paramLabel = "FOLDER",
            description = "Also write the clean sample predicted at each step, as frame-000.png and so on.")
    private Path frames;

    @Option(names = "--out", paramLabel = "FILE.png",
            description = "The picture to write (default: digits.png, or samples.png with --model).")
    private Path out;

    @Option(names = "--warm-up", paramLabel = "SECONDS", defaultValue = "0",
            description = "Practise the steps first, 3 s or so, to be timed as in a program that runs for long: a JVM just"
                    + " started has not compiled them yet (default: ${DEFAULT-VALUE}).")
    private double warmUp;

    @Option(names = "--json", description = "Print what was done, and the time of each call, as JSON instead of text.")
    private boolean json;

    @Override
    public Integer call() {
        checkNumbers();
        NoiseSource source = source();
        networks.check(plans.guidance != null);
        DType type = UsageException.checked(() -> DType.parse(dtype));
        if (plans.scheduler == null && plans.solver() instanceof Inverse inverse) {
            throw new UsageException("Solver '" + inverse.name() + "' goes from a picture to its noise, and this"
                    + " command from noise to pictures; use " + inverse.solver().name() + ".");
        }
        Double share = startFrom == null ? null : strength == null ? Double.valueOf(0.6) : strength;
        SamplingPlan plan = plan(share);
        SafeFile file = SafeFile.at(target(), "--out");
        BackendProvider.Options options = HostBackends.options(threads);
        if (networks.givenShape() != null) {
            // Before the network is tried on it, which takes memory.
            Sheet.of(count, networks.givenShape());
        }
        try (Backend steps = openBackend(options);
                OnnxDenoiser network = networks.open(plan, count, options.resolvedThreads())) {
            long[] shape = network.shape();
            Sheet sheet = Sheet.of(count, shape);
            float[] image = startFrom == null ? null
                    : StartImage.read(startFrom, sheet.channels(), sheet.height(), sheet.width());
            SampleRun run = new SampleRun(networks, network, plan, steps, type, seeds(), source);
            SampleRun.Frames shown = frames == null ? null : framesOf(sheet);
            run.warmUp(warmUp, shown != null);
            SampleRun.Result result = run.run(image, shown);
            file.write(sheet.png(result.samples()));
            report(file, plan, steps, shape, result.timings());
        } catch (OutOfMemoryError e) {
            throw new RunException("There is not enough memory (" + e.getMessage()
                    + "); ask for fewer pictures with --count, or start Java with a larger -Xmx.", e);
        }
        return 0;
    }

    private SamplingPlan plan(Double share) {
        if (plans.scheduler != null) {
            plans.refuseBesideScheduler(spec.commandLine().getParseResult());
            SamplingPlan loaded = SchedulerFile.plan(plans, networks.isDigits(), share, spec.commandLine().getErr());
            if (loaded.solver().endsWith("-inverse")) {
                throw new UsageException(
                        "--scheduler '" + plans.scheduler + "' is an inversion, which goes from a picture to its"
                                + " noise; name another class with --scheduler-class.");
            }
            return loaded;
        }
        NoiseSchedule schedule = plans.schedule(networks.schedule());
        networks.check(schedule);
        return plans.plan(schedule, networks.prediction(), share);
    }

    private void checkNumbers() {
        if (count < 1 || count > MOST_SAMPLES) {
            throw new UsageException("--count is 1 to " + MOST_SAMPLES + ", but got " + count + ".");
        }
        if (!(warmUp >= 0 && warmUp <= 60)) {
            throw new UsageException("--warm-up is 0 to 60 seconds, but got " + warmUp + ".");
        }
        if (strength != null && startFrom == null) {
            throw new UsageException("--strength belongs to --start-from; name a picture to start from.");
        }
    }

    private Path target() {
        Path path = out != null ? out : Path.of(networks.isDigits() ? "digits.png" : "samples.png");
        if (!path.toString().toLowerCase(Locale.ROOT).endsWith(".png")) {
            throw new UsageException("--out '" + path + "' would be a PNG; give it a name that ends in .png.");
        }
        return path;
    }

    private SampleRun.Frames framesOf(Sheet sheet) {
        try {
            Files.createDirectories(frames);
        } catch (IOException e) {
            throw new UsageException("--frames '" + frames + "' cannot be made a folder (" + SafeFile.reason(e)
                    + "); name another one.");
        }
        SafeFile.at(frames.resolve("frame-000.png"), "--frames");
        return new SampleRun.Frames(frames, sheet);
    }

    private NoiseSource source() {
        return switch (noise) {
            case "philox" -> null;
            case "torch-cpu" -> new TorchCpuGenerator(seed);
            default -> throw new UsageException("Unknown noise '" + noise + "'; it is philox or torch-cpu.");
        };
    }

    private long[] seeds() {
        long[] seeds = new long[count];
        for (int k = 0; k < count; k++) {
            seeds[k] = seed + k;
        }
        return seeds;
    }

    private Backend openBackend(BackendProvider.Options options) {
        return backend == null ? Backends.best(options).backend()
                : UsageException.checked(() -> Backends.named(backend, options));
    }

    private void report(SafeFile file, SamplingPlan plan, Backend steps, long[] shape, Timings t) {
        PrintWriter stdout = spec.commandLine().getOut();
        if (json) {
            stdout.println(asJson(file, plan, steps, shape, t));
        } else {
            stdout.printf(Locale.ROOT, "Wrote %s: %d pictures by %s, %d network calls.%n", file, count, plan.solver(),
                    plan.evaluations());
            stdout.printf(Locale.ROOT,
                    "Median time: %.3f ms for a network call, %.3f ms for a fused step on %s (%.2f%% of both)%s.%n",
                    t.networkMillis(), t.stepMillis(), steps.name(), 100 * t.share(),
                    warmUp > 0 ? "" : ", in a JVM just started; see --warm-up");
        }
        stdout.flush();
    }

    private String asJson(SafeFile file, SamplingPlan plan, Backend steps, long[] shape, Timings t) {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode root = mapper.createObjectNode()
                .put("out", file.toString())
                .put("model", networks.name())
                .put("solver", plan.solver())
                .put("steps", plans.steps)
                .put("networkCalls", plan.evaluations())
                .put("count", count)
                .put("seed", seed)
                .put("dtype", dtype)
                .put("backend", steps.name())
                .put("warmUpSeconds", warmUp)
                .put("networkMillis", t.networkMillis())
                .put("stepMillis", t.stepMillis())
                .put("stepShare", t.share());
        root.set("shape", mapper.valueToTree(shape));
        root.set("networkNanos", mapper.valueToTree(t.network()));
        root.set("stepNanos", mapper.valueToTree(t.step()));
        return root.toPrettyString();
    }
}
