// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

/**
 * Classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598): the output used is {@code uncond + weight (cond - uncond)}.
 *
 * <p>
 * Rescaled guidance (Lin et al. 2024, arXiv:2305.08891, eq. 15 and 16) multiplies it, sample by sample, by
 * {@code rescale std(cond) / std(guided) + (1 - rescale)}, against the overexposure that large weights bring.
 *
 * @param weight
 *            1 is the conditional output alone, 0 the unconditional one
 * @param rescale
 *            0 for plain guidance, 1 to keep the conditional output's standard deviation; the paper uses 0.7
 */
public record Guidance(double weight, double rescale) {

    /** Checks that the weight is finite and the rescale in [0, 1]. */
    public Guidance {
        if (!Double.isFinite(weight)) {
            throw new IllegalArgumentException("The guidance weight must be finite, but got " + weight + ".");
        }
        if (!(rescale >= 0 && rescale <= 1)) {
            throw new IllegalArgumentException("The rescale of guidance must be in [0, 1], but got " + rescale + ".");
        }
    }

    /**
     * Guidance without rescale.
     *
     * @param weight
     *            1 is the conditional output alone, 0 the unconditional one
     */
    public Guidance(double weight) {
        this(weight, 0);
    }

    /**
     * The same guidance, rescaled.
     *
     * @param kept
     *            how much of the conditional output's standard deviation is kept, in [0, 1]
     * @return the guidance
     */
    public Guidance rescaled(double kept) {
        return new Guidance(weight, kept);
    }

    /**
     * The convention of Imagen, Stable Diffusion and diffusers: {@code uncond + w (cond - uncond)}.
     *
     * @param w
     *            1 means no guidance; 7.5 is usual for Stable Diffusion
     * @return the guidance
     */
    public static Guidance scale(double w) {
        return new Guidance(w);
    }

    /**
     * The convention of the paper's eq. 6: {@code (1 + w) cond - w uncond}.
     *
     * @param w
     *            0 means no guidance
     * @return the guidance
     */
    public static Guidance strength(double w) {
        return new Guidance(1 + w);
    }
}
