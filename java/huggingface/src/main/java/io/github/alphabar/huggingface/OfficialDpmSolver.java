// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.VpLinearSchedule;
import io.github.alphabar.solver.Arithmetic;
import io.github.alphabar.solver.DpmAlgorithm;
import io.github.alphabar.solver.DpmAlgorithm.Form;
import io.github.alphabar.solver.DpmSolver;
import io.github.alphabar.solver.DpmSolverSinglestep;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.ThirdOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * dpm_solver_pytorch.py of the DPM-Solver authors, mapped from the arguments of its sample() and inverse(), on its own noise
 * schedule, {@link OfficialNoise}.
 */
final class OfficialDpmSolver {
    private OfficialDpmSolver() {
    }

    static List<TraceCase.Part> parts(JsonNode c, TraceTensors t) throws UnsupportedCaseException {
        boolean adaptive = c.path("kwargs").path("method").asText().equals("adaptive");
        return adaptive ? adaptive(c, t) : List.of(part(c, t));
    }

    /**
     * The adaptive solver chooses its steps from the data, which no plan can; but every step it tried is a singlestep group between
     * the times it recorded, and is repeated as one. A step that starts where the one before did follows a rejected one, whose
     * result was thrown away unrecorded.
     */
    private static List<TraceCase.Part> adaptive(JsonNode c, TraceTensors t) throws UnsupportedCaseException {
        JsonNode args = c.path("kwargs");
        int order = args.path("order").asInt(2);
        OfficialNoise noise = noise(c, t, "logSNR");
        double[] times = Arrays.stream(t.vector("model_t")).map(noise::recovered).toArray();
        double[][] seen = t.rows("model_x");
        Guidance guidance = guidance(c);
        double[][] output = t.rows(t.has("model_output_cond") ? "model_output_cond" : "model_output");
        double[][] uncond = guidance == null ? null : t.rows("model_output_uncond");
        double clean = args.path("t_end").asDouble(noise.cleanest());
        double[] end = t.rows("x")[1];
        double[] shares = order == 2 ? new double[] {0.5} : new double[] {third(noise, 1), third(noise, 2)};
        List<TraceCase.Part> parts = new ArrayList<>();
        for (int i = 0; i + order <= times.length; i += order) {
            boolean last = i + order == times.length;
            boolean rejected = !last && times[i + order] == times[i];
            List<Level> levels = new ArrayList<>(List.of(noise.level(times[i])));
            if (rejected) {
                // Where it would have ended is not recorded, and the rows before that do not depend on it.
                for (int k = 1; k < order; k++) {
                    levels.add(noise.level(times[i + k]));
                }
                levels.add(noise.level((times[i + order - 1] + clean) / 2));
            } else {
                double target = last ? last(noise, times[i], clean) : times[i + order];
                levels.addAll(noise.inside(times[i], target, shares));
                levels.add(noise.level(target));
            }
            SamplingPlan group = SamplingPlan.of(grid(levels), new DpmSolverSinglestep(algorithm(c), order, form(args),
                    false, ThirdOrder.EXACT, noise.arithmetic()), prediction(c), clip(c.path("thresholding")),
                    guidance);
            int rows = rejected ? order - 1 : order;
            SamplingPlan plan = new SamplingPlan(group.solver(), group.prediction(), group.clip(), guidance, 1,
                    group.steps().subList(0, rows));
            double[][] before = Arrays.copyOfRange(seen, i, i + rows);
            double[][] after = new double[rows][];
            for (int k = 0; k < rows; k++) {
                after[k] = i + k + 1 < seen.length ? seen[i + k + 1] : end;
            }
            parts.add(new TraceCase.Part(plan, IntStream.range(0, rows).toArray(), true, before, after,
                    Arrays.copyOfRange(output, i, i + rows),
                    uncond == null ? null : Arrays.copyOfRange(uncond, i, i + rows), null, null, null,
                    (int) t.shape("x")[1]));
        }
        return parts;
    }

    private static double third(OfficialNoise noise, int k) {
        return noise.arithmetic().of(k / 3.0);
    }

    /** The last step ends where all that is left of lambda leads, which is the cleanest time but for rounding. */
    private static double last(OfficialNoise noise, double from, double clean) {
        Arithmetic a = noise.arithmetic();
        double lambda = noise.lambda(from);
        double left = a.of(noise.lambda(a.of(clean)) - lambda);
        return noise.inverse(a.of(lambda + left));
    }

    /** The levels say all there is to say; the schedule they were taken from is not asked again. */
    private static TimeGrid grid(List<Level> levels) {
        return new TimeGrid(new VpLinearSchedule(), levels);
    }

    private static Form form(JsonNode args) {
        return args.path("solver_type").asText("dpmsolver").equals("taylor") ? Form.HEUN : Form.MIDPOINT;
    }

    private static DpmAlgorithm algorithm(JsonNode c) {
        return c.path("algorithm_type").asText().equals("dpmsolver++") ? DpmAlgorithm.DPM_SOLVER_PP
                : DpmAlgorithm.DPM_SOLVER;
    }

    private static Prediction prediction(JsonNode c) throws UnsupportedCaseException {
        return switch (c.path("model_type").asText()) {
            case "noise" -> Prediction.EPSILON;
            case "x_start" -> Prediction.SAMPLE;
            case "v" -> Prediction.V_PREDICTION;
            default -> throw new UnsupportedCaseException(
                    "the model type " + c.path("model_type").asText() + " is not known");
        };
    }

