// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.digits;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.research.cost.PointStore;
import io.github.alphabar.research.cost.Progress;
import io.github.alphabar.research.report.Page;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;

/** The field's experiments in miniature. Each adds its tables, pictures and verdicts to a page. */
public enum Experiment {
    /** Quality against steps for eta. */
    DDIM_TABLE_1("ddim-table-1", "Table 1 of the DDIM paper in miniature, with PLMS and DPM-Solver++ rows",
            DdimTable1::run),
    /** Encoding and decoding. */
    DDIM_TABLE_2("ddim-table-2", "Table 2 of the DDIM paper: encode by inversion, decode, error of a pixel",
            DdimTable2::run),
    /** Consistency and interpolation. */
    CONSISTENCY("consistency", "The same x_T at different numbers of steps, and slerp between two", Consistency::run),
    /** Null-text inversion. */
    NULL_TEXT("null-text", "Reconstruction of real digits under guidance: DDIM inversion against null-text inversion",
            NullText::run),
    /** Zero terminal SNR. */
    ZERO_SNR("zero-snr", "The mean-brightness defect, with and without zero terminal SNR", ZeroSnr::run),
    /** Progressive distillation. */
    DISTILLATION("distillation",
            "Progressive distillation: its target on a Gaussian, and one halving of the digits model",
            Distillation::run);

    private final String command;
    private final String title;
    private final BiConsumer<Workbench, Page> work;

    Experiment(String command, String title, BiConsumer<Workbench, Page> work) {
        this.command = command;
        this.title = title;
        this.work = work;
    }

    /**
     * Its name on the command line.
     *
     * @return for instance {@code zero-snr}
     */
    public String command() {
        return command;
    }

    /**
     * What it shows.
     *
     * @return a title
     */
    public String title() {
        return title;
    }

    /**
     * An experiment by its name.
     *
     * @param command
     *            the name
     * @return the experiment
     * @throws IllegalArgumentException
     *             for an unknown name, listing the known ones
     */
    public static Experiment named(String command) {
        return Arrays.stream(values())
                .filter(e -> e.command.equals(command))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("Unknown experiment '" + command
                        + "'; the experiments are "
                        + Arrays.stream(values()).map(Experiment::command).collect(Collectors.joining(", ")) + "."));
    }

    /**
     * How to run one.
     *
     * @param backend
     *            what computes the steps; stays open
     * @param threads
     *            of the network
     * @param full
     *            whether to run all of it, or the small version for the report
     * @param store
     *            where finished parts are kept
     * @param progress
     *            who looks on
     * @param student
     *            the ONNX file of a distilled student, or null
     */
    public record Setup(Backend backend, int threads, boolean full, PointStore store, Progress progress, Path student) {
    }

    /**
     * Runs the experiment.
     *
     * @param setup
     *            how
     * @param page
     *            receives its section
     */
    public void run(Setup setup, Page page) {
        try (Workbench bench = new Workbench(setup.backend, setup.threads, setup.full, setup.store, setup.progress,
                setup.student)) {
            work.accept(bench, page);
        }
    }
}
