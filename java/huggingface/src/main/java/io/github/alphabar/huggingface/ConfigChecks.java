// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Settings that cannot work are refused when loading; settings that contradict each other are told. */
final class ConfigChecks {
    /** Values of solver_type that the DPM classes take for midpoint. */
    static final Set<String> MIDPOINT_ALIASES = Set.of("logrho", "bh1", "bh2");

    private static final Set<String> VARIANCES = Set.of("fixed_small", "fixed_small_log", "fixed_large",
            "fixed_large_log", "learned",
            "learned_range");

    private ConfigChecks() {
    }

    static List<String> conflicts(SchedulerClass type, Map<String, JsonNode> v) {
        List<String> notes = new ArrayList<>();
        v.forEach(ConfigChecks::finite);
        oneOf(v, "beta_schedule",
                type == SchedulerClass.DDPM
                        ? List.of("linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "laplace")
                        : List.of("linear", "scaled_linear", "squaredcos_cap_v2"));
        oneOf(v, "prediction_type", switch (type) {
            case PNDM -> List.of("epsilon", "v_prediction");
            case DDPM, DDIM, DDIM_INVERSE -> List.of("epsilon", "sample", "v_prediction");
            default -> List.of("epsilon", "sample", "v_prediction", "flow_prediction");
        });
        if (v.containsKey("timestep_spacing")) {
            oneOf(v, "timestep_spacing",
                    type == SchedulerClass.DDIM_INVERSE ? List.of("leading", "trailing")
                            : List.of("linspace", "leading", "trailing"));
        }
        int train = v.get("num_train_timesteps").asInt();
        if (train < 1 || train > 1_000_000) {
            throw new IllegalArgumentException(
                    "\"num_train_timesteps\" must be from 1 to 1000000, but is " + train + ".");
        }
        JsonNode betas = v.get("trained_betas");
        if (!betas.isNull() && betas.size() != train) {
            throw new IllegalArgumentException(
                    "\"trained_betas\" must have num_train_timesteps = " + train + " entries, but has "
                            + betas.size() + ".");
        }
        if (betas.isNull() && List.of("linear", "scaled_linear", "sigmoid").contains(v.get("beta_schedule").asText())) {
            for (String key : List.of("beta_start", "beta_end")) {
                double beta = v.get(key).asDouble();
                if (!(beta > 0 && beta < 1)) {
                    throw new IllegalArgumentException(
                            "\"" + key + "\" is a variance and must be between 0 and 1, but is " + beta + ".");
                }
            }
        }
        for (int i = 0; i < betas.size(); i++) {
            if (!betas.get(i).isNumber() || !Double.isFinite(betas.get(i).asDouble())) {
                throw new IllegalArgumentException("\"trained_betas\" must hold numbers, but entry " + i + " is "
                        + SchedulerConfig.clip(betas.get(i)) + ".");
            }
        }
        if (v.containsKey("steps_offset") && v.get("steps_offset").asInt() < 0) {
            throw new IllegalArgumentException(
                    "\"steps_offset\" must be at least 0, but is " + v.get("steps_offset") + ".");
        }
        if (type == SchedulerClass.DDPM) {
            oneOf(v, "variance_type", List.copyOf(VARIANCES));
        }
        if (v.containsKey("thresholding") && v.get("thresholding").asBoolean() && v.containsKey("clip_sample")
                && v.get("clip_sample").asBoolean()) {
            notes.add("thresholding and clip_sample are both on; thresholding is used.");
        }
        boolean zero = v.containsKey("rescale_betas_zero_snr") && v.get("rescale_betas_zero_snr").asBoolean();
        if (zero && v.get("prediction_type").asText().equals("epsilon")) {
            notes.add(
                    "rescale_betas_zero_snr with prediction_type epsilon: at pure noise an epsilon prediction says nothing about the"
                            + " sample; plans that start there are refused unless the DPM family's floor keeps a trace of signal.");
        }
        if (v.containsKey("algorithm_type")) {
            dpm(type, v, notes);
        }
        return notes;
    }

    private static void dpm(SchedulerClass type, Map<String, JsonNode> v, List<String> notes) {
        String algorithm = v.get("algorithm_type").asText();
        List<String> algorithms = type == SchedulerClass.DPM_SINGLESTEP
                ? List.of("dpmsolver", "dpmsolver++", "sde-dpmsolver++", "deis")
                : List.of("dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++", "deis");
        oneOf(v, "algorithm_type", algorithms);
        oneOf(v, "solver_type", List.of("midpoint", "heun", "logrho", "bh1", "bh2"));
        int order = v.get("solver_order").asInt();
        if (order < 1 || order > 3) {
            throw new IllegalArgumentException("\"solver_order\" must be 1, 2 or 3, but is " + order + ".");
        }
        if (MIDPOINT_ALIASES.contains(v.get("solver_type").asText())) {
            notes.add("solver_type " + v.get("solver_type").asText() + " means midpoint for this class.");
        }
        if (algorithm.equals("deis")) {
            notes.add("algorithm_type deis means dpmsolver++ for this class.");
        }
        if (algorithm.equals("sde-dpmsolver") && order == 3) {
            throw new IllegalArgumentException(
                    "\"solver_order\" 3 with algorithm_type sde-dpmsolver fails in diffusers at the third step; use order 2.");
        }
        if (type == SchedulerClass.DPM_MULTISTEP_INVERSE && algorithm.startsWith("sde-")) {
            throw new IllegalArgumentException("algorithm_type " + algorithm
                    + " draws noise and cannot be inverted (diffusers gives NaN); use dpmsolver++.");
        }
        if (v.containsKey("final_sigmas_type")) {
            oneOf(v, "final_sigmas_type", List.of("zero", "sigma_min"));
            if (v.get("final_sigmas_type").asText().equals("zero") && !algorithm.endsWith("++")) {
                throw new IllegalArgumentException("\"final_sigmas_type\" zero is not for algorithm_type " + algorithm
                        + "; set it to sigma_min.");
            }
        }
        List<String> sigmas = List.of("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas");
        long on = sigmas.stream().filter(k -> v.get(k).asBoolean()).count();
        if (on > 1) {
            throw new IllegalArgumentException("Only one of " + String.join(", ", sigmas) + " may be true.");
        }
        boolean flow = v.get("use_flow_sigmas").asBoolean();
        boolean lu = v.containsKey("use_lu_lambdas") && v.get("use_lu_lambdas").asBoolean();
        if (flow && (on > 0 || lu)) {
            throw new IllegalArgumentException(
                    "use_flow_sigmas with another sigma schedule mixes two meanings of sigma; set one to false.");
        }
        if (lu && on > 0) {
            notes.add("use_lu_lambdas and another sigma schedule are both on; "
                    + (v.get("use_karras_sigmas").asBoolean() ? "use_karras_sigmas" : "use_lu_lambdas") + " is used.");
        }
        boolean flowPrediction = v.get("prediction_type").asText().equals("flow_prediction");
        if (flowPrediction != flow) {
            throw new IllegalArgumentException(
                    "prediction_type flow_prediction and use_flow_sigmas belong together, but prediction_type is "
                            + v.get("prediction_type").asText() + " and use_flow_sigmas is " + flow + ".");
        }
        if (flow && type == SchedulerClass.DPM_MULTISTEP_INVERSE) {
            notes.add(
                    "use_flow_sigmas with the inverse class walks from noise to data, as in diffusers: it does not invert.");
        }
        if (flowPrediction && !algorithm.endsWith("++") && !algorithm.equals("deis")) {
            throw new IllegalArgumentException(
                    "prediction_type flow_prediction needs algorithm_type dpmsolver++ or sde-dpmsolver++, but it is "
                            + algorithm + ".");
        }
        if (!v.get("variance_type").isNull()) {
            oneOf(v, "variance_type", List.of("learned", "learned_range", "fixed_small", "fixed_large",
                    "fixed_small_log", "fixed_large_log"));
        }
        if (type == SchedulerClass.DPM_SINGLESTEP && algorithm.equals("dpmsolver")
                && v.get("thresholding").asBoolean()) {
            notes.add(
                    "thresholding with algorithm_type dpmsolver fails in diffusers' singlestep class; it works here.");
        }
        if (!(v.get("flow_shift").asDouble() > 0)) {
            throw new IllegalArgumentException("\"flow_shift\" must be positive, but is " + v.get("flow_shift") + ".");
        }
    }

    /** Only lambda_min_clipped may be infinite, downwards: its default. */
    private static void finite(String key, JsonNode value) {
        if (!value.isFloatingPointNumber() || Double.isFinite(value.asDouble())
                || (key.equals("lambda_min_clipped") && value.asDouble() == Double.NEGATIVE_INFINITY)) {
            return;
        }
        throw new IllegalArgumentException("\"" + key + "\" must be finite"
                + (key.equals("lambda_min_clipped") ? " or -Infinity" : "") + ", but is " + value + ".");
    }

    private static void oneOf(Map<String, JsonNode> v, String key, List<String> allowed) {
        String value = v.get(key).asText();
        if (!allowed.contains(value)) {
            throw new IllegalArgumentException(
                    "\"" + key + "\" must be one of " + String.join(", ", allowed) + ", but is \"" + value + "\".");
        }
    }
}