    private static TraceCase.Part part(JsonNode c, TraceTensors t) throws UnsupportedCaseException {
        JsonNode args = c.path("kwargs");
        for (String key : (Iterable<String>) args::fieldNames) {
            if (!List
                    .of("steps", "order", "skip_type", "method", "solver_type", "lower_order_final", "denoise_to_zero",
                            "t_start", "t_end",
                            "atol", "rtol", "return_intermediate")
                    .contains(key)) {
                throw new UnsupportedCaseException("the argument " + key + " is not known");
            }
        }
        String method = args.path("method").asText("multistep");
        if (method.equals("adaptive")) {
            throw new UnsupportedCaseException(
                    "adaptive step sizes depend on the data, and a plan is fixed before the run");
        }
        OfficialNoise noise = noise(c, t, args.path("skip_type").asText("time_uniform"));
        double noisy = args.path("t_start").asDouble(noise.noisiest());
        double clean = args.path("t_end").asDouble(noise.cleanest());
        boolean inverse = c.path("call").asText().equals("inverse");
        double from = inverse ? clean : noisy;
        double to = inverse ? noisy : clean;
        int steps = args.path("steps").asInt(20);
        int order = args.path("order").asInt(2);
        boolean lower = args.path("lower_order_final").asBoolean(true);
        List<Level> levels;
        Solver solver;
        if (method.equals("multistep") || order == 1) {
            levels = Arrays.stream(noise.points(from, to, steps)).mapToObj(noise::level).toList();
            boolean few = method.equals("multistep") && lower && steps < 10;
            solver = new DpmSolver(algorithm(c), order, form(args), few, false, ThirdOrder.HALVED, noise.arithmetic());
        } else {
            boolean fixed = method.equals("singlestep_fixed");
            levels = groups(noise, from, to, steps, order, fixed);
            solver = new DpmSolverSinglestep(algorithm(c), order, form(args), order == 3 && !fixed, ThirdOrder.EXACT,
                    noise.arithmetic());
        }
        Prediction prediction = prediction(c);
        SamplingPlan plan = SamplingPlan.of(grid(levels), solver, prediction, clip(c.path("thresholding")),
                guidance(c));
        if (args.path("denoise_to_zero").asBoolean()) {
            plan = denoised(plan, noise.level(to));
        }
        return SecondSources.calls(plan, t, "model_x", t.vector("model_t"));
    }

    private static Guidance guidance(JsonNode c) {
        JsonNode scale = c.path("guidance_scale");
        return scale.isNumber() && scale.asDouble() != 1 ? Guidance.scale(scale.asDouble()) : null;
    }

    private static OfficialNoise noise(JsonNode c, TraceTensors t, String skip) throws UnsupportedCaseException {
        JsonNode schedule = c.path("noise_schedule");
        String name = schedule.path("schedule").asText();
        Arithmetic arithmetic = t.isFloat32() ? Arithmetic.FLOAT32_EXPM1 : Arithmetic.DOUBLE;
        if (name.startsWith("linear")) {
            return OfficialNoise.continuous(arithmetic, skip);
        }
        if (!name.startsWith("discrete")) {
            throw new UnsupportedCaseException("the noise schedule '" + name + "' is not known");
        }
        return OfficialNoise.discrete(SecondSources.betas(schedule.path("betas").asText()), arithmetic, skip);
    }

    private static Clip clip(JsonNode thresholding) throws UnsupportedCaseException {
        if (thresholding.isNull() || thresholding.isMissingNode()) {
            return Clip.NONE;
        }
        // Their threshold is max(quantile, thresholding_max_val): a lower bound, and none above.
        double least = thresholding.path("thresholding_max_val").asDouble(1);
        if (least != 1) {
            throw new UnsupportedCaseException("a smallest threshold other than 1 is not supported");
        }
        return Clip.dynamic(thresholding.path("dynamic_thresholding_ratio").asDouble(0.995), Double.MAX_VALUE);
    }

    /** The outer levels of the singlestep solvers, and between them inner points spaced the same way. */
    private static List<Level> groups(OfficialNoise noise, double from, double to, int steps, int order,
            boolean fixed) {
        List<Integer> sizes = new ArrayList<>();
        if (fixed) {
            for (int i = 0; i < steps / order; i++) {
                sizes.add(order);
            }
        } else {
            int left = steps;
            boolean split = order == 3 && steps % 3 == 0;
            while (left > 0) {
                int size = split && left == 3 ? 2 : Math.min(order, left);
                sizes.add(size);
                left -= size;
            }
        }
        boolean even = noise.isSpacedInLambda() || fixed;
        double[] all = noise.points(from, to, even ? sizes.size() : steps);
        List<Level> levels = new ArrayList<>(List.of(noise.level(all[0])));
        int at = 0;
        for (int size : sizes) {
            int next = at + (even ? 1 : size);
            if (size > 1) {
                levels.addAll(noise.inside(all[at], all[next], noise.shares(all[at], all[next], size)));
            }
            levels.add(noise.level(all[next]));
            at = next;
        }
        return levels;
    }

    /** One more evaluation at the last level, whose predicted clean sample is the result. */
    private static SamplingPlan denoised(SamplingPlan plan, Level last) {
        SamplingPlan one = SamplingPlan.of(grid(List.of(last, Level.clean(0))),
                new DpmSolver(DpmAlgorithm.DPM_SOLVER_PP, 1), plan.prediction(), plan.clip(), plan.guidance());
        List<Step> steps = new ArrayList<>(plan.steps());
        steps.add(one.steps().getFirst());
        return new SamplingPlan(plan.solver(), plan.prediction(), plan.clip(), plan.guidance(), plan.outputs(), steps);
    }
}
