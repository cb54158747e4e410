// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.solver.Arithmetic;
import java.io.IOException;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Values the references computed in float32, bit for bit: a tolerance would hide an operation in another order. */
class Float32Test {

    private static OfficialNoise noise(JsonNode c, Arithmetic a) throws UnsupportedCaseException {
        String skip = c.path("kwargs").path("skip_type").asText("time_uniform");
        JsonNode schedule = c.path("noise_schedule");
        return schedule.path("schedule").asText().startsWith("linear") ? OfficialNoise.continuous(a, skip)
                : OfficialNoise.discrete(SecondSources.betas(schedule.path("betas").asText()), a, skip);
    }

    @Test
    void theAuthorsTablesAreTheRecordedOnes() throws IOException, UnsupportedCaseException {
        Set<String> seen = new TreeSet<>();
        try (Safetensors tables = RecordedValues.open("tables")) {
            for (JsonNode c : RecordedValues.cases("index")) {
                JsonNode hashes = c.path("tables");
                if (!c.path("group").asText().equals("official_dpm_solver") || hashes.path("f32").isMissingNode()
                        || !seen.add(hashes.path("f32").toString())) {
                    continue;
                }
                OfficialNoise rounded = noise(c, Arithmetic.FLOAT32_EXPM1);
                assertArrayEquals(tables.toDoubleArray(hashes.path("f32").path("log_alpha_array").asText()),
                        rounded.logAlphas(), c.path("id").asText());
                assertArrayEquals(tables.toDoubleArray(hashes.path("f32").path("t_array").asText()), rounded.times(),
                        c.path("id").asText());
                OfficialNoise exact = noise(c, Arithmetic.DOUBLE);
                // 1000 sums of logarithms near 1e-2, each rounded at 1e-16 of at most 3.
                assertArrayEquals(tables.toDoubleArray(hashes.path("x64").path("log_alpha_array").asText()),
                        exact.logAlphas(), 1e-13);
            }
        }
        // Scaled linear, linear, and the cosine schedule, whose last entries are cut off.
        assertEquals(3, seen.size());
    }

    @Test
    void theAuthorsTimesAreTheRecordedOnes() throws IOException, UnsupportedCaseException {
        int compared = 0;
        try (Safetensors tensors = RecordedValues.open("official_dpm_solver")) {
            for (JsonNode c : RecordedValues.cases("index")) {
                JsonNode args = c.path("kwargs");
                String name = c.path("id").asText() + "/f32/t_continuous";
                if (!tensors.names().contains(name) || !args.path("method").asText("multistep").equals("multistep")) {
                    continue;
                }
                OfficialNoise noise = noise(c, Arithmetic.FLOAT32_EXPM1);
                double noisy = args.path("t_start").asDouble(noise.noisiest());
                double clean = args.path("t_end").asDouble(noise.cleanest());
                boolean inverse = c.path("call").asText().equals("inverse");
                double[] points = noise.points(inverse ? clean : noisy, inverse ? noisy : clean,
                        args.path("steps").asInt());
                double[] recorded = tensors.toDoubleArray(name);
                assertEquals(recorded.length, points.length);
                for (int i = 0; i < points.length; i++) {
                    // Uniform and quadratic times are sums and products; those of a lambda pass through exp and log, and torch's are
                    // not always the nearest float.
                    boolean logSnr = args.path("skip_type").asText().equals("logSNR");
                    assertEquals(recorded[i], points[i], logSnr ? 2 * Math.ulp((float) recorded[i]) : 0, name);
                }
                compared++;
            }
        }
        assertTrue(compared > 15, compared + " cases");
    }

    @Test
    void sigmasAreTheRecordedOnes() throws IOException {
        int compared = 0;
        for (String group : new String[] {"dpm_multistep", "dpm_singlestep", "dpm_inverse"}) {
            try (Safetensors tensors = RecordedValues.open(group)) {
                for (JsonNode c : RecordedValues.cases("index")) {
                    String id = c.path("id").asText();
                    JsonNode steps = c.path("set_timesteps_kwargs").path("num_inference_steps");
                    if (!c.path("group").asText().equals(group) || !tensors.names().contains(id + "/f32/sigmas")
                            || !steps.isInt() || c.path("set_timesteps_kwargs").has("mu")
                            || c.path("has_nan").path("f32").asBoolean()) {
                        continue;
                    }
                    LoadedScheduler loaded = TraceCases.load(c, TraceReplay.Variant.F32);
                    double[] sigmas = loaded.sigmas(LoadedScheduler.Run.steps(steps.asInt())).sigmas();
                    double[] recorded = tensors.toDoubleArray(id + "/f32/sigmas");
                    assertEquals(recorded.length, sigmas.length, id);
                    for (int i = 0; i < sigmas.length; i++) {
                        // pow and exp of numpy's doubles may round to the float beside.
                        assertEquals(recorded[i], sigmas[i], Math.ulp((float) recorded[i]), id + " " + i);
                    }
                    compared++;
                }
            }
        }
        assertTrue(compared > 70, compared + " cases");
    }

    @Test
    void linspaceOfOnePointIsItsStart() {
        assertArrayEquals(new double[] {(float) 0.1}, TorchLinspace.of(0.1, 5, 1));
    }

    @Test
    void linspaceEndsWhereItShould() {
        // 15 to 33: none, one and two pairs of vectors, with and without a rest.
        for (int n = 2; n < 34; n++) {
            double[] r = TorchLinspace.of(1, 1e-3, n);
            assertEquals(1, r[0]);
            assertEquals(1e-3, r[n - 1], n % 16 == 0 ? Math.ulp(1f) : 0 + 1e-10);
            assertArrayEquals(r, Arrays.stream(r).map(v -> (float) v).toArray());
        }
    }

    /** The level of a lambda keeps it, though the time found for it has another in float32. */
    @Test
    void aLevelInsideAGroupKeepsItsLambda() throws UnsupportedCaseException {
        OfficialNoise noise = OfficialNoise.discrete(SecondSources.betas("linear"), Arithmetic.FLOAT32_EXPM1, "logSNR");
        Level inside = noise.inside(0.01, 0.002, 0.5).getFirst();
        double from = noise.lambda((float) 0.01);
        double to = noise.lambda((float) 0.002);
        assertEquals((float) (from + (float) (0.5 * (float) (to - from))), inside.lambda());
    }
}
