// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

/**
 * Configurations of well-known models, for use without their files. Each names the model on the Hugging Face Hub whose
 * {@code scheduler/scheduler_config.json} it repeats, or what else its values are from. Keys that are left out have the default of the
 * class, as in the file.
 */
public enum Preset {
    /**
     * Stable Diffusion 1.x as shipped. From {@code stable-diffusion-v1-5/stable-diffusion-v1-5} (once {@code runwayml}); 1.4 has the
     * same.
     */
    STABLE_DIFFUSION_1(SchedulerClass.PNDM, Values.STABLE_DIFFUSION + """
            , "skip_prk_steps": true, "set_alpha_to_one": false, "steps_offset": 1, "clip_sample": false"""),
    /** Stable Diffusion 1.x with DDIM: the file of {@link #STABLE_DIFFUSION_1} loaded into DDIMScheduler. */
    STABLE_DIFFUSION_1_DDIM(SchedulerClass.DDIM, Values.STABLE_DIFFUSION + """
            , "skip_prk_steps": true, "set_alpha_to_one": false, "steps_offset": 1, "clip_sample": false"""),
    /** Inversion for {@link #STABLE_DIFFUSION_1_DDIM}: the same file loaded into DDIMInverseScheduler. */
    STABLE_DIFFUSION_1_DDIM_INVERSE(SchedulerClass.DDIM_INVERSE, Values.STABLE_DIFFUSION + """
            , "skip_prk_steps": true, "set_alpha_to_one": false, "steps_offset": 1, "clip_sample": false"""),
    /**
     * Stable Diffusion 1.x with what user interfaces call DPM++ 2M Karras: the file of {@link #STABLE_DIFFUSION_1} loaded into
     * DPMSolverMultistepScheduler with {@code use_karras_sigmas}, as the diffusers documentation (api/schedulers/overview) maps the
     * name.
     */
    STABLE_DIFFUSION_1_DPM_KARRAS(SchedulerClass.DPM_MULTISTEP, Values.STABLE_DIFFUSION + """
            , "skip_prk_steps": true, "set_alpha_to_one": false, "steps_offset": 1, "clip_sample": false,
            "use_karras_sigmas": true"""),
    /** Stable Diffusion 2.x at 768 pixels, which predicts v. From {@code stabilityai/stable-diffusion-2}. */
    STABLE_DIFFUSION_2_V(SchedulerClass.DDIM, Values.STABLE_DIFFUSION + """
            , "prediction_type": "v_prediction", "skip_prk_steps": true, "set_alpha_to_one": false, "steps_offset": 1,
            "clip_sample": false"""),
    /**
     * Stable Diffusion XL with DPM++ 2M Karras: the file of {@code stabilityai/stable-diffusion-xl-base-1.0}, an Euler scheduler's,
     * loaded into DPMSolverMultistepScheduler with {@code use_karras_sigmas}.
     */
    STABLE_DIFFUSION_XL_DPM_KARRAS(SchedulerClass.DPM_MULTISTEP, Values.STABLE_DIFFUSION_XL + """
            , "use_karras_sigmas": true"""),
    /** Stable Diffusion XL with DDIM: the file of {@code stabilityai/stable-diffusion-xl-base-1.0} loaded into DDIMScheduler. */
    STABLE_DIFFUSION_XL_DDIM(SchedulerClass.DDIM, Values.STABLE_DIFFUSION_XL),
    /**
     * A model of v trained to zero terminal SNR (Lin et al. 2023, arXiv:2305.08891). From {@code tencent/Hunyuan3D-2.1}, its paint
     * model.
     */
    ZERO_SNR_V(SchedulerClass.DDIM, Values.STABLE_DIFFUSION + """
            , "prediction_type": "v_prediction", "set_alpha_to_one": true, "steps_offset": 1, "clip_sample": false,
            "timestep_spacing": "trailing", "rescale_betas_zero_snr": true"""),
    /** PixArt. From {@code PixArt-alpha/PixArt-XL-2-1024-MS}: the betas are linear, not Stable Diffusion's. */
    PIXART(SchedulerClass.DPM_MULTISTEP, """
            "num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear",
            "algorithm_type": "dpmsolver++", "solver_order": 2, "solver_type": "midpoint", "lower_order_final": true,
            "timestep_spacing": "linspace", "steps_offset": 0"""),
    /** DiT. From {@code facebook/DiT-XL-2-256}. */
    DIT(SchedulerClass.DDIM, """
            "num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear",
            "clip_sample": false, "set_alpha_to_one": true, "steps_offset": 0"""),
    /** AudioLDM 2. From {@code cvssp/audioldm2}. */
    AUDIOLDM_2(SchedulerClass.DDIM, """
            "num_train_timesteps": 1000, "beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "scaled_linear",
            "clip_sample": false, "set_alpha_to_one": false, "steps_offset": 1, "timestep_spacing": "leading\""""),
    /** Latent diffusion without text. From {@code CompVis/ldm-celebahq-256}. */
    LATENT_DIFFUSION(SchedulerClass.DDIM, """
            "num_train_timesteps": 1000, "beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "scaled_linear",
            "clip_sample": false"""),
    /** DDPM (Ho et al. 2020, arXiv:2006.11239) on pixels. From {@code google/ddpm-cat-256}. */
    DDPM_256(SchedulerClass.DDPM, """
            "num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear",
            "variance_type": "fixed_small", "clip_sample": true"""),
    /** DDPM on CIFAR-10, with the larger variance. From {@code google/ddpm-cifar10-32}. */
    DDPM_CIFAR10(SchedulerClass.DDPM, """
            "num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear",
            "variance_type": "fixed_large", "clip_sample": true"""),
    /**
     * Improved DDPM (Nichol and Dhariwal 2021, arXiv:2102.09672): 4000 steps, cosine betas, a learned range of variances. From the
     * paper; no file of the Hub.
     */
    IMPROVED_DDPM(SchedulerClass.DDPM, """
            "num_train_timesteps": 4000, "beta_schedule": "squaredcos_cap_v2", "variance_type": "learned_range",
            "clip_sample": true""");

    /** What several files share. */
    private static final class Values {
        static final String STABLE_DIFFUSION = """
                "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
                "trained_betas": null""";
        static final String STABLE_DIFFUSION_XL = STABLE_DIFFUSION + """
                , "clip_sample": false, "interpolation_type": "linear", "prediction_type": "epsilon",
                "sample_max_value": 1.0, "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1,
                "timestep_spacing": "leading\"""";
    }

    private final SchedulerClass type;
    private final String members;

    Preset(SchedulerClass type, String members) {
        this.type = type;
        this.members = members;
    }

    /**
     * The configuration.
     *
     * @return a new one, to be changed with {@link SchedulerConfig#with} and {@link SchedulerConfig#into}
     */
    public SchedulerConfig config() {
        return SchedulerConfig.parse("{" + members + "}", type);
    }
}
