// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.schedule.Betas;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Arithmetic;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.Ddpm;
import io.github.alphabar.solver.Plms;
import io.github.alphabar.solver.Solver;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The authors' own codes, mapped from their arguments to the native API: DDIM (ermon_ddim), latent diffusion's DDIM and PLMS
 * (compvis), PNDM (pndm_original), DPM-Solver ({@link OfficialDpmSolver}).
 */
final class SecondSources {
    private SecondSources() {
    }

    static List<TraceCase.Part> parts(String group, JsonNode c, TraceTensors t) throws UnsupportedCaseException {
        return switch (group) {
            case "ermon_ddim" -> List.of(ermon(c, t));
            case "compvis" -> List.of(compvis(c, t));
            case "pndm_original" -> List.of(pndm(c, t));
            case "official_dpm_solver" -> OfficialDpmSolver.parts(c, t);
            default -> throw new UnsupportedCaseException("the source " + group + " is not known");
        };
    }

    static double[] betas(String name) throws UnsupportedCaseException {
        String text = name.toLowerCase(java.util.Locale.ROOT);
        if (text.equals("sd") || text.contains("scaled_linear")) {
            return Betas.scaledLinear(1000, 0.00085, 0.012);
        }
        if (text.startsWith("linear")) {
            return Betas.linear(1000, 1e-4, 0.02);
        }
        if (text.contains("cos")) {
            return Betas.cosine(1000);
        }
        throw new UnsupportedCaseException("the beta schedule '" + name + "' is not known");
    }

    private static Arithmetic arithmetic(TraceTensors t) {
        return t.isFloat32() ? Arithmetic.FLOAT32 : Arithmetic.DOUBLE;
    }

    /** In a float32 recording, the table torch makes of float32 betas: a product in double, each entry rounded. */
    private static TabulatedSchedule recorded(String name, TraceTensors t) throws UnsupportedCaseException {
        Arithmetic a = arithmetic(t);
        return cumulative(Arrays.stream(betas(name)).map(b -> a.of(1 - a.of(b))).toArray(), a);
    }

    private static TabulatedSchedule cumulative(double[] alphas, Arithmetic a) {
        double[] bar = new double[alphas.length];
        double product = 1;
        for (int i = 0; i < bar.length; i++) {
            product *= alphas[i];
            bar[i] = a.of(product);
        }
        return TabulatedSchedule.ofAlphaBar(bar);
    }

    /** Levels from noisy to clean, then an end. */
    static TimeGrid grid(NoiseSchedule schedule, List<Level> levels, Level end) {
        List<Level> all = new ArrayList<>(levels);
        all.add(end);
        return new TimeGrid(schedule, all);
    }

    private static List<Level> levels(NoiseSchedule schedule, JsonNode ascending) {
        List<Level> levels = new ArrayList<>();
        for (int i = ascending.size() - 1; i >= 0; i--) {
            levels.add(schedule.level(ascending.get(i).asInt()));
        }
        return levels;
    }

    /** Rows whose states are those the network saw, with the last state of the run after them. */
    static TraceCase.Part calls(SamplingPlan plan, TraceTensors t, String states, double[] times)
            throws UnsupportedCaseException {
        double[][] seen = t.rows(states);
        double[][] x = t.rows("x");
        int rows = t.has("model_output") || t.has("model_output_cond")
                ? t.rows(t.has("model_output") ? "model_output" : "model_output_cond").length
                : 0;
        if (rows != plan.evaluations()) {
            throw new IllegalArgumentException(
                    "The plan has " + plan.evaluations() + " network evaluations, the recording " + rows + ".");
        }
        double[][] before = Arrays.copyOf(seen, rows);
        double[][] after = new double[rows][];
        for (int i = 0; i < rows; i++) {
            after[i] = i + 1 < rows ? seen[i + 1] : x[x.length - 1];
        }
        boolean guided = plan.guidance() != null;
        return new TraceCase.Part(plan, IntStream.range(0, rows).toArray(), true, before, after,
                t.rows(t.has("model_output_cond") ? "model_output_cond" : "model_output"),
                guided ? t.rows("model_output_uncond") : null,
                t.rows("noise"), x.length == rows + 1 ? t.rows("pred_original_sample") : null, times,
                (int) t.shape("x")[1]);
    }

