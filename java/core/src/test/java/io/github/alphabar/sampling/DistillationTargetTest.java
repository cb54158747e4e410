// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.ScalarBackend;
import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.PlanInDouble;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.schedule.FlowSchedule;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.schedule.VpLinearSchedule;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.tensor.HostTensor;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class DistillationTargetTest {
    /** The data N(0.3, 0.5^2), whose exact prediction is known at every level. */
    private static final double MU = 0.3;
    private static final double S = 0.5;

    static Stream<Arguments> grids() {
        return Stream.of(new VpLinearSchedule(), TabulatedSchedule.ddpmLinear(),
                TabulatedSchedule.ddpmLinear().zeroTerminalSnr(), new FlowSchedule())
                .flatMap(s -> Stream.of(Arguments.of(s, FinalLevel.CLEAN), Arguments.of(s, FinalLevel.LEAST_NOISE)));
    }

    /**
     * A student that predicts the target makes in one DDIM step what its teacher, the exact Gaussian, made in two: N edges of the
     * student's grid are every second level of the teacher's. The tolerance is a few roundings of states below 4.
     */
    @ParameterizedTest
    @MethodSource("grids")
    void oneStepOfTheStudentIsTwoOfItsTeacher(NoiseSchedule schedule, FinalLevel end) {
        TimeGrid fine = Spacing.linspace().grid(schedule, 16, end);
        for (Prediction prediction : List.of(Prediction.SAMPLE, Prediction.V_PREDICTION)) {
            SamplingPlan teacher = SamplingPlan.of(fine, new Ddim(), Prediction.SAMPLE);
            double z = 1.37;
            for (int i = 0; i + 1 < 16; i += 2) {
                var at = fine.level(i);
                var to = fine.level(i + 2);
                PlanInDouble two = new PlanInDouble(teacher, z);
                for (int k = i; k < i + 2; k++) {
                    double x = two.slots()[0][0];
                    double variance = Math.pow(fine.level(k).alpha() * S, 2) + Math.pow(fine.level(k).sigma(), 2);
                    double x0 = MU + fine.level(k).alpha() * S * S * (x - fine.level(k).alpha() * MU) / variance;
                    two.step(k, new double[] {x0}, null);
                }
                double arrived = two.slots()[0][0];
                DistillationTarget target = new DistillationTarget(at, to);
                double predicted = prediction == Prediction.SAMPLE ? target.x0(z, arrived) : target.v(z, arrived);
                TimeGrid edge = new TimeGrid(schedule, List.of(at, to));
                SamplingPlan student = SamplingPlan.of(edge, new Ddim(), prediction);
                double landed = PlanInDouble.run(student, (_, _) -> new double[] {predicted}, z)[0];
                assertEquals(arrived, landed, 1e-13, prediction + " from " + at + " to " + to);
                z = arrived;
            }
        }
    }

    @Test
    void theTwoTargetsAreTheSameInTwoSpaces() {
        TimeGrid grid = Spacing.uniformLambda().grid(new VpLinearSchedule(), 8, FinalLevel.LEAST_NOISE);
        for (int i = 0; i + 1 < 8; i++) {
            DistillationTarget target = new DistillationTarget(grid.level(i), grid.level(i + 1));
            double z = 0.4;
            double zTo = -0.3;
            double a = grid.level(i).alpha();
            double s = grid.level(i).sigma();
            double x0 = target.x0(z, zTo);
            assertEquals(a * z - s * target.v(z, zTo), x0, 1e-12 * Math.max(1, Math.abs(x0)));
        }
    }

    /** The tensor forms are one row in double: a product and an fma, each rounded once. */
    @ParameterizedTest
    @EnumSource(names = {"SAMPLE", "V_PREDICTION"})
    void tensorsGetWhatTheirElementsGet(Prediction prediction) {
        TimeGrid grid = TimeGrid.of(TabulatedSchedule.ddpmLinear(), Spacing.leading(0), 10);
        DistillationTarget target = new DistillationTarget(grid.level(3), grid.level(5));
        Random random = new Random(7);
        double[] z = random.doubles(34, -2, 2).toArray();
        double[] zTo = random.doubles(34, -2, 2).toArray();
        HostTensor out = HostTensor.of(new double[34]);
        try (Backend backend = new ScalarBackend()) {
            if (prediction == Prediction.SAMPLE) {
                target.x0(backend, HostTensor.of(z), HostTensor.of(zTo), out, 2);
            } else {
                target.v(backend, HostTensor.of(z), HostTensor.of(zTo), out, 2);
            }
        }
        for (int i = 0; i < 34; i++) {
            double expected = prediction == Prediction.SAMPLE ? target.x0(z[i], zTo[i]) : target.v(z[i], zTo[i]);
            assertEquals(expected, out.getDouble(i), 1e-14 * 40);
        }
    }

    @Test
    void aStepTowardsMoreNoiseIsRefused() {
        TimeGrid grid = TimeGrid.of(TabulatedSchedule.ddpmLinear(), Spacing.leading(0), 10);
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> new DistillationTarget(grid.level(4), grid.level(2)));
        assertTrue(e.getMessage().contains("name the noisier level first"));
    }
}
