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

/** Standard normals in F32 into memory: of backends by a row that is nothing else, of other libraries by what they offer. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class NormalDraws {
    /** The backend or peer. */
    @Param("vector")
    public String backend;

    /** How many normals. */
    @Param("16384")
    public long elements;

    private Workload workload;
    private Contender contender;

    /** Instantiated by JMH. */
    public NormalDraws() {
    }

    /** Opens the contender; its normals are compared with the scalar backend's, or have their moments checked. */
    @Setup
    public void open() {
        workload = new Workload(Row.NORMALS, DType.F32, elements);
        contender = Contenders.open(backend, workload, 1);
    }

    /** Fills the memory. */
    @Benchmark
    public void fill() {
        contender.step();
    }

    /** Frees the memory. */
    @TearDown
    public void close() {
        contender.close();
        workload.close();
    }
}
