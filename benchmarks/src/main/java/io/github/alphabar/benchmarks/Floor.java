// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
 * What no row can do without: reading r tensors and writing w, with one multiply-add for each tensor read; and a plain copy. In C
 * and in Java, over memory allocated as the rows' is (Java's streams: over arrays, which the JIT vectorises).
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class Floor {
    static final String C = "c";
    static final String C_AROUND_CACHE = "c-around-cache";
    static final String C_COPY = "c-copy";
    static final String JAVA = "java";
    static final String JAVA_COPY = "java-copy";

    /** What is done: {@code c}, {@code c-around-cache}, {@code java}, {@code c-copy} or {@code java-copy}. */
    @Param(C)
    public String kind;

    /** Tensors read, 1 to 5; a copy reads 1. */
    @Param("2")
    public int reads;

    /** Tensors written, 1 or 2; a copy writes 1. */
    @Param("1")
    public int writes;

    /** Bytes of each tensor, a multiple of 64. */
    @Param("65536")
    public long bytes;

    /** Threads that share the work. */
    @Param("1")
    public int threads;

    private Arena arena;
    private HostTensor[] in;
    private HostTensor[] out;
    private MemorySegment[] inParts;
    private MemorySegment[] outParts;
    private float[][] inArrays;
    private float[][] outArrays;
    private Together together;

    /** Instantiated by JMH. */
    public Floor() {
    }

    /** Fills the memory, works once and checks the sums. */
    @Setup
    public void open() {
        if (bytes % 64 != 0) {
            throw new IllegalArgumentException(
                    "A floor works on whole lines of 64 bytes, but got " + bytes + " bytes.");
        }
        if (kind.startsWith("c")) {
            CFloor.unavailable().ifPresent(reason -> {
                throw new UnsupportedOperationException(reason);
            });
        }
        arena = Arena.ofShared();
        long n = bytes / 4;
        in = new HostTensor[reads];
        out = new HostTensor[writes];
        for (int k = 0; k < reads; k++) {
            in[k] = HostTensor.allocate(arena, DType.F32, n);
            for (long i = 0; i < n; i++) {
                in[k].setFloat(i, value(k, i));
            }
        }
        for (int k = 0; k < writes; k++) {
            out[k] = HostTensor.allocate(arena, DType.F32, n);
        }
        if (kind.equals(JAVA)) {
            inArrays = new float[5][];
            outArrays = new float[2][];
            for (int k = 0; k < 5; k++) {
                inArrays[k] = k < reads ? in[k].toFloatArray() : inArrays[0];
            }
            for (int k = 0; k < 2; k++) {
                outArrays[k] = k < writes ? new float[Math.toIntExact(n)] : outArrays[0];
            }
        }
        parts();
        together = new Together(threads, this::part);
        together.run();
        check();
    }

    private static float value(int k, long i) {
        return (i * 37 + k * 101) % 1024 * 0x1p-9f - 1;
    }

    /** The addresses that each thread begins at. */
    private void parts() {
        inParts = new MemorySegment[threads];
        outParts = new MemorySegment[threads];
        for (int t = 0; t < threads; t++) {
            inParts[t] = arena.allocate(ValueLayout.ADDRESS, reads);
            outParts[t] = arena.allocate(ValueLayout.ADDRESS, writes);
            for (int k = 0; k < reads; k++) {
                inParts[t].setAtIndex(ValueLayout.ADDRESS, k, in[k].segment().asSlice(4 * from(t)));
            }
            for (int k = 0; k < writes; k++) {
                outParts[t].setAtIndex(ValueLayout.ADDRESS, k, out[k].segment().asSlice(4 * from(t)));
            }
        }
    }

    /** Whole cache lines for each thread. */
    private long from(int thread) {
        return bytes / 64 * thread / threads * 16;
    }

    private void part(int thread) {
        long from = from(thread);
        long n = from(thread + 1) - from;
        switch (kind) {
            case C, C_AROUND_CACHE -> {
                if (!CFloor.streams(kind.equals(C_AROUND_CACHE), reads, writes, inParts[thread], outParts[thread], n)) {
                    throw new UnsupportedOperationException("There is no C loop '" + kind + "' for " + reads
                            + " tensors read and " + writes + " written on this processor.");
                }
            }
            case C_COPY -> CFloor.copy(out[0].segment().asSlice(4 * from, 4 * n),
                    in[0].segment().asSlice(4 * from, 4 * n), 4 * n);
            case JAVA_COPY -> MemorySegment.copy(in[0].segment(), 4 * from, out[0].segment(), 4 * from, 4 * n);
            case JAVA -> JavaStreams.run(reads, writes, inArrays, outArrays, (int) from, (int) (from + n));
            default -> throw new IllegalArgumentException(
                    "Unknown floor '" + kind + "'; the floors are c, c-around-cache, java, c-copy and java-copy.");
        }
    }

    /** The products and sums are exact: 11 bits times powers of 2. */
    private void check() {
        long n = bytes / 4;
        boolean copy = kind.equals(C_COPY) || kind.equals(JAVA_COPY);
        for (long i = 0; i < n; i++) {
            float first = copy ? value(0, i) : 0;
            float factor = 0.5f;
            for (int k = 0; k < reads && !copy; k++) {
                first += factor * value(k, i);
                factor *= -0.5f * (k == 0 ? -1 : 1);
            }
            equal(0, i, first);
            if (writes > 1) {
                equal(1, i, reads > 1 ? 0.75f * value(0, i) - 0.5f * value(1, i) : 0.75f * value(0, i));
            }
        }
    }

    private void equal(int k, long i, float want) {
        float got = kind.equals(JAVA) ? outArrays[k][(int) i] : out[k].getFloat(i);
        if (got != want) {
            throw new Gate.Refusal(
                    "The floor '" + kind + "' has " + got + " at " + i + " of output " + k + " instead of "
                            + want + "; it is not timed.");
        }
    }

    /** Works through the memory. */
    @Benchmark
    public void run() {
        together.run();
    }

    /** Frees the memory. */
    @TearDown
    public void close() {
        together.close();
        arena.close();
    }
}
