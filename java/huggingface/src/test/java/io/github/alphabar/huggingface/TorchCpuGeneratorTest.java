// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.random.Normals;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against values recorded with torch 1.13 on an x86-64 processor with AVX2; names are randn_TYPE/seedS/nN. */
class TorchCpuGeneratorTest {

    /** The test of the C++ standard, 26.6.5 [rand.predef]: the 10000th output of a default mt19937. */
    @Test
    void mersenneTwisterGivesTheKnownAnswers() {
        MersenneTwister words = new MersenneTwister(5489);
        assertEquals(3499211612L, words.nextInt() & 0xffffffffL);
        for (int i = 2; i < 10_000; i++) {
            words.nextInt();
        }
        assertEquals(4123659995L, words.nextInt() & 0xffffffffL);
    }

    @Test
    void mersenneTwisterGivesTheRecordedWords() throws IOException {
        try (Safetensors traces = RecordedValues.open("rng")) {
            for (String name : named(traces, "mt19937_u32/")) {
                MersenneTwister words = new MersenneTwister((int) seed(name));
                long[] all = new long[1252];
                Arrays.setAll(all, i -> words.nextInt() & 0xffffffffL);
                // 8 at the start, 12 about the first twist of 624 words, 8 about the second.
                long[] recorded = new long[28];
                System.arraycopy(all, 0, recorded, 0, 8);
                System.arraycopy(all, 620, recorded, 8, 12);
                System.arraycopy(all, 1244, recorded, 20, 8);
                assertArrayEquals(traces.toLongArray(name), recorded, name);
            }
        }
    }

    @Test
    void floatsAreTheRecordedOnesBitByBit() throws IOException {
        try (Safetensors traces = RecordedValues.open("rng")) {
            int values = 0;
            for (String name : named(traces, "randn_f32/")) {
                if (name.matches(".*/n[0-9]+")) {
                    float[] expected = traces.toFloatArray(name);
                    float[] noise = new float[expected.length];
                    new TorchCpuGenerator(seed(name)).normal(noise);
                    assertBits(expected, noise, name);
                    values += noise.length;
                }
            }
            assertEquals(4 * (1 + 5 + 16 + 17 + 64 + 1024), values);
        }
    }

    @Test
    void theNoiseOfALatentIsTheRecordedOne() throws IOException {
        try (Safetensors traces = RecordedValues.open("rng")) {
            int latents = 0;
            for (String name : named(traces, "randn_f32/")) {
                if (!name.endsWith("/shape4x64x64/sum_f64")) {
                    continue;
                }
                String latent = name.substring(0, name.lastIndexOf('/'));
                float[] noise = new float[4 * 64 * 64];
                new TorchCpuGenerator(seed(name)).normal(noise);
                assertBits(traces.toFloatArray(latent + "/first16"), Arrays.copyOf(noise, 16), latent);
                assertBits(traces.toFloatArray(latent + "/last16"),
                        Arrays.copyOfRange(noise, noise.length - 16, noise.length), latent);
                double[] sums = new double[2];
                for (float value : noise) {
                    sums[0] += value;
                    sums[1] += (double) value * value;
                }
                // 16384 additions in another order: each rounds a sum below 2^15 by at most 2^-38.
                assertArrayEquals(traces.toDoubleArray(name), sums, 16384 * 0x1p-38, latent);
                latents++;
            }
            assertEquals(4, latents);
        }
    }

    @Test
    void doublesAreTheRecordedOnesBitByBit() throws IOException {
        try (Safetensors traces = RecordedValues.open("rng")) {
            int values = 0;
            for (String name : named(traces, "randn_f64/")) {
                double[] expected = traces.toDoubleArray(name);
                double[] noise = new double[expected.length];
                new TorchCpuGenerator(seed(name)).normal(noise);
                assertBits(expected, noise, name);
                values += noise.length;
            }
            assertEquals(4 * (1 + 5 + 15 + 16 + 64), values);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"seed42/5_5", "seed0/5_16_1", "seed1/16_16", "seed42/17_3_3"})
    void theStateCarriesOverFromCallToCall(String sequence) throws IOException {
        try (Safetensors traces = RecordedValues.open("rng")) {
            TorchCpuGenerator generator = new TorchCpuGenerator(seed("randn_f32_sequence/" + sequence));
            String[] sizes = sequence.substring(sequence.indexOf('/') + 1).split("_");
            for (int call = 0; call < sizes.length; call++) {
                float[] noise = new float[Integer.parseInt(sizes[call])];
                generator.normal(noise);
                String name = "randn_f32_sequence/" + sequence + "/" + call;
                assertBits(traces.toFloatArray(name), noise, name);
            }
        }
    }

