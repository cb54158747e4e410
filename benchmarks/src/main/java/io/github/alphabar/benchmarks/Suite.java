// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * What a set times, in order: what is compared stands near each other in time. The first and the last points are the same, and their
 * difference is the noise of the run.
 */
final class Suite {
    static final long SD = 4 * 64 * 64;
    static final long SDXL = 4 * 128 * 128;
    static final long MIO = 1 << 20;
    static final long MIO16 = 1 << 24;
    static final long MIO64 = 1 << 26;
    /** Every row is timed at these. */
    static final List<Long> SIZES = List.of(SD, SDXL, MIO, MIO16, MIO64);
    /** Between and beside the other sizes, where the host and a device are compared. */
    static final List<Long> CROSSOVER = List.of(1L << 10, 1L << 12, SD, SDXL, 1L << 18, MIO, 1L << 22,
            MIO16);

    /** Which of the sets. */
    enum Size {
        /** Under three minutes on two cores. */
        QUICK(2, 4, TimeValue.milliseconds(80)),
        /** Some 17 minutes on two cores. */
        FULL(3, 5, TimeValue.milliseconds(150));

        final int warmups;
        final int iterations;
        final TimeValue time;

        Size(int warmups, int iterations, TimeValue time) {
            this.warmups = warmups;
            this.iterations = iterations;
            this.time = time;
        }
    }

    static final int FORKS = 2;

    private final Predicate<String> runs;
    private final boolean floors;
    private final int processors;
    private final List<Point> points = new ArrayList<>();

    private Suite(Predicate<String> runs, boolean floors, int processors) {
        this.runs = runs;
        this.floors = floors;
        this.processors = processors;
    }

    /**
     * Lays out a set.
     *
     * @param size
     *            which
     * @param runs
     *            whether a backend or peer can run here and was asked for
     * @param floors
     *            whether there is a C floor
     * @param processors
     *            the processors of the machine
     */
    static List<Point> of(Size size, Predicate<String> runs, boolean floors, int processors) {
        Suite suite = new Suite(runs, floors, processors);
        suite.repeated();
        List<Point> repeated = List.copyOf(suite.points);
        if (size == Size.QUICK) {
            suite.quick();
        } else {
            suite.full();
        }
        suite.points.addAll(repeated);
        return List.copyOf(suite.points);
    }

    /** Compared at the beginning and at the end. */
    private void repeated() {
        for (long elements : List.of(SD, MIO16)) {
            step("vector", Row.DDIM, DType.F32, elements, 1);
            if (floors) {
                floor(Floor.C, 2, 1, elements * 4, 1);
            }
        }
    }

    private void quick() {
        for (long elements : List.of(SD, MIO16)) {
            for (Row row : List.of(Row.DDIM, Row.DPMPP_2M, Row.DDPM)) {
                floors(row, DType.F32, elements, 1);
                step("vector", row, DType.F32, elements, 1);
                step("native", row, DType.F32, elements, 1);
                step("cuda", row, DType.F32, elements, 1);
            }
            copies(elements);
        }
        step("scalar", Row.DDIM, DType.F32, SD, 1);
        for (Row row : List.of(Row.DDIM, Row.DPMPP_2M, Row.DDPM)) {
            peers(row, SD);
        }
        for (String backend : List.of("vector", "native", "cuda")) {
            step(backend, Row.DDIM, DType.F16, MIO16, 1);
        }
        normals(SD);
        overheads();
        plan("dpmpp-2m", 1000);
        if (runs.test("cuda")) {
            once(new Point("HostDetour", "run",
                    Map.of("backend", "vector", "memory", "pageable", "elements", Long.toString(SD)), 1));
            queued("queued", 20, SD);
            queued("graph", 20, SD);
        }
    }

    private void full() {
        for (long elements : SIZES) {
            if (elements == MIO64 && !runs.test("cuda")) {
                continue;
            }
            copies(elements);
            for (Row row : Row.samplers()) {
                floors(row, DType.F32, elements, 1);
                step("vector", row, DType.F32, elements, 1);
                step("native", row, DType.F32, elements, 1);
                step("cuda", row, DType.F32, elements, 1);
                boolean deep = row == Row.DDIM || row == Row.DPMPP_2M || row == Row.DDPM;
                if (elements == SD || (deep && (elements == MIO || elements == MIO16))) {
                    peers(row, elements);
                }
                if (elements == SD) {
                    step("scalar", row, DType.F32, elements, 1);
                }
            }
        }
        for (long elements : List.of(SD, MIO16)) {
            for (DType dtype : List.of(DType.F16, DType.BF16)) {
                for (Row row : List.of(Row.DDIM, Row.DPMPP_2M, Row.DDPM)) {
                    floors(row, dtype, elements, 1);
                    step("vector", row, dtype, elements, 1);
                    step("native", row, dtype, elements, 1);
                    step("cuda", row, dtype, elements, 1);
                }
            }
        }
        if (processors > 1) {
            for (long elements : List.of(MIO, MIO16)) {
                for (Row row : List.of(Row.DDIM, Row.DDPM)) {
                    floors(row, DType.F32, elements, processors);
                    step("vector", row, DType.F32, elements, processors);
                    step("native", row, DType.F32, elements, processors);
                }
            }
        }
        normals(SD);
        normals(MIO);
        overheads();
        plan("dpmpp-2m", 20);
        plan("dpmpp-2m", 1000);
        for (int steps : List.of(1, 20)) {
            trajectory(steps, 1, SD);
            trajectory(steps, 8, SD);
        }
        if (runs.test("cuda")) {
            device();
        }
    }

