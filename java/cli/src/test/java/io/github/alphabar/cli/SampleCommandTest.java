// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.alphabar.onnxruntime.Optdigits;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.solver.Inverse;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.Solvers;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SampleCommandTest {
    @TempDir
    private Path folder;

    private Path sample(String name, Object... options) {
        Path out = folder.resolve(name + ".png");
        Object[] all = Stream.concat(Stream.of("sample", "--out", out), Arrays.stream(options)).toArray();
        Cli.ok(all);
        return out;
    }

    @Test
    void withoutOptionsSixtyFourDigitsAreDrawnAndRecognised() throws IOException {
        Path out = folder.resolve("digits.png");
        Cli cli = Cli.ok("sample", "--out", out);
        assertTrue(Cli.recognised(out, 64) >= 0.95);
        assertTrue(cli.out().contains("64 pictures by dpmpp-2m, 20 network calls"), cli.out());
        assertTrue(cli.out().contains("for a fused step on"), cli.out());
        try (Stream<Path> left = Files.list(folder)) {
            assertEquals(List.of(out), left.toList());
        }
    }

    @Test
    void twoRunsAreIdenticalOnAnyBackendAndAnyThreads() throws IOException {
        Object[][] ways = {{}, {"--backend", "scalar"}, {"--backend", "vector"}, {"--threads", 1}, {"--threads", 2},
            {"--warm-up", 0.1}};
        // A stochastic solver, guidance and clipping: everything a step can have.
        Object[] same = {"--solver", "dpmpp-2m-sde", "--guidance", 1.5, "--clip", "range:1", "--count", 70};
        byte[] first = Files.readAllBytes(sample("first", same));
        for (int i = 0; i < ways.length; i++) {
            Object[] options = Stream.concat(Arrays.stream(same), Arrays.stream(ways[i])).toArray();
            assertArrayEquals(first, Files.readAllBytes(sample("way" + i, options)), Arrays.toString(ways[i]));
        }
    }

    @Test
    void theNativeBackendDrawsTheSameFile() throws IOException {
        String states = Cli.ok("backends").out();
        if (!states.contains("native  usable")) {
            assertFalse(Boolean.getBoolean("alphabar.require.native"), () -> "natives are required, but " + states);
            System.err.println("SKIPPED, a native test: " + states);
            Assumptions.abort("the native backend is not here");
        }
        for (String solver : List.of("ddpm", "dpmpp-2m-sde")) {
            Object[] same = {"--solver", solver, "--guidance", 1.5, "--clip", "range:1", "--count", 70, "--backend"};
            byte[] vector = Files.readAllBytes(sample("vector", with(same, "vector")));
            assertArrayEquals(vector, Files.readAllBytes(sample("native", with(same, "native"))), solver);
        }
    }

    private static Object[] with(Object[] options, Object last) {
        return Stream.concat(Arrays.stream(options), Stream.of(last)).toArray();
    }

    @Test
    void aDigitDoesNotDependOnHowManyAreDrawn() {
        for (String solver : List.of("dpmpp-2m", "ddpm")) {
            float[] whole = Cli.digits(sample("whole", "--solver", solver, "--count", 130), 130);
            for (int count : new int[] {1, 10, 64, 65}) {
                float[] part = Cli.digits(sample("part", "--solver", solver, "--count", count), count);
                assertArrayEquals(Arrays.copyOf(whole, count * 64), part);
            }
        }
    }

    @Test
    void pictureKHasTheSeedPlusK() {
        float[] ten = Cli.digits(sample("ten", "--seed", 7, "--class", 4, "--count", 10), 10);
        float[] one = Cli.digits(sample("one", "--seed", 10, "--class", 4, "--count", 1), 1);
        assertArrayEquals(Arrays.copyOfRange(ten, 3 * 64, 4 * 64), one);
    }

    static Stream<String> solvers() {
        return Solvers.all()
                .stream()
                .map(Solvers.Entry::solver)
                .filter(s -> !(s instanceof Inverse) && !s.name().contains("learned"))
                .map(Solver::name);
    }

    @ParameterizedTest
    @MethodSource("solvers")
    void everySolverDrawsDigitsInTwentySteps(String solver) {
        // Extrapolated noise with fresh noise on top of it is unstable in few steps.
        int steps = solver.equals("dpm-2m-sde") || solver.equals("dpm-3m-sde") ? 50 : 20;
        double share = Cli.recognised(sample("digits", "--solver", solver, "--steps", steps, "--count", 100), 100);
        assertTrue(share >= 0.9, "recognised " + share);
    }

    @ParameterizedTest
    @ValueSource(strings = {"leading", "leading:1", "linspace", "trailing", "quadratic", "uniform-lambda", "karras:5",
        "exponential"})
    void everySpacingDrawsDigits(String spacing) {
        double share = Cli.recognised(sample("digits", "--spacing", spacing, "--count", 100), 100);
        assertTrue(share >= 0.9, "recognised " + share);
    }

    @ParameterizedTest
    @ValueSource(strings = {"linear", "scaled-linear", "cosine", "sigmoid", "vp-linear", "vp-cosine",
        "linear:0.0002:0.03"})
    void theDigitsModelIsAskedAtItsOwnTimeOnEverySchedule(String schedule) {
        double share = Cli.recognised(sample("digits", "--schedule", schedule, "--count", 100), 100);
        assertTrue(share >= 0.9, "recognised " + share);
    }

    @ParameterizedTest
    @ValueSource(strings = {"f32", "f16", "bf16", "f64"})
    void everyTypeOfStateDrawsDigits(String dtype) {
        Path out = sample("digits", "--dtype", dtype, "--frames", folder.resolve(dtype), "--steps", 10);
        assertTrue(Cli.recognised(out, 64) >= 0.9);
    }

    @ParameterizedTest
    @ValueSource(strings = {"range", "range:1.5", "dynamic:0.995:1.5"})
    void clippedAndGuidedDigitsAreRecognised(String clip) {
        for (String solver : List.of("ddim", "dpmpp-2m", "ddpm", "plms")) {
            Path out = sample("digits", "--solver", solver, "--clip", clip, "--guidance", 2);
            assertTrue(Cli.recognised(out, 64) >= 0.95, solver);
        }
    }

    @Test
    void theClassesAskedForAreRepeated() {
        Path out = sample("digits", "--class", "3,1,4", "--count", 9, "--guidance", 2);
        assertEquals(1, Cli.recognised(out, new int[] {3, 1, 4, 3, 1, 4, 3, 1, 4}));
        sample("any", "--class", "none", "--count", 3);
    }

    @Test
    void framesShowEveryStepAndTheLastIsTheResult() throws IOException {
        Path frames = folder.resolve("new/frames");
        Path out = sample("digits", "--solver", "ddim", "--steps", 5, "--frames", frames);
        try (Stream<Path> files = Files.list(frames)) {
            assertEquals(List.of("frame-000.png", "frame-001.png", "frame-002.png", "frame-003.png", "frame-004.png"),
                    files.map(p -> p.getFileName().toString()).sorted().toList());
        }
        assertArrayEquals(Files.readAllBytes(out), Files.readAllBytes(frames.resolve("frame-004.png")));
    }

    @Test
    void jsonHoldsTheTimeOfEveryCall() throws IOException {
        Path out = folder.resolve("digits.png");
        Cli cli = Cli.ok("sample", "--out", out, "--json", "--solver", "plms", "--steps", 10, "--count", 3);
        JsonNode json = new ObjectMapper().readTree(cli.out());
        assertEquals(11, json.get("networkCalls").asInt());
        assertEquals(11, json.get("networkNanos").size());
        assertEquals(11, json.get("stepNanos").size());
        assertEquals(out.toString(), json.get("out").asText());
        assertTrue(json.get("stepShare").asDouble() > 0 && json.get("stepShare").asDouble() < 1);
    }

    @Test
    void aPictureIsChangedByItsStrength() throws IOException {
        Optdigits digits = Optdigits.load();
        int seven = 0;
        while (digits.label(seven) != 7) {
            seven++;
        }
        float[] image = digits.images().slice(seven * 64L, 64).toFloatArray();
        // Larger than the network's size, and in colour.
        BufferedImage large = new BufferedImage(32, 32, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 32 * 32; i++) {
            int grey = Sheet.grey(image[i / 32 / 4 * 8 + i % 32 / 4]);
            large.setRGB(i % 32, i / 32, grey << 16 | grey << 8 | grey);
        }
        Path start = folder.resolve("seven.png");
        ImageIO.write(large, "png", start.toFile());
        int[] sevens = new int[16];
        Arrays.fill(sevens, 7);
        double before = 0;
        for (double strength : new double[] {0.1, 0.4, 0.8}) {
            Path out = sample("changed", "--start-from", start, "--strength", strength, "--class", 7, "--count", 16);
            assertTrue(Cli.recognised(out, sevens) >= 0.9);
            double distance = distance(image, Cli.digits(out, 16));
            assertTrue(distance > before, strength + ": " + distance + " after " + before);
            before = distance;
        }
    }

    private static double distance(float[] image, float[] samples) {
        double sum = 0;
        for (int i = 0; i < samples.length; i++) {
            double d = samples[i] - image[i % image.length];
            sum += d * d;
        }
        return sum;
    }

    @Test
    void aNetworkOfOnesOwnDrawsInGreyAndInColour() throws IOException {
        Path model = Cli.tanhNetwork(folder);
        for (String prediction : List.of("epsilon", "sample", "v_prediction")) {
            sample("grey", "--model", model, "--shape", "1,8,8", "--count", 3, "--prediction", prediction);
        }
        Path flow = sample("flow", "--model", model, "--shape", "1,8,8", "--count", 3, "--prediction", "flow",
                "--schedule", "flow", "--solver", "ddim");
        assertTrue(Files.exists(flow));
        Path colour = sample("colour", "--model", model, "--shape", "3,16,12", "--count", 2, "--batch", 2);
        BufferedImage image = ImageIO.read(colour.toFile());
        assertEquals(3, image.getRaster().getNumBands());
        assertEquals(4 + 2 * (12 * 4 + 4), image.getWidth());
        assertEquals(4 + 16 * 4 + 4, image.getHeight());
        assertNotEquals(image.getRGB(4, 4), image.getRGB(8, 4));
    }

    @Test
    void zeroSnrWorksWithAPredictionThatAllowsIt() throws IOException {
        Path model = Cli.tanhNetwork(folder);
        for (String solver : List.of("ddim", "dpmpp-2m", "ddpm")) {
            sample("zero", "--model", model, "--shape", "1,8,8", "--count", 2, "--prediction", "v_prediction",
                    "--zero-snr", "--solver", solver);
        }
    }

    @Test
    void aNetworkThatFailsLeavesNoPicture() throws IOException {
        Path out = folder.resolve("bad.png");
        Cli.run("sample", "--model", Cli.sqrtNetwork(folder), "--shape", "1,8,8", "--count", 2, "--out", out)
                .failsWith(1, "values came out infinite or not a number");
        assertFalse(Files.exists(out));
    }

    @Test
    void thePlanThatIsPrintedIsThePlanThatIsRun() {
        // The one of a network's own schedule and of --schedule linear are the same.
        Cli plan = Cli.ok("plan", "--format", "json");
        assertEquals(20, SamplingPlan.fromJson(plan.out()).evaluations());
        byte[] own = read(sample("own"));
        assertArrayEquals(own, read(sample("linear", "--schedule", "linear")));
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
