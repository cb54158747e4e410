// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** A call into libalphabar that does nothing: what JNI itself costs, beside a call that stays in Java. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class JniCall {
    private int seed = 1;

    /** Instantiated by JMH. */
    public JniCall() {
    }

    /** By name: the bindings are open to reflection on the class path only, and may be absent. */
    private static final class Native {
        static final MethodHandle VERSION = find();

        private static MethodHandle find() {
            try {
                Class<?> bindings = Class.forName("io.github.alphabar.cuda.binding.Alphabar");
                return MethodHandles.publicLookup()
                        .findStatic(bindings, "alphabar_abi_version", MethodType.methodType(int.class));
            } catch (ReflectiveOperationException e) {
                throw new UnsupportedOperationException("libalphabar's bindings are not on the class path.", e);
            }
        }
    }

    /**
     * Refuses a library that answers nonsense.
     *
     * @throws Throwable
     *             never
     */
    @Setup
    public void open() throws Throwable {
        int version = (int) Native.VERSION.invokeExact();
        if (version <= 0) {
            throw new Gate.Refusal("libalphabar has version " + version + " of its interface; it is not timed.");
        }
    }

    /**
     * The call.
     *
     * @return the version of the interface
     * @throws Throwable
     *             never
     */
    @Benchmark
    public int call() throws Throwable {
        return (int) Native.VERSION.invokeExact();
    }

    /**
     * What remains of a call that stays in Java.
     *
     * @return a number
     */
    @Benchmark
    public int java() {
        return seed;
    }
}
