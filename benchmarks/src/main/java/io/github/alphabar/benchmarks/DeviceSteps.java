// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.ScalarBackend;
import io.github.alphabar.cuda.CudaBackend;
import io.github.alphabar.cuda.CudaEvent;
import io.github.alphabar.cuda.CudaGraph;
import io.github.alphabar.cuda.CudaStream;
import io.github.alphabar.cuda.TableTrajectory;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.DeviceTensor;
import io.github.alphabar.tensor.HostTensor;
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

/**
 * All steps of a plan on a device, from a restarted table, queued one by one or as replays of one captured graph, to the wait for the
 * last. {@link Waits} adds how long the host was queuing and how long the device was at it by its own events.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class DeviceSteps {
    private static final long SEED = 42;

    /** {@code queued} or {@code graph}. */
    @Param("queued")
    public String mode;

    /** Steps of DPM-Solver++ 2M. */
    @Param("20")
    public int steps;

    /** Elements of the one sample. */
    @Param("16384")
    public long elements;

    private CudaBackend cuda;
    private CudaStream stream;
    private CudaBackend queue;
    /** What the table reads, as long as it does. */
    private DeviceTensor given;
    private TableTrajectory table;
    private CudaGraph graph;
    private CudaEvent begin;
    private CudaEvent end;

    /** Instantiated by JMH. */
    public DeviceSteps() {
    }

    /** The plan that the table executes. */
    SamplingPlan plan() {
        return SamplingPlan.of(TimeGrid.of(TabulatedSchedule.stableDiffusion(), Spacing.trailing(), steps),
                Solvers.named("dpmpp-2m"), Prediction.EPSILON);
    }

    /** Opens the device; the sample it arrives at is compared with the scalar backend's. */
    @Setup
    public void open() {
        HostTensor output = HostTensor.allocate(DType.F32, elements);
        SplittableRandom random = new SplittableRandom(1);
        for (long i = 0; i < elements; i++) {
            output.setFloat(i, (float) random.nextDouble(-2, 2));
        }
        cuda = CudaBackend.open(0);
        try {
            stream = CudaStream.create(cuda);
            queue = cuda.on(stream);
            given = queue.allocate(DType.F32, elements);
            try (Backend.Workspace workspace = queue.workspace(1, elements)) {
                queue.copy(output, given, workspace);
            }
            begin = CudaEvent.create(cuda);
            end = CudaEvent.create(cuda);
            table = TableTrajectory.builder(queue).shape(1, elements).plans(plan()).output(given).build();
            graph = mode.equals("graph") ? CudaGraph.capture(queue, table::step) : null;
            run();
            HostTensor got = HostTensor.allocate(DType.F32, elements);
            table.copySample(0, got);
            Gate.bits("cuda, " + mode + ", " + steps + " steps of dpmpp-2m: the sample", onScalar(output), got);
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /** Not by {@link #plan()}, which a test replaces to be refused. */
    private HostTensor onScalar(HostTensor output) {
        SamplingPlan plan = SamplingPlan.of(
                TimeGrid.of(TabulatedSchedule.stableDiffusion(), Spacing.trailing(), steps), Solvers.named("dpmpp-2m"),
                Prediction.EPSILON);
        try (Backend scalar = new ScalarBackend();
                Trajectory t = Trajectory.builder(plan, scalar).shape(1, elements).seeds(SEED).start()) {
            while (!t.isDone()) {
                t.advance(output);
            }
            return (HostTensor) t.sample();
        }
    }

    /** Starts anew, executes all steps and waits for the last. */
    @Benchmark
    public void run() {
        table.start(SEED);
        begin.record(queue);
        long start = System.nanoTime();
        for (int i = 0; i < steps; i++) {
            if (graph == null) {
                table.step();
            } else {
                graph.launch(queue);
            }
        }
        long queued = System.nanoTime() - start;
        end.record(queue);
        queue.synchronize();
        Waits.add(queued, end.millisecondsSince(begin) * 1e6);
    }

    /** Frees everything. */
    @TearDown
    public void close() {
        for (AutoCloseable resource : new AutoCloseable[] {graph, table, begin, end, queue, stream, cuda}) {
            if (resource != null) {
                try {
                    resource.close();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }
        }
    }
}
