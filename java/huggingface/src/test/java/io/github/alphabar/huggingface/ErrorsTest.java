// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The calls that fail or misbehave in diffusers, against the decisions in the table of the documentation: the two cannot part.
 */
class ErrorsTest {
    private static final Pattern ROW = Pattern.compile("<tr><th scope=\"row\">([^<]+)</th>.*?</td><td>.*?</td><td>"
            + "(refused|plans|loads|no such call)(?:: <code>([^<]*)</code>)?</td><td>([^<]+)</td></tr>");
    /** The recorded samples: 2 of 3 channels of 4 x 4. */
    private static final int SAMPLES = 2;
    private static final int CHANNELS = 3;
    private static final int PIXELS = 16;

    /** One row of the documentation. */
    private record Decision(String what, String words) {
    }

    private static Map<String, Decision> decisions() throws IOException {
        String html = Files
                .readString(Path.of("src/main/java/io/github/alphabar/huggingface/doc-files/errors.html"));
        Map<String, Decision> rows = new LinkedHashMap<>();
        Matcher m = ROW.matcher(html);
        while (m.find()) {
            String words = m.group(3) == null ? "" : m.group(3).replace("&lt;", "<").replace("&amp;", "&");
            rows.put("errors/" + m.group(1), new Decision(m.group(2), words));
        }
        return rows;
    }

    @Test
    void everyRecordedCallIsDecided() throws IOException {
        TreeSet<String> recorded = new TreeSet<>();
        RecordedValues.cases("errors").forEach(c -> recorded.add(c.path("id").asText()));
        assertEquals(94, recorded.size());
        assertEquals(recorded, new TreeSet<>(decisions().keySet()));
        for (Map.Entry<String, Decision> row : decisions().entrySet()) {
            boolean needsWords = List.of("refused", "loads").contains(row.getValue().what());
            assertTrue(!needsWords || row.getValue().words().length() > 5, row.getKey());
        }
    }

    @TestFactory
    Stream<DynamicTest> theDecisionIsWhatHappens() throws IOException {
        Map<String, Decision> decisions = decisions();
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode c : RecordedValues.cases("errors")) {
            Decision decision = decisions.get(c.path("id").asText());
            tests.add(dynamicTest(c.path("id").asText(), () -> check(c, decision)));
        }
        return tests.stream();
    }

    private static void check(JsonNode c, Decision decision) {
        switch (decision.what()) {
            case "refused" -> {
                RuntimeException e = assertThrows(RuntimeException.class, () -> carryOut(c));
                assertTrue(e instanceof IllegalArgumentException || e instanceof IllegalStateException, e.toString());
                assertTrue(e.getMessage().contains(decision.words()), e.getMessage());
            }
            // What the call asks for is said elsewhere here; the settings themselves work.
            case "no such call" -> new LoadedScheduler(load(c)).plan(LoadedScheduler.Run.steps(10));
            default -> {
                String report = carryOut(c).report().toString();
                assertTrue(report.contains(decision.words()), report);
            }
        }
    }

    private static SchedulerConfig load(JsonNode c) {
        return SchedulerConfig.parse(c.path("config_kwargs").toString(),
                SchedulerClass.named(c.path("reference").path("class").asText()));
    }

    private static SchedulerConfig carryOut(JsonNode c) {
        SchedulerConfig config = load(c);
        LoadedScheduler scheduler = new LoadedScheduler(config);
        Trajectory trajectory = null;
        try (Backend scalar = Backends.named("scalar")) {
            for (JsonNode op : c.path("ops")) {
                JsonNode arguments = op.get(1);
                if (op.get(0).asText().equals("set_timesteps")) {
                    LoadedScheduler.Run run = run(arguments);
                    SamplingPlan plan = scheduler.plan(run);
                    List<Double> times = new ArrayList<>();
                    c.path("outcome").path("timesteps").forEach(t -> times.add(t.asDouble()));
                    assertEquals(times.isEmpty() ? scheduler.timesteps(run) : times, scheduler.timesteps(run));
                    HostTensor start = noise(CHANNELS);
                    trajectory = Trajectory.builder(plan, scalar)
                            .shape(SAMPLES, CHANNELS * PIXELS)
                            .startFrom(start);
                } else {
                    for (int i = 0; i < arguments.path("n").asInt(1); i++) {
                        trajectory.advance(noise(arguments.path("channels").asInt(CHANNELS)));
                    }
                    HostTensor sample = (HostTensor) trajectory.sample();
                    for (int i = 0; i < SAMPLES * CHANNELS * PIXELS; i++) {
                        assertTrue(Double.isFinite(sample.getDouble(i)));
                    }
                }
            }
        } finally {
            if (trajectory != null) {
                trajectory.close();
            }
        }
        return config;
    }

    private static LoadedScheduler.Run run(JsonNode arguments) {
        List<Integer> times = null;
        if (arguments.has("timesteps")) {
            times = new ArrayList<>();
            for (JsonNode t : arguments.path("timesteps")) {
                times.add(t.asInt());
            }
        }
        Integer steps = arguments.has("num_inference_steps") ? arguments.path("num_inference_steps").asInt() : null;
        return new LoadedScheduler.Run(steps, times, 0, false, null, null, 0);
    }

    private static HostTensor noise(int channels) {
        HostTensor t = HostTensor.allocate(DType.F32, SAMPLES * channels * PIXELS);
        Random random = new Random(7);
        for (int i = 0; i < SAMPLES * channels * PIXELS; i++) {
            t.setDouble(i, random.nextGaussian());
        }
        return t;
    }
}
