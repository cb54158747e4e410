// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.BackendProvider;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.backend.ScalarBackend;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A batch from its first noise to its end, without the network: allocation, initial noise, every step in place. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class WholeTrajectory {
    /** The backend. */
    @Param("vector")
    public String backend;

    /** Steps of DPM-Solver++ 2M. */
    @Param("20")
    public int steps;

    /** Samples in the batch. */
    @Param("1")
    public int samples;

    /** Elements of a sample. */
    @Param("16384")
    public long elements;

    private SamplingPlan plan;
    private Backend opened;
    private HostTensor output;
    private Tensor deviceOutput;
    private HostTensor result;

    /** Instantiated by JMH. */
    public WholeTrajectory() {
    }

    /** Opens the backend; the sample it arrives at is compared with the scalar backend's. */
    @Setup
    public void open() {
        plan = SamplingPlan.of(TimeGrid.of(TabulatedSchedule.stableDiffusion(), Spacing.trailing(), steps),
                Solvers.named("dpmpp-2m"), Prediction.EPSILON);
        output = HostTensor.allocate(DType.F32, samples * elements);
        SplittableRandom random = new SplittableRandom(1);
        for (long i = 0; i < output.elements(); i++) {
            output.setFloat(i, (float) random.nextDouble(-2, 2));
        }
        opened = Backends.named(backend, new BackendProvider.Options(1, 0));
        result = HostTensor.allocate(DType.F32, samples * elements);
        deviceOutput = opened.allocate(DType.F32, samples * elements);
        try (Backend.Workspace workspace = opened.workspace(samples, elements)) {
            opened.copy(output, deviceOutput, workspace);
        }
        try (Backend scalar = new ScalarBackend()) {
            Gate.bits(backend + ", " + steps + " steps of dpmpp-2m: the sample", run(scalar), run(opened));
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    /** To the end of the last step: where the backend's memory is a device's, the sample is copied from there. */
    private HostTensor run(Backend with) {
        Tensor given = output;
        try (Trajectory t = Trajectory.builder(plan, with).shape(samples, elements).start()) {
            if (!(t.sample() instanceof HostTensor)) {
                given = deviceOutput;
            }
            while (!t.isDone()) {
                t.advance(given);
            }
            if (t.sample() instanceof HostTensor sample) {
                return sample;
            }
            try (Backend.Workspace workspace = with.workspace(samples, elements)) {
                with.copy(t.sample(), result, workspace);
            }
            return result;
        }
    }

    /**
     * Runs the plan.
     *
     * @return the sample
     */
    @Benchmark
    public HostTensor run() {
        return run(opened);
    }

    /** Closes the backend. */
    @TearDown
    public void close() {
        opened.close();
    }
}
