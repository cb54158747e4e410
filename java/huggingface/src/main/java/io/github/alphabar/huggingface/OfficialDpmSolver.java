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
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.schedule.VpLinearSchedule;
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
 * dpm_solver_pytorch.py of the DPM-Solver authors, mapped from the arguments of its sample() and inverse(). Its discrete time t in
 * [1/N, 1] is index t N - 1 of the table here; both extend log(alpha) linearly between entries.
 */
final class OfficialDpmSolver {
    /** The authors cut the table off where lambda falls below this. */
    private static final double CLIPPED_LAMBDA = -5.1;

    private OfficialDpmSolver() {
    }

    /** A time axis: equal, quadratic or in lambda between two times. */
    private record Axis(NoiseSchedule schedule, double shift, double scale, String skip) {
        /** From the authors' time to the schedule's. */
        Level at(double t) {
            return schedule
                    .level(Math.max(schedule.cleanestTime(), Math.min(schedule.noisiestTime(), t * scale - shift)));
        }

        /** n + 1 levels from one of the authors' times to another. */
        List<Level> points(double from, double to, int n) {
            List<Level> levels = new ArrayList<>();
            for (int i = 0; i <= n; i++) {
                double u = (double) i / n;
                levels.add(at(switch (skip) {
                    case "logSNR" -> i == 0 ? from
                            : i == n ? to : time(at(from).lambda() + u * (at(to).lambda() - at(from).lambda()));
                    case "time_quadratic" -> {
                        double root = Math.sqrt(from) + u * (Math.sqrt(to) - Math.sqrt(from));
                        yield root * root;
                    }
                    default -> from + u * (to - from);
                }));
            }
            return levels;
        }

        double time(double lambda) {
            return (schedule.timeAtLambda(lambda) + shift) / scale;
        }

        double time(Level level) {
            return (level.t() + shift) / scale;
        }
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
        Axis axis = axis(c, "logSNR");
        double unit = axis.scale == 1 ? 1 : axis.scale / 1000;
        double[] times = Arrays.stream(t.vector("model_t")).map(v -> v * unit).toArray();
        double[][] seen = t.rows("model_x");
        double[][] output = t.rows("model_output");
        double[] end = t.rows("x")[1];
        List<TraceCase.Part> parts = new ArrayList<>();
        for (int i = 0; i + order <= times.length; i += order) {
            boolean last = i + order == times.length;
            boolean rejected = !last && times[i + order] == times[i];
            List<Level> levels = new ArrayList<>();
            for (int k = 0; k < order; k++) {
                levels.add(axis.schedule.level(times[i + k]));
            }
            double target = last ? axis.schedule.cleanestTime() : times[i + order];
            levels.add(rejected ? axis.schedule.level((times[i + order - 1] + axis.schedule.cleanestTime()) / 2)
                    : axis.schedule.level(target));
            Form form = args.path("solver_type").asText("dpmsolver").equals("taylor") ? Form.HEUN : Form.MIDPOINT;
            SamplingPlan group = SamplingPlan.of(new TimeGrid(axis.schedule, levels),
                    new DpmSolverSinglestep(algorithm(c), order, form, false), prediction(c));
            int rows = rejected ? order - 1 : order;
            // The inner levels do not depend on where the group ends.
            SamplingPlan plan = new SamplingPlan(group.solver(), group.prediction(), group.clip(), null, 1,
                    group.steps().subList(0, rows));
            double[][] before = Arrays.copyOfRange(seen, i, i + rows);
            double[][] after = new double[rows][];
            for (int k = 0; k < rows; k++) {
                after[k] = i + k + 1 < seen.length ? seen[i + k + 1] : end;
            }
            parts.add(new TraceCase.Part(plan, IntStream.range(0, rows).toArray(), true, before, after,
                    Arrays.copyOfRange(output, i, i + rows), null, null, null, null, (int) t.shape("x")[1], false));
        }
        return parts;
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
        Axis axis = axis(c, args.path("skip_type").asText("time_uniform"));
        double noisy = args.path("t_start").asDouble(axis.time(axis.schedule.level(axis.schedule.noisiestTime())));
        double clean = args.path("t_end").asDouble(axis.scale == 1 ? 1e-3 : 1 / axis.scale);
        boolean inverse = c.path("call").asText().equals("inverse");
        double from = inverse ? clean : noisy;
        double to = inverse ? noisy : clean;
        int steps = args.path("steps").asInt(20);
        int order = args.path("order").asInt(2);
        boolean lower = args.path("lower_order_final").asBoolean(true);
        Form form = args.path("solver_type").asText("dpmsolver").equals("taylor") ? Form.HEUN : Form.MIDPOINT;
        DpmAlgorithm algorithm = algorithm(c);
        List<Level> levels;
        Solver solver;
        if (method.equals("multistep") || order == 1) {
            levels = axis.points(from, to, steps);
            boolean few = method.equals("multistep") && lower && steps < 10;
            solver = new DpmSolver(algorithm, order, form, few, false, ThirdOrder.HALVED);
        } else {
            boolean fixed = method.equals("singlestep_fixed");
            levels = groups(axis, from, to, steps, order, fixed);
            solver = new DpmSolverSinglestep(algorithm, order, form, order == 3 && !fixed);
        }
        Prediction prediction = prediction(c);
        JsonNode scale = c.path("guidance_scale");
        Guidance guidance = scale.isNumber() && scale.asDouble() != 1 ? Guidance.scale(scale.asDouble()) : null;
        SamplingPlan plan = SamplingPlan.of(new TimeGrid(axis.schedule, levels), solver, prediction,
                clip(c.path("thresholding")), guidance);
        if (args.path("denoise_to_zero").asBoolean()) {
            plan = denoised(plan, axis, levels.getLast());
        }
        // The network is told (t - 1/n) 1000 for the n entries left of a table, and t itself for a continuous schedule.
        double unit = axis.scale == 1 ? 1 : axis.scale / 1000;
        double[] times = Arrays.stream(t.vector("model_t")).map(v -> v * unit).toArray();
        return SecondSources.calls(plan, t, "model_x", times);
    }

