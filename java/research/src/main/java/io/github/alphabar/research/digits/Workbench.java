// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.digits;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.research.cost.PointStore;
import io.github.alphabar.research.cost.Progress;
import java.nio.file.Path;
import java.util.function.Supplier;

/** What an experiment works with: the digits model, how large it is to be, and where its finished parts are kept. */
final class Workbench implements AutoCloseable {
    private final DigitsLab lab;
    private final boolean full;
    private final PointStore store;
    private final Progress progress;
    private final Path student;

    Workbench(Backend backend, int threads, boolean full, PointStore store, Progress progress, Path student) {
        lab = new DigitsLab(backend, threads);
        this.full = full;
        this.store = store;
        this.progress = progress;
        this.student = student;
    }

    DigitsLab lab() {
        return lab;
    }

    /** Whether this is the experiment itself, and not the small version within the report. */
    boolean isFull() {
        return full;
    }

    int size(int whole, int small) {
        return full ? whole : small;
    }

    /** The student of progressive distillation, or null. */
    Path student() {
        return student;
    }

    void at(String task, int done, int total) {
        progress.at(task, done, total);
    }

    /** A part of the work, taken from an interrupted run where that had finished it. */
    <T> T part(String key, Class<T> type, Supplier<T> work) {
        T known = store.get(key, type);
        if (known != null) {
            return known;
        }
        T made = work.get();
        store.put(key, made);
        return made;
    }

    @Override
    public void close() {
        lab.close();
    }
}
