// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;

/** The memory a plan's rows move, from the rows themselves: what each reads and writes, once each. */
final class Traffic {
    private Traffic() {
    }

    /** The mean over the rows, in bytes; the network has its input written beside the state where that is 16 bits wide. */
    static long bytesPerStep(SamplingPlan plan, DType state, long elements) {
        int network = state == DType.F64 ? 8 : 4;
        long bytes = 0;
        for (int i = 0; i < plan.evaluations(); i++) {
            StepParams p = StepParams.narrow(plan, i, state);
            long row = (p.needsX(false) ? state.bytes() : 0) + state.bytes();
            row += p.needsG(false) ? (long) network * (p.has(StepParams.GUIDED) ? 2 : 1) : 0;
            for (int term : new int[] {StepParams.H0, StepParams.H1, StepParams.H2, StepParams.STORE}) {
                row += p.has(term) ? state.bytes() : 0;
            }
            row += state.bytes() < 4 ? network : 0;
            bytes += row * elements;
        }
        return bytes / plan.evaluations();
    }
}