    private static Axis axis(JsonNode c, String skip) throws UnsupportedCaseException {
        JsonNode schedule = c.path("noise_schedule");
        String name = schedule.path("schedule").asText();
        if (name.startsWith("linear")) {
            return new Axis(new VpLinearSchedule(), 0, 1, skip);
        }
        if (!name.startsWith("discrete")) {
            throw new UnsupportedCaseException("the noise schedule '" + name + "' is not known");
        }
        TabulatedSchedule table = SecondSources.schedule(schedule.path("betas").asText());
        int last = table.trainSteps() - 1;
        while (table.level(last).lambda() < CLIPPED_LAMBDA) {
            last--;
        }
        int kept = last + 1;
        if (kept < table.trainSteps()) {
            // Their time axis then runs over the entries left, not over the entries trained.
            table = TabulatedSchedule.ofAlphaBar(IntStream.range(0, kept).mapToDouble(table::alphaBar).toArray());
        }
        return new Axis(table, 1, kept, skip);
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
    private static List<Level> groups(Axis axis, double from, double to, int steps, int order, boolean fixed) {
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
        List<Level> outer;
        if (axis.skip.equals("logSNR") || fixed) {
            outer = axis.points(from, to, sizes.size());
        } else {
            List<Level> all = axis.points(from, to, steps);
            outer = new ArrayList<>(List.of(all.getFirst()));
            int at = 0;
            for (int size : sizes) {
                at += size;
                outer.add(all.get(at));
            }
        }
        List<Level> levels = new ArrayList<>(List.of(outer.getFirst()));
        for (int g = 0; g < sizes.size(); g++) {
            List<Level> inner = axis.points(axis.time(outer.get(g)), axis.time(outer.get(g + 1)), sizes.get(g));
            levels.addAll(inner.subList(1, inner.size() - 1));
            levels.add(outer.get(g + 1));
        }
        return levels;
    }

    /** One more evaluation at the last level, whose predicted clean sample is the result. */
    private static SamplingPlan denoised(SamplingPlan plan, Axis axis, Level last) {
        TimeGrid end = new TimeGrid(axis.schedule, List.of(last, Level.clean(0)));
        SamplingPlan one = SamplingPlan.of(end, new DpmSolver(DpmAlgorithm.DPM_SOLVER_PP, 1), plan.prediction(),
                plan.clip(),
                plan.guidance());
        List<Step> steps = new ArrayList<>(plan.steps());
        steps.add(one.steps().getFirst());
        return new SamplingPlan(plan.solver(), plan.prediction(), plan.clip(), plan.guidance(), plan.outputs(), steps);
    }
}
