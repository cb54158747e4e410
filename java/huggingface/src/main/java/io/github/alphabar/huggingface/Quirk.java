// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

/**
 * What diffusers does that the native API does not: each switch repeats one behaviour. All are on in a loaded configuration, so that
 * a pipeline gives what it gave before; each says why one would rather be without it.
 */
public enum Quirk {
    /**
     * Tables are float32 as torch computes them, and so is the interpolation that finds timesteps of sigmas (with numpy 1's float32
     * log). Without: double. float32 loses three digits of 1 - alphaBar at the clean end (1.7e-4 relative for linear betas).
     */
    FLOAT32_TABLES,
    /**
     * Coefficients of every class are computed in float32, each operation rounded, in diffusers' order. Without: double, by formulas
     * in which nothing cancels. A coefficient that is a difference keeps few digits: the noise of the last of 1,000 DDPM steps is off
     * by 2e-4, a second difference over an edge of length h by 4e-7 / h^3, all of it for 1,000 steps.
     */
    FLOAT32_COEFFICIENTS,
    /**
     * DDIM, its inverse and PNDM step to t - T div N whatever the spacing. Without: to the next timestep. With linspace, trailing
     * or an N that does not divide T the state then has another noise level than the network is told.
     */
    STRIDE_PREVIOUS_TIMESTEP,
    /**
     * Trailing timesteps come from a float range, which for 62 values of N up to 1000 (61, 103, 121, ...) has N + 1 entries, the
     * last one -1 (read as the noisiest level). Without: N entries.
     */
    FLOAT_RANGE_TRAILING,
    /**
     * The DPM family spaces N + 1 points and drops the cleanest. Without: the N points of the spacing.
     */
    DPM_EXTRA_POINT,
    /**
     * The network is told sigmas' timesteps rounded or truncated to whole numbers; they may repeat. Without: fractional times.
     */
    WHOLE_TIMESTEPS,
    /**
     * lower_order_final lowers the order of the last steps only for fewer than 15 steps. Without: for any number.
     */
    LOWER_ORDER_BELOW_15,
    /**
     * The third-order DPM formulas as the authors' code and diffusers have them: half the second difference in the multistep form
     * (which then converges with order 2), another sign in the stochastic one, and a midpoint inner step in the singlestep midpoint
     * form. Without: third order.
     */
    THIRD_ORDER_AS_PUBLISHED,
    /**
     * With rescale_betas_zero_snr the DPM family keeps alphaBar = 2^-24 at the noisy end. Without: 0, which needs v_prediction or
     * sample.
     */
    ZERO_SNR_FLOOR,
    /**
     * DDPM adds noise whenever t > 0, also in a last step that ends at the clean level (trailing spacing, custom timesteps); with
     * fixed_large that leaves noise in the result. Without: the step to the clean level adds none.
     */
    NOISE_INTO_CLEAN,
    /**
     * At zero terminal SNR the x0 of an epsilon prediction is infinite, and clipping maps it to the range with the sign of x - eps;
     * DDPM and DDIM with clip_sample or thresholding go on from there. Without: refused, because such a model cannot start there.
     */
    CLIPPED_INFINITE_X0,
    /**
     * PNDM combines raw v predictions of different timesteps and converts the sum with the last state. Without: each is converted
     * to noise first.
     */
    PNDM_COMBINES_RAW_V
}
