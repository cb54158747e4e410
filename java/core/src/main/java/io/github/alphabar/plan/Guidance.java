// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

/**
 * Classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598): the output used is {@code uncond + weight (cond - uncond)}.
 *
 * @param weight
 *            1 is the conditional output alone, 0 the unconditional one
 */
public record Guidance(double weight) {

    /** Checks that the weight is finite. */
    public Guidance {
        if (!Double.isFinite(weight)) {
            throw new IllegalArgumentException("The guidance weight must be finite, but got " + weight + ".");
        }
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
