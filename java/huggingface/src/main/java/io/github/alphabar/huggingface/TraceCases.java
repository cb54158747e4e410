// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.schedule.Level;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** From the index's description of a case to the plan that should repeat it. */
final class TraceCases {
    /** Where float32 and float64 rollouts part by more than this, small differences grow along the run. */
    private static final double CONDITIONING = 1e-4;

    private TraceCases() {
    }

    static TraceCase build(JsonNode c, TraceTensors t, TraceReplay.Variant variant) throws UnsupportedCaseException {
        String group = c.path("group").asText();
        List<TraceCase.Part> parts;
        if (group.startsWith("secondary_")) {
            throw new UnsupportedCaseException("the solvers of " + group + " are not part of this library yet");
        }
        if (group.equals("q_sample")) {
            parts = forward(c, t, variant);
        } else if (group.equals("null_text")) {
            parts = nullText(c, t, variant);
        } else if (c.has("scheduler_config")) {
            parts = List.of(scheduler(c, t, variant));
        } else {
            parts = SecondSources.parts(group, c, t);
        }
        JsonNode spread = c.path("rollout_maxabs_f32_vs_x64");
        boolean bad = spread.isTextual() || spread.asDouble(0) > CONDITIONING;
        return new TraceCase(c.path("id").asText(), parts, bad, c.path("has_nan").path(variant.text()).asBoolean());
    }

    private static Set<Quirk> quirks(TraceReplay.Variant variant) {
        Set<Quirk> quirks = EnumSet.allOf(Quirk.class);
        if (variant == TraceReplay.Variant.X64) {
            quirks.remove(Quirk.FLOAT32_TABLES);
            quirks.remove(Quirk.FLOAT32_COEFFICIENTS);
        }
        return quirks;
    }

    static LoadedScheduler load(JsonNode c, TraceReplay.Variant variant) {
        String json = c.has("scheduler_config_json") ? c.path("scheduler_config_json").asText()
                : infinities(c.path("scheduler_config"));
        return new LoadedScheduler(SchedulerConfig.parse(json), quirks(variant));
    }

    /** Strict JSON writes infinities as strings. */
    private static String infinities(JsonNode config) {
        return config.toString().replace("\"-Infinity\"", "-Infinity").replace("\"Infinity\"", "Infinity");
    }

    private static TraceCase.Part scheduler(JsonNode c, TraceTensors t, TraceReplay.Variant variant)
            throws UnsupportedCaseException {
        LoadedScheduler scheduler = load(c, variant);
        JsonNode set = c.path("set_timesteps_kwargs");
        JsonNode step = c.path("step_kwargs");
        for (String key : (Iterable<String>) step::fieldNames) {
            if (!key.equals("eta") && !key.equals("use_clipped_model_output")) {
                throw new UnsupportedCaseException("the step argument " + key + " is not known");
            }
        }
        List<Integer> custom = null;
        Integer steps = null;
        if (set.has("timesteps")) {
            custom = new ArrayList<>();
            for (JsonNode v : set.path("timesteps")) {
                custom.add(v.asInt());
            }
        } else if (c.path("no_set_timesteps").asBoolean()) {
            steps = scheduler.config().whole("num_train_timesteps");
        } else {
            steps = set.path("num_inference_steps").asInt();
        }
        Double mu = set.has("mu") ? set.path("mu").asDouble() : null;
        LoadedScheduler.Run run = new LoadedScheduler.Run(steps, custom, step.path("eta").asDouble(0),
                step.path("use_clipped_model_output").asBoolean(), mu, null, firstStep(c));
        SamplingPlan plan = scheduler.plan(run);
        double[][] x = t.rows("x");
        boolean whole = x != null;
        int[] rows = whole ? IntStream.range(0, x.length - 1).toArray()
                : Arrays.stream(t.vector("step_index")).mapToInt(v -> (int) v).toArray();
        for (int row : rows) {
            if (row >= plan.evaluations()) {
                throw new IllegalArgumentException(
                        "The plan has " + plan.evaluations() + " rows, the recording at least " + (row + 1) + ".");
            }
        }
        double[] all = t.vector("timesteps");
        double[] times = Arrays.stream(rows).mapToDouble(i -> all[i + run.firstStep()]).toArray();
        double[][] before = whole ? Arrays.copyOf(x, x.length - 1) : t.rows("x_in");
        double[][] after = whole ? Arrays.copyOfRange(x, 1, x.length) : t.rows("x_out");
        boolean complete = whole && rows.length == plan.evaluations();
        int samples = (int) (whole ? t.shape("x")[1] : t.shape("x_in")[1]);
        return new TraceCase.Part(plan, rows, complete, before, after, t.rows("model_output"), null, t.rows("noise"),
                t.rows("pred_original_sample"), times, samples);
    }

