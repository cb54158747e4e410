// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.sampling;

import io.github.alphabar.tensor.Tensor;

/** A network, as a sampler sees it. */
@FunctionalInterface
public interface Denoiser {

    /**
     * Evaluates the network.
     *
     * @param input
     *            the noisy samples, sample after sample
     * @param time
     *            the time, in the units of the plan's schedule
     * @param output
     *            receives the outputs, sample after sample; for a guided plan all unconditional outputs, then all conditional ones
     */
    void denoise(Tensor input, double time, Tensor output);
}
