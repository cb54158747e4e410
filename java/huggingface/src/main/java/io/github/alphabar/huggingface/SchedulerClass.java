// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The scheduler classes that can be loaded, with the defaults of their constructors in diffusers 0.40.0.dev0 (commit 58eb52c0).
 * Defaults differ between classes: a key that a file leaves out means another thing for each.
 */
public enum SchedulerClass {
    /** Ancestral sampling. */
    DDPM("DDPMScheduler", Defaults.COMMON + """
            , "variance_type": "fixed_small", "clip_sample": true, "prediction_type": "epsilon", "thresholding": false,
            "dynamic_thresholding_ratio": 0.995, "clip_sample_range": 1.0, "sample_max_value": 1.0,
            "timestep_spacing": "leading", "steps_offset": 0, "rescale_betas_zero_snr": false"""),
    /** DDIM. */
    DDIM("DDIMScheduler", Defaults.COMMON + """
            , "clip_sample": true, "set_alpha_to_one": true, "steps_offset": 0, "prediction_type": "epsilon",
            "thresholding": false, "dynamic_thresholding_ratio": 0.995, "clip_sample_range": 1.0, "sample_max_value": 1.0,
            "timestep_spacing": "leading", "rescale_betas_zero_snr": false"""),
    /** DDIM inversion. */
    DDIM_INVERSE("DDIMInverseScheduler", Defaults.COMMON + """
            , "clip_sample": true, "set_alpha_to_one": true, "steps_offset": 0, "prediction_type": "epsilon",
            "clip_sample_range": 1.0, "timestep_spacing": "leading", "rescale_betas_zero_snr": false"""),
    /** Pseudo numerical methods, with or without the Runge-Kutta start. */
    PNDM("PNDMScheduler", Defaults.COMMON + """
            , "skip_prk_steps": false, "set_alpha_to_one": false, "prediction_type": "epsilon",
            "timestep_spacing": "leading", "steps_offset": 0"""),
    /** Multistep DPM-Solvers. */
    DPM_MULTISTEP("DPMSolverMultistepScheduler", Defaults.COMMON + Defaults.DPM + """
            , "lower_order_final": true, "euler_at_final": false, "use_lu_lambdas": false, "final_sigmas_type": "zero",
            "timestep_spacing": "linspace", "steps_offset": 0, "rescale_betas_zero_snr": false,
            "use_dynamic_shifting": false, "time_shift_type": "exponential\""""),
    /** Inversion by multistep DPM-Solvers. */
    DPM_MULTISTEP_INVERSE("DPMSolverMultistepInverseScheduler", Defaults.COMMON + Defaults.DPM + """
            , "lower_order_final": true, "euler_at_final": false, "timestep_spacing": "linspace", "steps_offset": 0"""),
    /** Singlestep DPM-Solvers. */
    DPM_SINGLESTEP("DPMSolverSinglestepScheduler", Defaults.COMMON + Defaults.DPM + """
            , "lower_order_final": false, "final_sigmas_type": "zero", "use_dynamic_shifting": false,
            "time_shift_type": "exponential\"""");

    /** What several constructors share. */
    private static final class Defaults {
        static final String COMMON = """
                "num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear",
                "trained_betas": null""";
        static final String DPM = """
                , "solver_order": 2, "prediction_type": "epsilon", "thresholding": false, "dynamic_thresholding_ratio": 0.995,
                "sample_max_value": 1.0, "algorithm_type": "dpmsolver++", "solver_type": "midpoint",
                "use_karras_sigmas": false, "use_exponential_sigmas": false, "use_beta_sigmas": false,
                "use_flow_sigmas": false, "flow_shift": 1.0, "lambda_min_clipped": -Infinity, "variance_type": null""";
    }

    /** Keys of the schedulers that are not loaded; a file may carry them from one. */
    private static final Set<String> FOREIGN = Set.of("sigma_min", "sigma_max", "sigma_data", "rho", "sigma_schedule",
            "timestep_type",
            "interpolation_type", "original_inference_steps", "timestep_scaling", "shift", "base_shift", "max_shift",
            "base_image_seq_len", "max_image_seq_len", "invert_sigmas", "shift_terminal", "stochastic_sampling",
            "predict_x0",
            "disable_corrector", "solver_p", "noise_sampler_seed", "gamma", "final_sigmas_type", "snr_shift_scale",
            "eta");

    private final String className;
    private final Map<String, JsonNode> defaults;

    SchedulerClass(String className, String json) {
        this.className = className;
        Map<String, JsonNode> map = new LinkedHashMap<>();
        try {
            JsonNode tree = mapper().readTree("{" + json + "}");
            tree.fieldNames().forEachRemaining(k -> map.put(k, tree.get(k)));
        } catch (JsonProcessingException e) {
            throw new ExceptionInInitializerError(e);
        }
        this.defaults = map;
    }

    /** Accepts the bare Infinity and NaN that Python writes; bounded depth and sizes. */
    static ObjectMapper mapper() {
        return SchedulerConfig.lenientMapper();
    }

    /**
     * The name of the class in diffusers.
     *
     * @return for instance {@code DDIMScheduler}
     */
    public String className() {
        return className;
    }

    /** The constructor's parameters and defaults, in order. */
    Map<String, JsonNode> defaults() {
        return defaults;
    }

    /** Whether a key is a parameter of any known scheduler. */
    static boolean isKnownAnywhere(String key) {
        return FOREIGN.contains(key) || Arrays.stream(values()).anyMatch(c -> c.defaults.containsKey(key));
    }

    /**
     * A class by its name in diffusers.
     *
     * @param name
     *            the value of {@code _class_name}
     * @return the class
     * @throws IllegalArgumentException
     *             for another class, listing those that can be loaded
     */
    public static SchedulerClass named(String name) {
        return Arrays.stream(values())
                .filter(c -> c.className.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "Scheduler class '" + name + "' cannot be loaded; the classes are "
                                + names().stream().collect(Collectors.joining(", "))
                                + ". Name one of them to load this file into it."));
    }

    /**
     * The names of the classes that can be loaded.
     *
     * @return sorted
     */
    public static List<String> names() {
        return List.copyOf(new TreeSet<>(Arrays.stream(values()).map(SchedulerClass::className).toList()));
    }
}