    /** Where set_begin_index put the run: it ends with the last timestep, so what was not called comes before. */
    private static int firstStep(JsonNode c) {
        if (!c.path("set_begin_index").asBoolean()) {
            return 0;
        }
        return Math.max(0, c.path("timesteps").size() - c.path("num_step_calls").asInt());
    }

    /** Forward noising and velocities: each sample has its own timestep, so each is a row of its own. */
    private static List<TraceCase.Part> forward(JsonNode c, TraceTensors t, TraceReplay.Variant variant) {
        LoadedScheduler scheduler = load(c, variant);
        int steps = c.path("num_inference_steps").isNumber() ? c.path("num_inference_steps").asInt() : 1;
        double[] times = t.vector("timesteps");
        List<TraceCase.Part> parts = new ArrayList<>();
        for (int i = 0; i < times.length; i++) {
            Level level = scheduler.noiseLevel(LoadedScheduler.Run.steps(steps), (int) times[i]);
            if (t.has("noisy")) {
                parts.add(linear(level, level.alpha(), level.sigma(), t, "noisy", i));
            }
            if (t.has("velocity")) {
                parts.add(linear(level, -level.sigma(), level.alpha(), t, "velocity", i));
            }
        }
        return parts;
    }

    private static TraceCase.Part linear(Level level, double cx, double cz, TraceTensors t, String result, int i) {
        Step row = new Step(0, level, level, 0, 0, 0, 0, cx, 0, 0, List.of(), cz, null, null);
        SamplingPlan plan = new SamplingPlan("q-sample", Prediction.EPSILON, Clip.NONE, null, 1, List.of(row));
        double[][] x0 = {t.rows("x0")[i]};
        return new TraceCase.Part(plan, new int[] {0}, true, x0, new double[][] {t.rows(result)[i]}, x0, null,
                new double[][] {t.rows("noise")[i]}, null, null, 1);
    }

    /** Null-text inversion: the inverse of DDIM over the reversed timesteps, then DDIM back. */
    private static List<TraceCase.Part> nullText(JsonNode c, TraceTensors t, TraceReplay.Variant variant) {
        LoadedScheduler back = load(c, variant);
        LoadedScheduler there = new LoadedScheduler(back.config().into(SchedulerClass.DDIM_INVERSE), back.quirks());
        LoadedScheduler.Run run = LoadedScheduler.Run.steps(c.path("num_inference_steps").asInt());
        return List.of(chain(there.plan(run), t, "x", "model_output"),
                chain(back.plan(run), t, "back_x", "back_model_output"));
    }

    private static TraceCase.Part chain(SamplingPlan plan, TraceTensors t, String states, String outputs) {
        double[][] x = t.rows(states);
        return new TraceCase.Part(plan, IntStream.range(0, x.length - 1).toArray(), true,
                Arrays.copyOf(x, x.length - 1),
                Arrays.copyOfRange(x, 1, x.length), t.rows(outputs), null, null, null, null, (int) t.shape(states)[1]);
    }
}