    /** functions/denoising.py: generalized_steps and ddpm_steps. */
    private static TraceCase.Part ermon(JsonNode c, TraceTensors t) throws UnsupportedCaseException {
        TabulatedSchedule schedule = recorded(c.path("beta_schedule").asText(), t);
        boolean ddpm = c.path("eta").isNull() || c.path("eta").isMissingNode();
        List<Level> levels = levels(schedule, c.path("seq_ascending"));
        if (ddpm) {
            levels = levels.stream().map(level -> byInverse(level, schedule, arithmetic(t))).toList();
        }
        TimeGrid grid = grid(schedule, levels, Level.clean(0));
        Solver solver = ddpm ? new Ddpm(Ddpm.Variance.FIXED_LARGE_LOG) : new Ddim(c.path("eta").asDouble());
        SamplingPlan plan = SamplingPlan.of(grid, solver, Prediction.EPSILON, ddpm ? Clip.range(1) : Clip.NONE, null);
        return calls(plan, t, "x", t.vector("timesteps"));
    }

    /** ddpm_steps reads x0 as sqrt(1 / b) x - sqrt(1 / b - 1) eps; in float32 the difference has few digits left near b = 1. */
    private static Level byInverse(Level level, TabulatedSchedule schedule, Arithmetic a) {
        double inverse = a.of(1 / schedule.alphaBar((int) level.t()));
        double alpha = 1 / a.sqrt(inverse);
        return Level.of(level.t(), alpha, alpha * a.sqrt(a.of(inverse - 1)));
    }

    /** ldm/models/diffusion/ddim.py and plms.py: the last level is alphaBar_0. */
    private static TraceCase.Part compvis(JsonNode c, TraceTensors t) throws UnsupportedCaseException {
        if (c.path("temperature").asDouble(1) != 1) {
            throw new UnsupportedCaseException("a temperature other than 1 is not supported");
        }
        // A table made in double, and rounded in a float32 model.
        double[] betas = Betas.scaledLinear(1000, c.path("linear_start").asDouble(0.00085),
                c.path("linear_end").asDouble(0.012));
        TabulatedSchedule schedule = cumulative(Arrays.stream(betas).map(b -> 1 - b).toArray(), arithmetic(t));
        TimeGrid grid = grid(schedule, levels(schedule, c.path("ddim_timesteps_ascending")), schedule.level(0));
        boolean plms = c.path("reference").path("class").asText().equals("PLMSSampler");
        Solver solver = plms ? new Plms() : new Ddim(c.path("eta").asDouble(0));
        double scale = c.path("guidance_scale").asDouble(1);
        SamplingPlan plan = SamplingPlan.of(grid, solver, Prediction.EPSILON, Clip.NONE,
                scale == 1 ? null : Guidance.scale(scale));
        return calls(plan, t, "model_x", t.vector("model_t"));
    }

    /** runner/method.py: DDIM, S-PNDM, F-PNDM on a table read one entry later, down to alphaBar_0 at t = -1. */
    private static TraceCase.Part pndm(JsonNode c, TraceTensors t) throws UnsupportedCaseException {
        TabulatedSchedule schedule = recorded(c.path("beta_schedule").asText(), t);
        int speed = c.path("sample_speed").asInt();
        int stride = 1000 / speed;
        List<Level> levels = new ArrayList<>();
        for (int time = (speed - 1) * stride; time >= 0; time -= stride) {
            levels.add(schedule.level(time + 1));
        }
        Solver solver = switch (c.path("method").asText()) {
            case "DDIM" -> new Ddim();
            case "S-PNDM" -> new Plms(false, 2);
            case "F-PNDM" -> new Plms(true);
            default -> throw new UnsupportedCaseException("the method " + c.path("method").asText() + " is not known");
        };
        SamplingPlan plan = SamplingPlan.of(grid(schedule, levels, schedule.level(0)), solver, Prediction.EPSILON);
        // The levels carry the table's index, one more than the time the network is told; half steps are truncated.
        double[] times = Arrays.stream(t.vector("model_t")).map(v -> Math.floor(v) + 1).toArray();
        return calls(plan, t, "model_x", times);
    }

}
