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

/** What a step costs besides its elements: a DDIM step of 16 of them, one vector. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class StepOverhead {
    private static final long ELEMENTS = 16;

    /** The backend. */
    @Param("vector")
    public String backend;

    private Workload workload;
    private Contender contender;

    /** Instantiated by JMH. */
    public StepOverhead() {
    }

    /** Opens the backend; its result is compared with the scalar backend's. */
    @Setup
    public void open() {
        workload = new Workload(Row.DDIM, DType.F32, ELEMENTS);
        contender = Contenders.open(backend, workload, 1);
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