    /** Where a device begins to pay, what a detour by way of the host costs, and what queuing does. */
    private void device() {
        for (long elements : CROSSOVER) {
            for (String backend : List.of("vector", "native", "cuda")) {
                step(backend, Row.DDIM, DType.F32, elements, 1);
            }
        }
        for (long elements : List.of(SD, SDXL, MIO, MIO16)) {
            for (String memory : List.of("pageable", "pinned")) {
                once(new Point("HostDetour", "run",
                        Map.of("backend", "vector", "memory", memory, "elements", Long.toString(elements)), 1));
            }
        }
        for (int steps : List.of(1, 20)) {
            for (long elements : List.of(SD, SDXL)) {
                queued("queued", steps, elements);
                queued("graph", steps, elements);
            }
        }
    }

    private void queued(String mode, int steps, long elements) {
        once(new Point("DeviceSteps", "run",
                Map.of("mode", mode, "steps", Integer.toString(steps), "elements", Long.toString(elements)), 1));
    }

    private void step(String backend, Row row, DType dtype, long elements, int threads) {
        if (runs.test(backend)) {
            // Operation by operation in Java needs room for its garbage.
            int heap = backend.equals(JavaPeer.NAME) && elements >= MIO16 ? 4 : 1;
            once(new Point("FusedStep", "step", Map.of("backend", backend, "row", row.id(), "dtype", dtype.name(),
                    "elements", Long.toString(elements), "threads", Integer.toString(threads)), heap));
        }
    }

    private void peers(Row row, long elements) {
        step(JavaPeer.NAME, row, DType.F32, elements, 1);
        step(Contenders.TORCH, row, DType.F32, elements, 1);
    }

    /** The streams of a row, once for each number of them. */
    private void floors(Row row, DType dtype, long elements, int threads) {
        long bytes = elements * dtype.bytes();
        List<String> kinds = new ArrayList<>();
        if (floors) {
            kinds.add(Floor.C);
            if (elements >= MIO16 && dtype == DType.F32) {
                kinds.add(Floor.C_AROUND_CACHE);
            }
        }
        if (dtype == DType.F32 && threads == 1 && elements == SD) {
            kinds.add(Floor.JAVA);
        }
        for (String kind : kinds) {
            floor(kind, row.reads(), row.writes(), bytes, threads);
        }
    }

    private void copies(long elements) {
        if (floors) {
            floor(Floor.C_COPY, 1, 1, elements * 4, 1);
        }
        floor(Floor.JAVA_COPY, 1, 1, elements * 4, 1);
    }

    private void floor(String kind, int reads, int writes, long bytes, int threads) {
        once(new Point("Floor", "run", Map.of("kind", kind, "reads", Integer.toString(reads), "writes",
                Integer.toString(writes), "bytes", Long.toString(bytes), "threads", Integer.toString(threads)),
                kind.equals(Floor.JAVA) ? 2 : 1));
    }

    private void once(Point point) {
        if (!points.contains(point)) {
            points.add(point);
        }
    }

    private void normals(long elements) {
        for (String source : List.of("vector", "native", "cuda", "jdk", "commons-rng", Contenders.TORCH)) {
            if (runs.test(source)) {
                once(new Point("NormalDraws", "fill",
                        Map.of("backend", source, "elements", Long.toString(elements)), 1));
            }
        }
    }

    private void overheads() {
        for (String backend : List.of("vector", "native", "cuda")) {
            if (runs.test(backend)) {
                once(new Point("StepOverhead", "step", Map.of("backend", backend), 1));
            }
        }
        if (runs.test("native")) {
            once(new Point("JniCall", "call", Map.of(), 1));
            once(new Point("JniCall", "java", Map.of(), 1));
        }
    }

    private void plan(String solver, int steps) {
        once(new Point("PlanConstruction", "plan", Map.of("solver", solver, "steps", Integer.toString(steps)), 1));
    }

    private void trajectory(int steps, int samples, long elements) {
        for (String backend : List.of("vector", "native", "cuda")) {
            if (runs.test(backend)) {
                once(new Point("WholeTrajectory", "run", Map.of("backend", backend, "steps",
                        Integer.toString(steps), "samples", Integer.toString(samples), "elements",
                        Long.toString(elements)), 1));
            }
        }
    }
}
