// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Any configuration and run gives a finite plan or a refusal that says what to change. */
class RandomConfigTest {
    /** Each has a seed of its own, which a failure names. */
    private static final int CONFIGURATIONS = 10_000;

    /** What a refusal must name one of: a key of the configuration or an argument of the run. */
    private static final Set<String> NAMED = Stream
            .concat(Arrays.stream(SchedulerClass.values()).flatMap(c -> c.defaults().keySet().stream()),
                    Stream.of("step", "eta is", "mu is", "first step", "clip range", "quantile", "sigma schedule",
                            "use_clipped_model_output", "zero-SNR rescale"))
            .collect(Collectors.toSet());

    private final Map<SchedulerClass, Integer> planned = new EnumMap<>(SchedulerClass.class);
    private int refusals;

    private static String pick(Random r, String... values) {
        return values[r.nextInt(values.length)];
    }

    /** A value of a key: mostly legal, sometimes at the edge, rarely nonsense. */
    private static String value(Random r, String key) {
        if (r.nextInt(100) == 0) {
            return pick(r, "null", "\"bogus\"", "-1", "NaN", "Infinity", "{}", "[]", "1e308", "true", "\"\"", "0");
        }
        return switch (key) {
            case "num_train_timesteps" -> pick(r, "1000", "1000", "1000", "100", "20", "2", "1", "1001", "0");
            case "beta_start" -> pick(r, "0.0001", "0.00085", "0.0015", "1e-8", "0.02", "0", "0.5", "1", "-0.1",
                    "1e-300");
            case "beta_end" -> pick(r, "0.02", "0.012", "0.0195", "0.0001", "0.5", "0.999", "1", "1.5", "0", "1e-12");
            case "beta_schedule" -> pick(r, "\"linear\"", "\"scaled_linear\"", "\"squaredcos_cap_v2\"", "\"sigmoid\"",
                    "\"laplace\"");
            case "trained_betas" -> pick(r, "null", "null", "null", "null", betas(r, 20), betas(r, 1), betas(r, 1000));
            case "prediction_type" -> pick(r, "\"epsilon\"", "\"v_prediction\"", "\"sample\"", "\"flow_prediction\"");
            case "variance_type" -> pick(r, "null", "\"fixed_small\"", "\"fixed_small_log\"", "\"fixed_large\"",
                    "\"fixed_large_log\"", "\"learned\"", "\"learned_range\"");
            case "timestep_spacing" -> pick(r, "\"leading\"", "\"trailing\"", "\"linspace\"");
            case "steps_offset" -> pick(r, "0", "0", "1", "2", "50", "2000");
            case "clip_sample_range" -> pick(r, "1.0", "2.5", "1e-3", "1e30", "0", "-1");
            case "sample_max_value" -> pick(r, "1.0", "1.5", "100", "0.5", "0", "-1");
            case "dynamic_thresholding_ratio" -> pick(r, "0.995", "0.9", "1", "0", "1.1", "1e-9");
            case "solver_order" -> pick(r, "1", "2", "3", "2", "4", "0");
            case "algorithm_type" -> pick(r, "\"dpmsolver++\"", "\"dpmsolver\"", "\"sde-dpmsolver\"",
                    "\"sde-dpmsolver++\"", "\"deis\"");
            case "solver_type" -> pick(r, "\"midpoint\"", "\"heun\"", "\"logrho\"", "\"bh2\"");
            case "final_sigmas_type" -> pick(r, "\"zero\"", "\"sigma_min\"");
            case "lambda_min_clipped" -> pick(r, "-Infinity", "-5.1", "-3", "0", "5", "100");
            case "flow_shift" -> pick(r, "1.0", "3.0", "12", "0.1", "1e-6", "1e6", "0", "1e300", "1e-300");
            case "time_shift_type" -> pick(r, "\"exponential\"", "\"linear\"");
            default -> pick(r, "true", "false", "false");
        };
    }

    private static String betas(Random r, int n) {
        double scale = Math.pow(10, -4 * r.nextDouble());
        return IntStream.range(0, n)
                .mapToObj(i -> Double.toString(scale * r.nextDouble()))
                .collect(Collectors.joining(",", "[", "]"));
    }

    private static String json(Random r, SchedulerClass type) {
        Map<String, String> members = new LinkedHashMap<>();
        // A handful of keys: with all of them random nearly every configuration contradicts itself.
        double share = r.nextDouble() * 0.5;
        for (String key : type.defaults().keySet()) {
            if (r.nextDouble() < share) {
                members.put(key, value(r, key));
            }
        }
        String betas = members.get("trained_betas");
        if (betas != null && betas.startsWith("[") && r.nextInt(8) > 0) {
            members.put("num_train_timesteps", Integer.toString(betas.split(",").length));
        }
        if ("\"flow_prediction\"".equals(members.get("prediction_type")) && r.nextInt(4) > 0) {
            members.put("use_flow_sigmas", "true");
        }
        if (type.defaults().containsKey("final_sigmas_type") && members.containsKey("algorithm_type")
                && r.nextBoolean()) {
            members.put("final_sigmas_type", "\"sigma_min\"");
        }
        return members.entrySet()
                .stream()
                .map(e -> "\"" + e.getKey() + "\": " + e.getValue())
                .collect(Collectors.joining(", ", "{", "}"));
    }

