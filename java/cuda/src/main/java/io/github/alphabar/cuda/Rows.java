// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Step;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.random.Normals;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.tensor.DType;
import java.util.List;

/** Rows that belong to no plan. */
final class Rows {
    /** x' = 0. */
    static final StepParams NOTHING = row(0, 0, Normals.Stream.FORWARD);
    /** x' = x, for what a row writes beside it. */
    static final StepParams IDENTITY = row(1, 0, Normals.Stream.FORWARD);

    private Rows() {
    }

    /** x' = scale z, the noise a trajectory starts from. */
    static StepParams initial(double scale) {
        return row(0, scale, Normals.Stream.INITIAL);
    }

    private static StepParams row(double cx, double cz, Normals.Stream stream) {
        Level none = Level.clean(0);
        Step step = new Step(0, none, none, 0, 0, 0, 0, cx, 0, 0, List.of(), cz, null, null);
        return StepParams.narrow(step, Clip.NONE, stream, DType.F32);
    }
}
