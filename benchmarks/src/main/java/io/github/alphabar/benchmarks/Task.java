// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.schedule.Level;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.List;

/**
 * A row as a paper states it, and the memory it reads.
 *
 * @param row
 *            its name, for instance {@code dpmpp-2m}; {@code normals} only draws noise
 * @param dtype
 *            the type of all tensors
 * @param elements
 *            elements of the sample
 * @param levels
 *            the level of the sample, of the evaluation before and of the one before that
 * @param to
 *            the level to go to
 * @param range
 *            the clip of the predicted clean sample, or 0 for none
 * @param guidance
 *            the weight of the conditional output, or 0 where the row is not guided
 * @param x
 *            the sample
 * @param output
 *            the network's output; where guided all unconditional values, then all conditional ones
 * @param history
 *            what earlier rows stored, the latest first
 * @param noise
 *            the noise of the first, compared step, or null where the row has none
 */
public record Task(String row, DType dtype, long elements, List<Level> levels, Level to, double range, double guidance,
        HostTensor x, HostTensor output, List<HostTensor> history, float[] noise) {

    /** Keeps the lists from changing. */
    public Task {
        levels = List.copyOf(levels);
        history = List.copyOf(history);
    }
}
