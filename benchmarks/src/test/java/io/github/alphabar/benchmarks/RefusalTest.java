// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/** A wrong kernel is not timed. */
class RefusalTest {
    /** One vector of 16 and a tail; enough to see a change of one coefficient's last bit in some element. */
    private static final long ELEMENTS = 1021;

    /** The classes JMH would run, from the list it reads itself. */
    static List<Class<?>> benchmarks() throws IOException, ClassNotFoundException {
        TreeSet<String> names = new TreeSet<>();
        try (var in = RefusalTest.class.getResourceAsStream("/META-INF/BenchmarkList")) {
            String list = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            for (String word : list.split("\\s+")) {
                if (word.startsWith("io.github.alphabar.benchmarks.") && !word.contains("jmh_generated")) {
                    names.add(word);
                }
            }
        }
        List<Class<?>> classes = new java.util.ArrayList<>();
        for (String name : names) {
            classes.add(Class.forName(name));
        }
        return classes;
    }

    /** Those that need a device are looked at where there is one, or one is pretended. */
    private static boolean hasBackend(Class<?> type) {
        return type != HostDetour.class && Arrays.stream(type.getFields()).anyMatch(f -> f.getName().equals("backend"));
    }

    /** A state as JMH makes it, with some parameters set and the others at their defaults. */
    static Object state(Class<?> type, Map<String, String> params) throws ReflectiveOperationException {
        Object state = type.getConstructor().newInstance();
        for (Field field : type.getFields()) {
            Param param = field.getAnnotation(Param.class);
            if (param != null) {
                String value = params.getOrDefault(field.getName(), param.value()[0]);
                if (field.getType() == long.class) {
                    field.setLong(state, Long.parseLong(value));
                } else if (field.getType() == int.class) {
                    field.setInt(state, Integer.parseInt(value));
                } else {
                    field.set(state, value);
                }
            }
        }
        return state;
    }

    static void invoke(Object state, Class<? extends java.lang.annotation.Annotation> annotation) throws Throwable {
        for (Method method : state.getClass().getMethods()) {
            if (method.isAnnotationPresent(annotation)) {
                try {
                    method.invoke(state);
                } catch (InvocationTargetException e) {
                    throw e.getCause();
                }
            }
        }
    }

    @Test
    void theListHasEveryBenchmark() throws Exception {
        assertEquals(
                List.of("DeviceSteps", "Floor", "FusedStep", "HostDetour", "JniCall", "NormalDraws",
                        "PlanConstruction", "StepOverhead", "WholeTrajectory"),
                benchmarks().stream().map(Class::getSimpleName).toList());
    }

    @ParameterizedTest
    @MethodSource("benchmarks")
    void aBackendWithOneCoefficientChangedIsNotTimed(Class<?> type) throws Exception {
        if (!hasBackend(type)) {
            assertTrue(List.of("DeviceSteps", "Floor", "HostDetour", "JniCall", "PlanConstruction")
                    .contains(type.getSimpleName()), type.toString());
            return;
        }
        Object state = state(type, Map.of("backend", BrokenBackend.NAME, "elements", Long.toString(ELEMENTS)));
        Gate.Refusal refusal = assertThrows(Gate.Refusal.class, () -> invoke(state, Setup.class));
        assertTrue(refusal.getMessage().contains("bit for bit") && refusal.getMessage().contains("is not timed"),
                refusal.getMessage());
    }

    @ParameterizedTest
    @MethodSource("benchmarks")
    void aRightBackendIsTimed(Class<?> type) throws Throwable {
        if (hasBackend(type)) {
            Object state = state(type, Map.of("backend", "vector", "elements", Long.toString(ELEMENTS)));
            invoke(state, Setup.class);
            invoke(state, org.openjdk.jmh.annotations.Benchmark.class);
            invoke(state, TearDown.class);
        }
    }

    @ParameterizedTest
    @EnumSource(Row.class)
    void everyRowAndTypeIsRefusedWhereACoefficientIsChanged(Row row) {
        for (var dtype : Contenders.dtypes()) {
            try (Workload w = new Workload(row, dtype, ELEMENTS)) {
                assertThrows(Gate.Refusal.class, () -> Contenders.open(BrokenBackend.NAME, w, 1), row + " " + dtype);
                Contenders.open("vector", w, 1).close();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Row.class)
    void everyPeersFormulaIsTheRowsAndAWrongOneIsRefused(Row row) {
        // Moments of normals need more of them: 6 deviations of 65,536 are 3.3%, less than a fifth.
        try (Workload w = new Workload(row, io.github.alphabar.tensor.DType.F32,
                row == Row.NORMALS ? 65_536 : ELEMENTS)) {
            Contenders.open(JavaPeer.NAME, w, 1).close();
            assertThrows(Gate.Refusal.class, () -> Contenders.open(BrokenPeer.NAME, w, 1));
        }
    }

    @Test
    void normalsOfOtherLibrariesAreStandard() {
        try (Workload w = new Workload(Row.NORMALS, io.github.alphabar.tensor.DType.F32, 65_536)) {
            for (String name : List.of("jdk", "commons-rng")) {
                Contenders.open(name, w, 1).close();
            }
        }
    }

    @Test
    void everyFloorComputesWhatItSays() throws Throwable {
        for (String kind : List.of(Floor.C, Floor.C_AROUND_CACHE, Floor.JAVA, Floor.C_COPY, Floor.JAVA_COPY)) {
            boolean copy = kind.endsWith("copy");
            for (int reads = 1; reads <= (copy ? 1 : 5); reads++) {
                for (int writes = 1; writes <= (copy ? 1 : 2); writes++) {
                    for (int threads : new int[] {1, 3}) {
                        Map<String, String> params = new TreeMap<>(Map.of("kind", kind, "reads", "" + reads, "writes",
                                "" + writes, "bytes", "4160", "threads", "" + threads));
                        Object floor = state(Floor.class, params);
                        try {
                            invoke(floor, Setup.class);
                        } catch (UnsupportedOperationException e) {
                            // No C compiler, or no AVX-512: a floor that is not here is not wrong.
                            assertTrue(kind.startsWith("c"), e.getMessage());
                            continue;
                        }
                        invoke(floor, TearDown.class);
                    }
                }
            }
        }
    }

    @Test
    void aRowsStreamsAreCounted() {
        assertEquals(3, Row.DDIM.reads() + Row.DDIM.writes());
        assertEquals(5, Row.DPMPP_2M.reads() + Row.DPMPP_2M.writes());
        assertEquals(6, Row.DPMPP_3M.reads() + Row.DPMPP_3M.writes());
        assertEquals(7, Row.PLMS.reads() + Row.PLMS.writes());
        assertEquals(4, Row.DDIM_GUIDED.reads() + Row.DDIM_GUIDED.writes());
        assertEquals(1, Row.NORMALS.reads() + Row.NORMALS.writes());
        assertEquals(3L * 2 * ELEMENTS, Row.DDPM.bytes(io.github.alphabar.tensor.DType.F16, ELEMENTS));
    }
}
