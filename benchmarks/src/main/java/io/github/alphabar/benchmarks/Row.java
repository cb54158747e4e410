// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.random.Normals;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The rows that are timed: the middle one of a plan of 20 steps, where every solver has reached its full order. */
enum Row {
    DDIM("DDIM", "ddim", Clip.NONE, null),
    DDIM_CLIPPED("DDIM clipped", "ddim", Clip.range(1), null),
    DDPM("DDPM, noise", "ddpm", Clip.NONE, null),
    DPMPP_2M("DPM-Solver++ 2M", "dpmpp-2m", Clip.NONE, null),
    DPMPP_3M("DPM-Solver++ 3M", "dpmpp-3m", Clip.NONE, null),
    DPMPP_2M_SDE("SDE-DPM-Solver++ 2M, noise", "dpmpp-2m-sde", Clip.NONE, null),
    PLMS("PLMS", "plms", Clip.NONE, null),
    DDIM_GUIDED("DDIM guided, from 2N", "ddim", Clip.NONE, Guidance.scale(7.5)),
    /** No sampler's row: standard normals, written. */
    NORMALS("normals", null, Clip.NONE, null);

    private static final int STEPS = 20;
    private static final int INDEX = 10;

    private final String title;
    private final String solver;
    private final Clip clip;
    private final Guidance guidance;

    Row(String title, String solver, Clip clip, Guidance guidance) {
        this.title = title;
        this.solver = solver;
        this.clip = clip;
        this.guidance = guidance;
    }

    /** How tables call it. */
    String title() {
        return title;
    }

    /** How parameters and options call it, for instance {@code dpmpp-2m}. */
    String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static Row named(String id) {
        return Arrays.stream(values())
                .filter(r -> r.id().equals(id))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("Unknown row '" + id + "'; the rows are "
                        + samplers().stream().map(Row::id).collect(Collectors.joining(", ")) + "."));
    }

    /** All but the normals. */
    static List<Row> samplers() {
        return Arrays.stream(values()).filter(r -> r != NORMALS).toList();
    }

    SamplingPlan plan() {
        if (this == NORMALS) {
            Level level = Level.of(0, 1, 0);
            Step step = new Step(0, level, level, 0, 0, 0, 0, 0, 0, 0, List.of(), 1, null, null);
            return new SamplingPlan("normals", Prediction.EPSILON, Clip.NONE, null, 1, List.of(step));
        }
        TimeGrid grid = TimeGrid.of(TabulatedSchedule.stableDiffusion(), Spacing.trailing(), STEPS);
        return SamplingPlan.of(grid, Solvers.named(solver), Prediction.EPSILON, clip, guidance);
    }

    private int index() {
        return this == NORMALS ? 0 : INDEX;
    }

    /** The row in double. */
    Step step() {
        return plan().steps().get(index());
    }

    /** The row as backends take it. */
    StepParams params(DType dtype) {
        return this == NORMALS ? StepParams.narrow(step(), Clip.NONE, Normals.Stream.INITIAL, dtype)
                : StepParams.narrow(plan(), index(), dtype);
    }

    /** The levels the network was evaluated at: this row's, the one before, the one before that. */
    List<Level> levels() {
        List<Step> steps = plan().steps();
        return List.of(steps.get(INDEX).at(), steps.get(INDEX - 1).at(), steps.get(INDEX - 2).at());
    }

    Clip clip() {
        return clip;
    }

    boolean isGuided() {
        return guidance != null;
    }

    double guidanceWeight() {
        return guidance.weight();
    }

    boolean isNoisy() {
        return step().isNoisy();
    }

    /** Tensors of the sample's size that the row reads. */
    int reads() {
        StepParams p = params(DType.F32);
        return (p.needsX(false) ? 1 : 0) + (p.needsG(false) ? isGuided() ? 2 : 1 : 0) + step().history().size();
    }

    /** Tensors of the sample's size that the row writes. */
    int writes() {
        return step().store() == null ? 1 : 2;
    }

    /** Bytes read and written in one step. */
    long bytes(DType dtype, long elements) {
        return (reads() + writes()) * elements * dtype.bytes();
    }
}