    /** Below 16 the values come one by one; above, a size that 16 does not divide has its last 16 to itself. */
    @Test
    void everySizeFromOneToFortyAgreesWithTheRecordedOnes() throws IOException {
        try (Safetensors traces = RecordedValues.open("rng")) {
            float[] five = traces.toFloatArray("randn_f32/seed0/n5");
            double[] fifteen = traces.toDoubleArray("randn_f64/seed0/n15");
            float[] sixtyFour = traces.toFloatArray("randn_f32/seed0/n64");
            for (int size = 1; size <= 40; size++) {
                float[] noise = new float[size];
                new TorchCpuGenerator(0).normal(noise);
                if (size < 16) {
                    for (int i = 0; i < size; i++) {
                        assertEquals((float) fifteen[i], noise[i], "size " + size);
                    }
                    assertBits(Arrays.copyOf(five, Math.min(size, 5)), Arrays.copyOf(noise, Math.min(size, 5)),
                            "size " + size);
                } else {
                    int untouched = size % 16 == 0 ? size : size - 16;
                    assertBits(Arrays.copyOf(sixtyFour, untouched), Arrays.copyOf(noise, untouched), "size " + size);
                }
            }
        }
    }

    @Test
    void onlyTheLow32BitsOfTheSeedCount() {
        float[] low = new float[20];
        float[] high = new float[20];
        new TorchCpuGenerator(7).normal(low);
        new TorchCpuGenerator(7 + (123L << 32)).normal(high);
        assertBits(low, high, "seed");
    }

    @Test
    void anEmptyCallSpendsNothing() {
        float[] plain = new float[3];
        float[] after = new float[3];
        new TorchCpuGenerator(3).normal(plain);
        TorchCpuGenerator generator = new TorchCpuGenerator(3);
        generator.normal(new float[0]);
        generator.normal(after);
        assertBits(plain, after, "empty");
    }

    @Test
    void aNoiseSourceIsOneCallForTheWholeBatch() {
        float[] expected = new float[2 * 33];
        double[] expectedDoubles = new double[2 * 33];
        TorchCpuGenerator reference = new TorchCpuGenerator(11);
        reference.normal(expected);
        reference.normal(expectedDoubles);

        TorchCpuGenerator source = new TorchCpuGenerator(11);
        HostTensor floats = HostTensor.allocate(DType.F32, expected.length);
        HostTensor doubles = HostTensor.allocate(DType.F64, expected.length);
        source.fill(Normals.Stream.INITIAL, 0, floats);
        source.fill(Normals.Stream.STEP, 3, doubles);
        assertBits(expected, floats.toFloatArray(), "floats");
        assertBits(expectedDoubles, doubles.toDoubleArray(), "doubles");
    }

    @Test
    void halvesAreTheFloatsRounded() {
        for (DType type : new DType[] {DType.F16, DType.BF16}) {
            HostTensor floats = HostTensor.allocate(DType.F32, 40);
            HostTensor halves = HostTensor.allocate(type, 40);
            HostTensor rounded = HostTensor.allocate(type, 40);
            new TorchCpuGenerator(5).fill(Normals.Stream.STEP, 0, floats);
            new TorchCpuGenerator(5).fill(Normals.Stream.STEP, 0, halves);
            rounded.copyFrom(floats);
            assertEquals(-1, rounded.segment().mismatch(halves.segment()), type.name());
        }
    }

    /** A million values: mean within 5 / sqrt(n), variance within 5 sqrt(2 / n), and no value beyond sqrt(-2 log 2^-24). */
    @Test
    void theNoiseIsNormal() {
        float[] noise = new float[1_000_000];
        new TorchCpuGenerator(99).normal(noise);
        double sum = 0;
        double squares = 0;
        for (float value : noise) {
            sum += value;
            squares += (double) value * value;
            assertTrue(Math.abs(value) < 5.78, "Found " + value + ".");
        }
        assertEquals(0, sum / noise.length, 5e-3);
        assertEquals(1, squares / noise.length, 7.1e-3);
    }

    private static String[] named(Safetensors traces, String prefix) {
        return traces.names().stream().filter(name -> name.startsWith(prefix)).toArray(String[]::new);
    }

    private static long seed(String name) {
        String text = name.split("/")[1];
        return Long.parseLong(text.substring("seed".length()));
    }

    private static void assertBits(float[] expected, float[] actual, String message) {
        assertEquals(expected.length, actual.length, message);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(Float.floatToRawIntBits(expected[i]), Float.floatToRawIntBits(actual[i]), message + ", " + i);
        }
    }

    private static void assertBits(double[] expected, double[] actual, String message) {
        assertEquals(expected.length, actual.length, message);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(Double.doubleToRawLongBits(expected[i]), Double.doubleToRawLongBits(actual[i]),
                    message + ", " + i);
        }
    }
}
