// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.sampling;

import static io.github.alphabar.solver.DpmAlgorithm.SDE_DPM_SOLVER_PP;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.backend.ScalarBackend;
import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.random.Normals;
import io.github.alphabar.random.Normals.Stream;
import io.github.alphabar.schedule.FlowSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.Ddpm;
import io.github.alphabar.solver.DpmSolver;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class TrajectoryTest {
    private static final int SAMPLES = 2;
    /** Two vectors of 16 lanes and a tail of 5. */
    private static final int ELEMENTS = 37;
    private static final long[] SEEDS = {41, -7};
    private static Backend backend;

    @BeforeAll
    static void open() {
        backend = Backends.named("vector");
    }

    @AfterAll
    static void close() {
        backend.close();
    }

    private static TimeGrid grid(int steps) {
        return new Spacing.Leading(1).grid(TabulatedSchedule.stableDiffusion(), steps, FinalLevel.CLEAN);
    }

    private static SamplingPlan plan(String solver, int steps) {
        return plan(solver, steps, null);
    }

    private static SamplingPlan plan(String solver, int steps, Guidance guidance) {
        return SamplingPlan.of(grid(steps), Solvers.named(solver), Prediction.EPSILON, Clip.NONE, guidance);
    }

    private static Trajectory.Builder on(SamplingPlan plan) {
        return Trajectory.builder(plan, backend).shape(SAMPLES, ELEMENTS).seeds(SEEDS);
    }

    /** A network without weights: smooth in the state, different at every element, variances between 0.05 and 0.5. */
    private static HostTensor network(Trajectory t) {
        HostTensor x = (HostTensor) t.sample();
        int outputs = t.plan().outputs();
        int copies = t.plan().guidance() == null ? 1 : 2;
        HostTensor out = HostTensor.of(new float[copies * outputs * SAMPLES * ELEMENTS]);
        for (int copy = 0; copy < copies; copy++) {
            for (int s = 0; s < SAMPLES; s++) {
                for (int e = 0; e < ELEMENTS; e++) {
                    long at = ((long) copy * SAMPLES + s) * outputs * ELEMENTS + e;
                    double v = Math.sin(0.7 * x.getDouble((long) s * ELEMENTS + e) + 0.1 * e + copy + t.time() / 500);
                    out.setFloat(at, (float) v);
                    if (outputs == 2) {
                        out.setFloat(at + ELEMENTS, (float) (0.05 + 0.225 * (1 + v)));
                    }
                }
            }
        }
        return out;
    }

    private static Trajectory finish(Trajectory t) {
        while (!t.isDone()) {
            t.advance(network(t));
        }
        return t;
    }

    private static int[] bits(Tensor tensor) {
        HostTensor t = (HostTensor) tensor;
        int[] bits = new int[Math.toIntExact(t.elements())];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(t.getFloat(i));
        }
        return bits;
    }

    private static byte[] saved(Trajectory t) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        t.save(out);
        return out.toByteArray();
    }

    @Test
    void aTrajectoryRestoredAtAnyRowEndsAtTheUnbrokenOnesBits() throws IOException {
        TimeGrid back = new Spacing.Leading(1).grid(TabulatedSchedule.stableDiffusion(), 7, FinalLevel.LEAST_NOISE)
                .reversed();
        for (Solvers.Entry entry : Solvers.all()) {
            Solver solver = entry.solver();
            SamplingPlan plan = SamplingPlan.of(solver.name().endsWith("-inverse") ? back : grid(7), solver,
                    Prediction.EPSILON);
            for (DType dtype : List.of(DType.F32, DType.F16)) {
                int[] unbroken;
                try (Trajectory t = finish(on(plan).dtype(dtype).start())) {
                    unbroken = bits(t.sample());
                }
                try (Trajectory t = on(plan).dtype(dtype).start()) {
                    for (int row = 0; row <= plan.evaluations(); row++) {
                        byte[] bytes = saved(t);
                        // Seeds and state come with the bytes; those given here are of no account.
                        try (Trajectory other = Trajectory.builder(plan, backend)
                                .shape(SAMPLES, ELEMENTS)
                                .seeds(0, 0)
                                .dtype(dtype)
                                .restore(new ByteArrayInputStream(bytes))) {
                            assertEquals(row, other.cursor());
                            finish(other);
                            assertArrayEquals(unbroken, bits(other.sample()),
                                    solver.name() + " in " + dtype + " from row " + row);
                        }
                        if (!t.isDone()) {
                            t.advance(network(t));
                        }
                    }
                }
            }
        }
    }

    @Test
    void aSavedTrajectoryGoesOnUnderAnotherBackend() throws IOException {
        SamplingPlan plan = plan("dpmpp-2m-sde", 6);
        int[] unbroken = bits(finish(on(plan).start()).sample());
        try (Trajectory t = on(plan).start(); Backend scalar = new ScalarBackend()) {
            t.advance(network(t));
            t.advance(network(t));
            Trajectory other = Trajectory.builder(plan, scalar)
                    .shape(SAMPLES, ELEMENTS)
                    .restore(new ByteArrayInputStream(saved(t)));
            assertArrayEquals(unbroken, bits(finish(other).sample()));
        }
    }

    @Test
    void anyChangedByteIsRefused() throws IOException {
        SamplingPlan plan = plan("dpmpp-2m", 4);
        byte[] good;
        try (Trajectory t = Trajectory.builder(plan, backend).shape(1, 3).start()) {
            good = saved(t);
        }
        for (int i = 0; i < good.length; i++) {
            for (int change : new int[] {1, 0x80, 0xff}) {
                byte[] bad = good.clone();
                bad[i] ^= (byte) change;
                refused(plan, bad, "byte " + i + " xor " + change);
            }
        }
    }

    @Test
    void anyTruncationIsRefused() throws IOException {
        SamplingPlan plan = plan("dpmpp-2m", 4);
        byte[] good;
        try (Trajectory t = Trajectory.builder(plan, backend).shape(1, 3).start()) {
            good = saved(t);
        }
        for (int length = 0; length < good.length; length++) {
            String message = refused(plan, Arrays.copyOf(good, length), "length " + length);
            assertTrue(message.contains("ends early"), message);
        }
    }

    private static String refused(SamplingPlan plan, byte[] bytes, String what) {
        IOException e = assertThrows(IOException.class,
                () -> Trajectory.builder(plan, backend).shape(1, 3).restore(new ByteArrayInputStream(bytes)), what);
        assertTrue(e.getMessage().startsWith("The saved trajectory cannot be restored: "), e.getMessage());
        return e.getMessage();
    }

    @Test
    void anotherPlanShapeOrTypeIsRefusedAndNamed() throws IOException {
        SamplingPlan plan = plan("dpmpp-2m", 4);
        byte[] bytes = saved(on(plan).start());
        refusedWith("another plan", Trajectory.builder(plan("dpmpp-2m", 5), backend).shape(SAMPLES, ELEMENTS), bytes);
        refusedWith("F16", on(plan).dtype(DType.F16), bytes);
        refusedWith("2 samples of 37", Trajectory.builder(plan, backend).shape(SAMPLES, ELEMENTS + 1), bytes);
        refusedWith("2 samples of 37", Trajectory.builder(plan, backend).shape(1, 2 * ELEMENTS), bytes);
        refusedWith("does not begin", on(plan), "anything at all, of some length".getBytes());
    }

    private static void refusedWith(String part, Trajectory.Builder builder, byte[] bytes) {
        String message = assertThrows(IOException.class, () -> builder.restore(new ByteArrayInputStream(bytes)))
                .getMessage();
        assertTrue(message.contains(part), message);
    }

    @Test
    void aClosedTrajectorySaysSo() {
        Trajectory t = on(plan("ddim", 3)).start();
        HostTensor out = network(t);
        Tensor sample = t.sample();
        t.close();
        t.close();
        for (Executable use : List.<Executable>of(() -> t.advance(out), () -> t.advance(out, out), t::sample, t::time,
                t::modelInput, () -> t.save(new ByteArrayOutputStream()))) {
            String message = assertThrows(IllegalStateException.class, use).getMessage();
            assertTrue(message.contains("closed"), message);
        }
        assertEquals(SAMPLES * ELEMENTS, sample.elements(), "what was handed out stays readable");
    }

    @Test
    void aStepTooManyIsRefusedAndTheResultStays() {
        Trajectory t = on(plan("ddim", 3)).start();
        HostTensor out = network(t);
        finish(t);
        int[] result = bits(t.sample());
        String message = assertThrows(IllegalStateException.class, () -> t.advance(out)).getMessage();
        assertTrue(message.contains("all its 3 steps"), message);
        assertThrows(IllegalStateException.class, t::time);
        assertTrue(t.isDone());
        assertArrayEquals(result, bits(t.sample()));
    }

    @Test
    void anOutputOfTheWrongSizeOrTypeIsRefusedAndNothingMoves() {
        Trajectory t = on(plan("ddim", 3)).start();
        int[] before = bits(t.sample());
        for (int size : new int[] {0, 1, SAMPLES * ELEMENTS - 1, SAMPLES * ELEMENTS + 1, 2 * SAMPLES * ELEMENTS}) {
            String message = assertThrows(IllegalArgumentException.class,
                    () -> t.advance(HostTensor.of(new float[size]))).getMessage();
            assertTrue(message.contains("74 elements (2 samples of 37)") && message.contains("has " + size), message);
        }
        String message = assertThrows(IllegalArgumentException.class,
                () -> t.advance(HostTensor.of(new double[SAMPLES * ELEMENTS]))).getMessage();
        assertTrue(message.contains("F64"), message);
        assertEquals(0, t.cursor());
        assertArrayEquals(before, bits(t.sample()));
        finish(t);
    }

    @Test
    void aLearnedVarianceNeedsBothHalvesOfTheOutput() {
        Trajectory t = on(plan("ddpm-learned-range", 3)).start();
        String message = assertThrows(IllegalArgumentException.class,
                () -> t.advance(HostTensor.of(new float[SAMPLES * ELEMENTS]))).getMessage();
        assertTrue(message.contains("148 elements (2 samples of 74)"), message);
    }

    @Test
    void guidedPlansTakeOneOutputOrTwoToTheSameBits() {
        SamplingPlan guided = plan("dpmpp-2m", 5, Guidance.scale(3));
        Trajectory one = on(guided).start();
        Trajectory two = on(guided).start();
        while (!one.isDone()) {
            HostTensor both = network(one);
            long half = both.elements() / 2;
            two.advance(both.slice(0, half), both.slice(half, half));
            one.advance(both);
            assertArrayEquals(bits(one.sample()), bits(two.sample()), "row " + one.cursor());
        }
        String message = assertThrows(IllegalArgumentException.class,
                () -> on(guided).start().advance(HostTensor.of(new float[SAMPLES * ELEMENTS]))).getMessage();
        assertTrue(message.contains("148") && message.contains("unconditional and conditional"), message);
    }

    @Test
    void anUnguidedPlanRefusesTwoOutputs() {
        Trajectory t = on(plan("ddim", 2)).start();
        HostTensor out = network(t);
        String message = assertThrows(IllegalArgumentException.class, () -> t.advance(out, out)).getMessage();
        assertTrue(message.contains("no guidance"), message);
    }

    @Test
    void guidanceOfWeightOneIsTheConditionalOutput() {
        Trajectory guided = on(plan("ddim", 4, Guidance.scale(1))).start();
        Trajectory plain = on(plan("ddim", 4)).start();
        HostTensor uncond = HostTensor.of(new float[SAMPLES * ELEMENTS]);
        while (!plain.isDone()) {
            HostTensor out = network(plain);
            // With u = 0 the combination fma(1, c - 0, 0) is c itself.
            guided.advance(uncond, out);
            plain.advance(out);
        }
        assertArrayEquals(bits(plain.sample()), bits(guided.sample()));
    }

    @Test
    void aTrajectoryOfACutGridDrawsWhatAWholeOneDraws() {
        TimeGrid whole = grid(8);
        // One-step methods: what comes after an edge depends on the state there and the noise, and on nothing before.
        for (Solver solver : List.of(new Ddpm(), new Ddim(1, false, false), new DpmSolver(SDE_DPM_SOLVER_PP, 1))) {
            Trajectory t = on(SamplingPlan.of(whole, solver, Prediction.EPSILON)).start();
            List<HostTensor> states = new ArrayList<>();
            while (!t.isDone()) {
                states.add(HostTensor.of(((HostTensor) t.sample()).toFloatArray()));
                t.advance(network(t));
            }
            for (int cut = 0; cut < states.size(); cut++) {
                SamplingPlan rest = SamplingPlan.of(whole.from(cut), solver, Prediction.EPSILON);
                assertArrayEquals(bits(t.sample()), bits(finish(on(rest).startFrom(states.get(cut))).sample()),
                        solver.name() + " from edge " + cut);
            }
        }
    }

    @Test
    void imageToImageStartsFromTheForwardProcess() {
        SamplingPlan plan = SamplingPlan.of(grid(8).fromStrength(0.5), new Ddpm(), Prediction.EPSILON);
        HostTensor image = image(5);
        HostTensor noised = HostTensor.allocate(DType.F32, SAMPLES * ELEMENTS);
        ForwardProcess.noised(backend, plan.steps().getFirst().at(), image, null, SEEDS, noised, SAMPLES);
        try (Trajectory t = on(plan).startFromImage(image)) {
            assertArrayEquals(bits(noised), bits(t.sample()));
            assertEquals(4, plan.evaluations());
        }
    }

    private static HostTensor image(int phase) {
        HostTensor image = HostTensor.of(new float[SAMPLES * ELEMENTS]);
        for (long i = 0; i < image.elements(); i++) {
            image.setFloat(i, (float) Math.cos(i + phase));
        }
        return image;
    }

    /** Philox noise by way of a source. */
    private static void replay(Stream stream, int draw, HostTensor target) {
        float[] z = new float[ELEMENTS];
        for (int s = 0; s < SAMPLES; s++) {
            Normals.fill(SEEDS[s], draw, stream, 0, z, 0, ELEMENTS);
            for (int e = 0; e < ELEMENTS; e++) {
                target.setFloat((long) s * ELEMENTS + e, z[e]);
            }
        }
    }

    @Test
    void aSourceThatReplaysTheSeedsGivesTheirBits() {
        // The cut flow grid starts at a scale below 1, so that scaling the first noise rounds.
        List<SamplingPlan> plans = List.of(plan("ddpm", 6), plan("dpmpp-2m-sde", 6), plan("ddpm-learned-range", 6),
                SamplingPlan.of(new Spacing.Linspace().grid(new FlowSchedule(), 6, FinalLevel.CLEAN).from(2),
                        new Ddim(),
                        Prediction.FLOW));
        assertTrue(plans.stream().anyMatch(p -> (float) p.initialSigma() != 1), "no plan scales its first noise");
        HostTensor mask = image(0);
        HostTensor known = image(1);
        for (SamplingPlan plan : plans) {
            for (DType dtype : List.of(DType.F32, DType.F16, DType.F64)) {
                HostTensor keep = HostTensor.allocate(dtype, SAMPLES * ELEMENTS);
                HostTensor of = HostTensor.allocate(dtype, SAMPLES * ELEMENTS);
                keep.copyFrom(mask);
                of.copyFrom(known);
                for (boolean inpaint : new boolean[] {false, true}) {
                    Trajectory.Builder drawn = on(plan).dtype(dtype);
                    Trajectory.Builder given = on(plan).dtype(dtype).noise(TrajectoryTest::replay);
                    if (inpaint) {
                        drawn.inpaint(keep, of);
                        given.inpaint(keep, of);
                    }
                    assertEqualEverywhere(plan, drawn.start(), given.start(), dtype);
                    assertEqualEverywhere(plan, drawn.startFromImage(of), given.startFromImage(of), dtype);
                }
            }
        }
    }

    private static void assertEqualEverywhere(SamplingPlan plan, Trajectory a, Trajectory b, DType dtype) {
        while (true) {
            assertArrayEquals(bits(a.sample()), bits(b.sample()), plan.solver() + " in " + dtype + " at " + a.cursor());
            if (a.isDone()) {
                return;
            }
            HostTensor out = network(a);
            if (dtype == DType.F64) {
                HostTensor wide = HostTensor.allocate(DType.F64, out.elements());
                wide.copyFrom(out);
                out = wide;
            }
            a.advance(out);
            b.advance(out);
        }
    }

    @Test
    void aSourceIsAskedOnceForEachUseInOrder() {
        List<String> calls = new ArrayList<>();
        NoiseSource source = (stream, draw, target) -> {
            assertEquals(SAMPLES * ELEMENTS, target.elements());
            calls.add(stream + " " + draw);
        };
        finish(on(plan("ddpm", 3)).noise(source).inpaint(image(0), image(1)).start());
        // The last step ends at the clean level: no noise of its own, none for the known region.
        assertEquals(List.of("INITIAL 0", "STEP 0", "INPAINT 0", "STEP 1", "INPAINT 1"), calls);
    }

    @Test
    void onePlanServesEightThreadsAtOnce() throws Exception {
        SamplingPlan plan = plan("dpmpp-2m-sde", 12, Guidance.scale(4));
        int[] want = bits(finish(on(plan).start()).sample());
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Future<?>> done = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                done.add(threads.submit(() -> {
                    for (int run = 0; run < 5; run++) {
                        try (Trajectory t = on(plan).start()) {
                            assertArrayEquals(want, bits(finish(t).sample()));
                        }
                    }
                }));
            }
            for (Future<?> f : done) {
                f.get();
            }
        }
    }

    @Test
    void aMaskOfOneKeepsEveryBit() {
        for (String solver : List.of("ddim", "ddpm", "dpmpp-2m")) {
            SamplingPlan plan = plan(solver, 6);
            HostTensor ones = HostTensor.of(new float[SAMPLES * ELEMENTS]);
            for (long i = 0; i < ones.elements(); i++) {
                ones.setFloat(i, 1);
            }
            Trajectory plain = on(plan).start();
            Trajectory masked = on(plan).inpaint(ones, image(3)).start();
            while (!plain.isDone()) {
                HostTensor out = network(plain);
                plain.advance(out);
                masked.advance(out);
                assertArrayEquals(bits(plain.sample()), bits(masked.sample()), solver + " row " + plain.cursor());
            }
        }
    }

    @Test
    void aMaskOfZeroIsTheKnownImageNoisedToEveryLevel() {
        SamplingPlan plan = plan("dpmpp-2m", 6);
        HostTensor zeros = HostTensor.of(new float[SAMPLES * ELEMENTS]);
        HostTensor known = image(3);
        Trajectory t = on(plan).inpaint(zeros, known).start();
        float[] z = new float[ELEMENTS];
        for (Step step : plan.steps()) {
            int draw = t.cursor();
            t.advance(network(t));
            float alpha = (float) step.to().alpha();
            float sigma = (float) step.to().sigma();
            for (int s = 0; s < SAMPLES; s++) {
                Normals.fill(SEEDS[s], draw, Stream.INPAINT, 0, z, 0, ELEMENTS);
                for (int e = 0; e < ELEMENTS; e++) {
                    long i = (long) s * ELEMENTS + e;
                    float scaled = alpha * known.getFloat(i);
                    float want = sigma == 0 ? scaled : Math.fma(sigma, z[e], scaled);
                    assertEquals(want, ((HostTensor) t.sample()).getFloat(i), "row " + draw + ", element " + i);
                }
            }
        }
        assertArrayEquals(bits(known), bits(t.sample()), "the clean level is the image itself");
    }

    @Test
    void theModelInputIsTheStateInTheNetworksTypeOnceOrTwice() {
        for (int copies = 1; copies <= 2; copies++) {
            for (DType type : List.of(DType.F32, DType.F16, DType.BF16)) {
                Trajectory t = on(plan("dpmpp-2m", 5)).modelInput(type, copies).start();
                HostTensor rounded = HostTensor.allocate(type, SAMPLES * ELEMENTS);
                while (!t.isDone()) {
                    rounded.copyFrom((HostTensor) t.sample());
                    HostTensor input = (HostTensor) t.modelInput();
                    assertEquals(type, input.dtype());
                    assertEquals((long) copies * SAMPLES * ELEMENTS, input.elements());
                    for (int copy = 0; copy < copies; copy++) {
                        assertArrayEquals(bits(rounded),
                                bits(input.slice(copy * rounded.elements(), rounded.elements())),
                                type + ", copy " + copy + ", row " + t.cursor());
                    }
                    t.advance(network(t));
                }
            }
        }
    }

    @Test
    void theModelInputIsRightAfterARestore() throws IOException {
        SamplingPlan plan = plan("dpmpp-2s", 5);
        Trajectory t = on(plan).modelInput(DType.F32, 2).start();
        for (int row = 0; row < plan.evaluations(); row++) {
            Trajectory other = on(plan).modelInput(DType.F32, 2).restore(new ByteArrayInputStream(saved(t)));
            assertArrayEquals(bits(t.modelInput()), bits(other.modelInput()), "row " + row);
            t.advance(network(t));
        }
    }

    @Test
    void withoutAModelInputTheStateItselfIsFed() {
        Trajectory t = on(plan("ddim", 2)).start();
        assertSame(t.sample(), t.modelInput());
    }

    @Test
    void thePreviewIsThePredictedCleanSample() {
        SamplingPlan plan = SamplingPlan.of(grid(5), new Ddim(), Prediction.SAMPLE, Clip.range(0.5), null);
        HostTensor preview = HostTensor.allocate(DType.F32, SAMPLES * ELEMENTS);
        Trajectory t = on(plan).preview(preview).start();
        while (!t.isDone()) {
            HostTensor out = network(t);
            t.advance(out);
            for (long i = 0; i < out.elements(); i++) {
                assertEquals(Math.clamp(out.getFloat(i), -0.5f, 0.5f), preview.getFloat(i));
            }
        }
    }

    @Test
    void runAsksTheNetworkForEveryRow() {
        SamplingPlan plan = plan("dpmpp-2m", 5);
        List<Double> times = new ArrayList<>();
        HostTensor out = HostTensor.of(new float[SAMPLES * ELEMENTS]);
        try (Trajectory t = on(plan).start()) {
            Tensor result = t.run((input, time, output) -> {
                times.add(time);
                assertSame(out, output);
            }, out);
            assertTrue(t.isDone());
            assertSame(t.sample(), result);
        }
        assertEquals(plan.steps().stream().map(step -> step.at().t()).toList(), times);
    }

    @Test
    void aBuilderWithoutItsShapeOrSeedsSaysWhatToDo() {
        SamplingPlan plan = plan("ddim", 2);
        String message = assertThrows(IllegalStateException.class, () -> Trajectory.builder(plan, backend).start())
                .getMessage();
        assertTrue(message.contains("shape(samples, elements)"), message);
        message = assertThrows(IllegalArgumentException.class,
                () -> Trajectory.builder(plan, backend).shape(2, 3).seeds(1).start()).getMessage();
        assertTrue(message.contains("2 samples, but 1 seeds"), message);
    }

    @Test
    void everyModelInputIsTheStateTimesItsScale() {
        double[] scales = {0.5, 1, -2, 0.75};
        Trajectory t = on(plan("ddim", 4)).modelInput(DType.F32, 2).inputScales(scales).start();
        for (double scale : scales) {
            HostTensor input = (HostTensor) t.modelInput();
            HostTensor state = (HostTensor) t.sample();
            for (int copy = 0; copy < 2; copy++) {
                for (long i = 0; i < state.elements(); i++) {
                    float want = (float) scale * state.getFloat(i);
                    assertEquals(want, input.getFloat(copy * state.elements() + i), "scale " + scale + " at " + i);
                }
            }
            t.advance(network(t));
        }
        assertThrows(IllegalArgumentException.class, () -> on(plan("ddim", 4)).inputScales(1, 1, 1, 1).start());
        assertThrows(IllegalArgumentException.class,
                () -> on(plan("ddim", 4)).modelInput(DType.F32, 1).inputScales(1, 1).start());
        assertThrows(IllegalArgumentException.class, () -> on(plan("ddim", 2)).inputScales(1, 0));
        assertThrows(IllegalArgumentException.class, () -> on(plan("ddim", 1)).inputScales(Double.NaN));
    }
}
