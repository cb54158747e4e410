// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Solvers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What is timed on {@code cuda} is set up, queued, waited for and compared, on a library whose device is the host. It says nothing about
 * the kernels and nothing about their times.
 */
class PretendedDeviceTest {
    private static final Path LIBRARY = Path.of("..", "java", "cuda", "target", "cmake", "native", "test",
            "libalphabar_pretend.so").toAbsolutePath().normalize();
    /** More than the steps that are queued before a wait. */
    private static final int STEPS = 70;

    /** A table with another plan than the one that is compared with. */
    public static final class OtherSteps extends DeviceSteps {
        /** As JMH's states have it. */
        public OtherSteps() {
        }

        @Override
        SamplingPlan plan() {
            return SamplingPlan.of(TimeGrid.of(TabulatedSchedule.stableDiffusion(), Spacing.trailing(), steps),
                    Solvers.named("dpmpp-3m"), Prediction.EPSILON);
        }
    }

    /** Runs in a JVM whose device is pretended. */
    public static final class Main {
        private Main() {
        }

        /** Every row and type, and whole trajectories. */
        public static void main(String[] args) throws Throwable {
            for (Row row : Row.values()) {
                for (var dtype : Contenders.dtypes()) {
                    try (Workload w = new Workload(row, dtype, 1021);
                            Contender cuda = new BackendContender(w, "cuda", 1)) {
                        for (int i = 0; i < STEPS; i++) {
                            cuda.step();
                        }
                        Gate.check("cuda", w, cuda);
                    }
                }
            }
            Object trajectory = RefusalTest.state(WholeTrajectory.class, Map.of("backend", "cuda", "samples", "3"));
            RefusalTest.invoke(trajectory, Setup.class);
            RefusalTest.invoke(trajectory, TearDown.class);
            for (String mode : List.of("queued", "graph")) {
                Object steps = RefusalTest.state(DeviceSteps.class, Map.of("mode", mode, "elements", "1021"));
                RefusalTest.invoke(steps, Setup.class);
                RefusalTest.invoke(steps, Benchmark.class);
                RefusalTest.invoke(steps, TearDown.class);
            }
            assertThrows(Gate.Refusal.class, () -> RefusalTest
                    .invoke(RefusalTest.state(OtherSteps.class, Map.of("elements", "1021")), Setup.class));
            for (String memory : List.of("pageable", "pinned")) {
                Map<String, String> params = Map.of("memory", memory, "elements", "1021");
                Object detour = RefusalTest.state(HostDetour.class, params);
                RefusalTest.invoke(detour, Setup.class);
                RefusalTest.invoke(detour, Benchmark.class);
                RefusalTest.invoke(detour, TearDown.class);
            }
            assertThrows(Gate.Refusal.class, () -> RefusalTest.invoke(RefusalTest.state(HostDetour.class,
                    Map.of("backend", BrokenBackend.NAME, "elements", "1021")), Setup.class));
            System.out.println("all compared");
        }
    }

    @Test
    void stepsOnADeviceAreComparedAndTimed() throws Exception {
        boolean required = Boolean.getBoolean("alphabar.require.native");
        if (!Files.exists(LIBRARY)) {
            String missing = "There is no " + LIBRARY + "; install CMake and a C++ compiler and build alphabar-cuda.";
            assertTrue(!required, missing);
            Assumptions.abort(missing);
        }
        ProcessBuilder child = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-cp",
                System.getProperty("java.class.path"), Main.class.getName()).redirectErrorStream(true);
        // Before the library that the bindings bring: of two functions with one name, the first is called.
        child.environment().put("LD_PRELOAD", LIBRARY.toString());
        Process process = child.start();
        String output = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), output);
        assertTrue(output.contains("all compared"), output);
    }
}
