// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.tensor.DType;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Laying out a sampler: grid, equations, plan and the coefficients in float, from a schedule that exists. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class PlanConstruction {
    /** The solver. */
    @Param("dpmpp-2m")
    public String solver;

    /** Steps asked for. */
    @Param("1000")
    public int steps;

    private NoiseSchedule schedule;
    private Solver built;

    /** Instantiated by JMH. */
    public PlanConstruction() {
    }

    /** Builds the schedule, and refuses a plan that is not the one its text form describes. */
    @Setup
    public void open() {
        schedule = TabulatedSchedule.stableDiffusion();
        built = Solvers.named(solver);
        SamplingPlan plan = SamplingPlan.of(TimeGrid.of(schedule, Spacing.trailing(), steps), built,
                Prediction.EPSILON);
        if (plan.evaluations() < steps || !SamplingPlan.fromJson(plan.toJson()).equals(plan)) {
            throw new Gate.Refusal("A plan of " + steps + " steps has " + plan.evaluations()
                    + " rows or differs from its text form; it is not timed.");
        }
    }

    /**
     * Lays it out.
     *
     * @return the coefficients of all rows
     */
    @Benchmark
    public StepParams[] plan() {
        SamplingPlan plan = SamplingPlan.of(TimeGrid.of(schedule, Spacing.trailing(), steps), built,
                Prediction.EPSILON);
        StepParams[] params = new StepParams[plan.evaluations()];
        for (int i = 0; i < params.length; i++) {
            params[i] = StepParams.narrow(plan, i, DType.F32);
        }
        return params;
    }
}
