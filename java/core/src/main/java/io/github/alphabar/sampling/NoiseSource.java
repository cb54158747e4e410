// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.sampling;

import io.github.alphabar.random.Normals;
import io.github.alphabar.tensor.HostTensor;

/** Where noise comes from, for callers who must match another tool's; without one, backends draw Philox noise themselves. */
@FunctionalInterface
public interface NoiseSource {

    /**
     * Fills a whole batch with standard normal noise. Called in the order the sampler needs it.
     *
     * @param stream
     *            what the noise is for
     * @param draw
     *            the absolute row number
     * @param target
     *            receives samples times elements values
     */
    void fill(Normals.Stream stream, int draw, HostTensor target);
}