    private static LoadedScheduler.Run run(Random r, SchedulerClass type, int train) {
        Integer steps = switch (r.nextInt(4)) {
            case 0 -> r.nextInt(1201);
            case 1 -> r.nextInt(4);
            default -> r.nextInt(60);
        };
        List<Integer> times = null;
        if (r.nextInt(6) == 0) {
            steps = null;
            int n = r.nextInt(10);
            times = r.ints(n, -1, train + 1).boxed().collect(Collectors.toCollection(ArrayList::new));
            if (r.nextInt(4) > 0) {
                times = new ArrayList<>(r.ints(n, 0, train).distinct().boxed().toList());
                times.sort(java.util.Comparator.reverseOrder());
            }
        }
        double eta = type == SchedulerClass.DDIM && r.nextBoolean()
                ? new double[] {0.5, 1, 0, -0.5, 2, Double.NaN, 1e300}[r.nextInt(7)]
                : 0;
        Double mu = r.nextInt(30) == 0 ? Double.valueOf(new double[] {1.15, 0, -3, 800, Double.NaN}[r.nextInt(5)])
                : null;
        int first = r.nextInt(8) == 0 ? r.nextInt(6) - 1 : 0;
        boolean useClipped = r.nextInt(type == SchedulerClass.DDIM ? 2 : 50) == 0;
        return new LoadedScheduler.Run(steps, times, eta, useClipped, mu, null, first);
    }

    private static Set<Quirk> quirks(Random r) {
        if (r.nextBoolean()) {
            return EnumSet.allOf(Quirk.class);
        }
        Set<Quirk> some = EnumSet.noneOf(Quirk.class);
        for (Quirk q : Quirk.values()) {
            if (r.nextBoolean()) {
                some.add(q);
            }
        }
        return some;
    }

    @Test
    void everyConfigurationIsPlannedOrRefused() {
        List<String> broken = new ArrayList<>();
        for (int seed = 0; seed < CONFIGURATIONS; seed++) {
            Random r = new Random(seed);
            SchedulerClass type = SchedulerClass.values()[r.nextInt(SchedulerClass.values().length)];
            String json = json(r, type);
            String what = seed + " " + type + " " + (json.length() > 400 ? json.substring(0, 400) : json);
            try {
                SchedulerConfig config = SchedulerConfig.parse(json, type);
                assertEquals(config, SchedulerConfig.parse(config.toJson()), what);
                LoadedScheduler.Run run = run(r, type, config.whole("num_train_timesteps"));
                what += " " + run;
                LoadedScheduler scheduler = new LoadedScheduler(config, quirks(r));
                what += scheduler.quirks();
                SamplingPlan plan = scheduler.plan(run);
                check(scheduler, run, plan);
                planned.merge(type, 1, Integer::sum);
            } catch (IllegalArgumentException refusal) {
                String m = String.valueOf(refusal.getMessage());
                refusals++;
                if (NAMED.stream().noneMatch(m::contains)) {
                    broken.add(what + ": refused with '" + m + "'");
                }
            } catch (RuntimeException | AssertionError e) {
                broken.add(what + ": " + e);
            }
        }
        assertEquals("", broken.stream().limit(10).collect(Collectors.joining("\n")));
        assertTrue(refusals > CONFIGURATIONS / 4, "only " + refusals + " refusals");
        for (SchedulerClass type : SchedulerClass.values()) {
            assertTrue(planned.getOrDefault(type, 0) > 250, "plans " + planned);
        }
    }

    private static void check(LoadedScheduler scheduler, LoadedScheduler.Run run, SamplingPlan plan) {
        List<Double> times = scheduler.timesteps(run);
        assertEquals(times.size() - run.firstStep(), plan.evaluations());
        for (int i = 0; i < plan.evaluations(); i++) {
            Step s = plan.steps().get(i);
            // Step itself refuses coefficients that are not finite; what is left are times and levels.
            assertTrue(Double.isFinite(s.at().t()) && Double.isFinite(s.to().t()), "row " + i + " " + s);
            assertEquals(times.get(i + run.firstStep()), s.at().t(), "row " + i);
            assertTrue(s.cz() >= 0, "row " + i + " " + s);
            assertTrue(s.edge() >= 0 && s.history().size() <= 3, "row " + i + " " + s);
        }
        assertTrue(Double.isFinite(plan.initialSigma()) && plan.initialSigma() > 0, "" + plan.initialSigma());
        if (plan.evaluations() < 20) {
            assertEquals(plan, SamplingPlan.fromJson(plan.toJson()));
        }
    }
}
