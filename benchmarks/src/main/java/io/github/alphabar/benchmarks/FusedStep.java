// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

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
import org.openjdk.jmh.annotations.TearDown;

/** One step of one row by a backend or a peer, out of place, over the same memory again and again. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FusedStep {
    /** The backend or peer. */
    @Param("vector")
    public String backend;

    /** The row, for instance {@code ddim}. */
    @Param("ddim")
    public String row;

    /** The type of all tensors. */
    @Param("F32")
    public String dtype;

    /** Elements of the one sample. */
    @Param("16384")
    public long elements;

    /** The most threads the backend uses. */
    @Param("1")
    public int threads;

    private Workload workload;
    private Contender contender;

    /** Instantiated by JMH. */
    public FusedStep() {
    }

    /** Opens the contender; its result is compared with the scalar backend's. */
    @Setup
    public void open() {
        workload = new Workload(Row.named(row), DType.parse(dtype), elements);
        contender = Contenders.open(backend, workload, threads);
    }

    /** Executes the row. */
    @Benchmark
    public void step() {
        contender.step();
    }

    /** Frees the memory. */
    @TearDown
    public void close() {
        contender.close();
        workload.close();
    }
}
