// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import io.github.alphabar.plan.SamplingPlan;
import java.util.List;

/**
 * A recorded run beside the plan that should repeat it.
 *
 * @param id
 *            the case's name, group first
 * @param parts
 *            one run, or several that belong to one case (an inversion and its way back)
 * @param badlyConditioned
 *            whether the recording flags that small differences grow along the run
 * @param referenceFails
 *            whether the reference itself gives NaN somewhere
 */
record TraceCase(String id, List<Part> parts, boolean badlyConditioned, boolean referenceFails) {

    /**
     * One run.
     *
     * @param plan
     *            the rows
     * @param rows
     *            which rows of the plan were recorded, in order
     * @param whole
     *            whether every row was, so that the run can also be repeated from its start alone
     * @param before
     *            the state each recorded row saw
     * @param after
     *            the state each recorded row gave
     * @param output
     *            what the network returned, the conditional output where guided
     * @param uncond
     *            the unconditional output, or null
     * @param noise
     *            the noise each row used, or null
     * @param preview
     *            the predicted clean sample of each row, or null
     * @param times
     *            the times the network was given, or null
     * @param samples
     *            samples in the batch
     */
    record Part(SamplingPlan plan, int[] rows, boolean whole, double[][] before, double[][] after, double[][] output,
            double[][] uncond, double[][] noise, double[][] preview, double[] times, int samples) {
    }
}
