// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.BackendProvider;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.cuda.CudaBackend;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
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
 * A DDIM step by way of the host, as engines do it whose network runs on a device and whose sampler does not: the output is copied to the
 * host, the row executed there, and x' copied back.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class HostDetour {
    /** The backend that executes the row. */
    @Param("vector")
    public String backend;

    /** {@code pageable} memory, what an engine has unless it asks for other, or {@code pinned}. */
    @Param("pageable")
    public String memory;

    /** Elements of the one sample. */
    @Param("16384")
    public long elements;

    private Workload workload;
    private Backend host;
    private Backend.Workspace hostWorkspace;
    private CudaBackend cuda;
    private Backend.Workspace workspace;
    private StepOperands operands;
    private Tensor output;
    private Tensor x;

    /** Instantiated by JMH. */
    public HostDetour() {
    }

    /** Opens both backends; what arrives on the device is compared with the scalar backend's result. */
    @Setup
    public void open() {
        workload = new Workload(Row.DDIM, DType.F32, elements);
        try {
            host = Backends.named(backend, new BackendProvider.Options(1, 0));
            hostWorkspace = host.workspace(1, elements);
            cuda = CudaBackend.open(0);
            workspace = cuda.workspace(1, elements);
            operands = workload.operands(room(), null);
            operands.output = room();
            output = cuda.allocate(DType.F32, elements);
            x = cuda.allocate(DType.F32, elements);
            cuda.copy(workload.output, output, workspace);
            run();
            HostTensor got = HostTensor.allocate(DType.F32, elements);
            cuda.copy(x, got, workspace);
            HostTensor want = HostTensor.allocate(DType.F32, elements);
            try (Backend scalar = Backends.named("scalar", new BackendProvider.Options(1, 0));
                    Backend.Workspace w = scalar.workspace(1, elements)) {
                scalar.step(workload.params, workload.operands(want, null), w);
            }
            Gate.bits(backend + " by way of the host: x'", want, got);
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private HostTensor room() {
        return memory.equals("pinned") ? cuda.allocatePinned(DType.F32, elements)
                : HostTensor.allocate(DType.F32, elements);
    }

    /** There and back again. */
    @Benchmark
    public void run() {
        cuda.copy(output, operands.output, workspace);
        host.step(workload.params, operands, hostWorkspace);
        cuda.copy(operands.out, x, workspace);
        cuda.synchronize();
    }

    /** Frees everything. */
    @TearDown
    public void close() {
        for (AutoCloseable resource : new AutoCloseable[] {workspace, cuda, hostWorkspace, host, workload}) {
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
