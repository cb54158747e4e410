// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DigitsModelTest {
    private static final DigitsModel DIGITS = DigitsModel.load();
    private static final int PIXELS = 64;

    private static int[] cycling(int count) {
        return IntStream.range(0, count).map(i -> i % 10).toArray();
    }

    private static float[] noise(int count) {
        Random random = new Random(7);
        float[] x = new float[count * PIXELS];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    private static float[] evaluate(int count, int threads, boolean guided) {
        try (OnnxDenoiser network = DIGITS.denoiser(cycling(count), threads)) {
            float[] out = new float[count * PIXELS * (guided ? 2 : 1)];
            network.denoise(HostTensor.of(noise(count)), 321, HostTensor.of(out));
            return out;
        }
    }

    @Test
    void aSampleIsTheSameInEveryBatchAndForAnyThreads() {
        float[] whole = evaluate(130, 1, false);
        // 7 and 10 are less than a chunk, 64 is one, 100 and 130 need two and three.
        for (int count : new int[] {1, 7, 10, 64, 100, 130}) {
            for (int threads : new int[] {1, 2}) {
                assertArrayEquals(Arrays.copyOf(whole, count * PIXELS), evaluate(count, threads, false));
                float[] guided = evaluate(count, threads, true);
                assertArrayEquals(Arrays.copyOf(whole, count * PIXELS),
                        Arrays.copyOfRange(guided, count * PIXELS, 2 * count * PIXELS));
                float[] all = evaluate(130, 1, true);
                assertArrayEquals(Arrays.copyOf(all, count * PIXELS), Arrays.copyOf(guided, count * PIXELS));
            }
        }
    }

    @Test
    void aSampleIsTheSameAtEveryPlaceOfAChunk() {
        float[] one = Arrays.copyOf(noise(1), PIXELS);
        float[] many = new float[PIXELS * PIXELS];
        for (int i = 0; i < PIXELS; i++) {
            System.arraycopy(one, 0, many, i * PIXELS, PIXELS);
        }
        int[] classes = new int[64];
        Arrays.fill(classes, 3);
        try (OnnxDenoiser network = DIGITS.denoiser(classes)) {
            float[] out = new float[many.length];
            network.denoise(HostTensor.of(many), 500, HostTensor.of(out));
            for (int i = 1; i < 64; i++) {
                assertArrayEquals(Arrays.copyOf(out, PIXELS), Arrays.copyOfRange(out, i * PIXELS, (i + 1) * PIXELS));
            }
        }
    }

    @Test
    void theInputMayBeGivenTwiceForAGuidedBatch() {
        float[] x = noise(70);
        float[] twice = Arrays.copyOf(x, 2 * x.length);
        System.arraycopy(x, 0, twice, x.length, x.length);
        try (OnnxDenoiser network = DIGITS.denoiser(cycling(70))) {
            float[] a = new float[2 * x.length];
            float[] b = new float[2 * x.length];
            network.denoise(HostTensor.of(x), 100, HostTensor.of(a));
            network.denoise(HostTensor.of(twice), 100, HostTensor.of(b));
            assertArrayEquals(a, b);
            assertNotEquals(a[0], a[x.length]);
        }
    }

    @Test
    void theUnconditionalHalfIsThatOfTheNullClass() {
        int[] nothing = new int[7];
        Arrays.fill(nothing, DIGITS.nullClass());
        float[] expected = new float[7 * PIXELS];
        try (OnnxDenoiser network = DIGITS.denoiser(nothing)) {
            network.denoise(HostTensor.of(noise(7)), 321, HostTensor.of(expected));
        }
        assertArrayEquals(expected, Arrays.copyOf(evaluate(7, 1, true), 7 * PIXELS));
    }

    private static double recovered(Guidance guidance) {
        int count = 1000;
        SamplingPlan plan = SamplingPlan.of(TimeGrid.of(DIGITS.schedule(), Spacing.leading(0), 50), new Ddim(),
                DIGITS.prediction(), Clip.NONE, guidance);
        int[] classes = cycling(count);
        try (OnnxDenoiser network = DIGITS.denoiser(classes, 2);
                Backend backend = Backends.named("vector");
                Trajectory trajectory = Trajectory.builder(plan, backend).shape(count, PIXELS).start();
                DigitsClassifier classifier = DIGITS.classifier()) {
            HostTensor output = HostTensor.allocate(DType.F32, (guidance == null ? 1L : 2L) * count * PIXELS);
            HostTensor samples = (HostTensor) trajectory.run(network, output);
            return classifier.classify(samples).recognised(classes) / (double) count;
        }
    }

    @Test
    void theClassifierRecognisesTheDigitsThatDdimDraws() {
        // 97.4% to 98.3% for three noise seeds by the model card.
        double share = recovered(null);
        assertTrue(share >= 0.95, "recognised " + share);
    }

    @Test
    void guidanceMakesTheDigitsClearer() {
        // 100% by the model card.
        double share = recovered(Guidance.scale(2));
        assertTrue(share >= 0.99, "recognised " + share);
    }

    @Test
    void theClassifierKnowsItsTrainingDigits() {
        Optdigits digits = Optdigits.load();
        assertEquals(1797, digits.count());
        int[] labels = IntStream.range(0, digits.count()).map(digits::label).toArray();
        try (DigitsClassifier classifier = DIGITS.classifier()) {
            assertEquals(1797, classifier.classify(digits.images()).recognised(labels));
        }
    }

    @Test
    void aClassThatDoesNotExistIsRefused() {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> DIGITS.denoiser(11));
        assertTrue(e.getMessage().contains("0 to 9"), e.getMessage());
    }
}
