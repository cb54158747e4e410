// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.digits;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.research.cost.CostRunner;
import io.github.alphabar.research.cost.Point;
import io.github.alphabar.research.cost.PointStore;
import io.github.alphabar.research.cost.Progress;
import io.github.alphabar.research.cost.Setting;
import io.github.alphabar.research.report.Page;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExperimentTest {
    @TempDir
    private Path folder;

    private Page run(Experiment experiment, PointStore store, List<String> seen) {
        try (Backend backend = Backends.named("vector")) {
            Page page = new Page(experiment.title());
            Progress progress = (task, done, total) -> seen.add(task + " " + done + "/" + total);
            experiment.run(new Experiment.Setup(backend, 1, false, store, progress, null), page);
            return page;
        }
    }

    @Test
    void theBrightnessDefectAppearsAndDisappears() throws Exception {
        List<String> seen = new ArrayList<>();
        try (PointStore store = PointStore.open(folder.resolve("store"))) {
            Page page = run(Experiment.ZERO_SNR, store, seen);
            assertFalse(page.markdown().contains("Does not hold"), page.markdown());
            assertTrue(page.files().containsKey("zero-snr.png"));
            assertEquals("zero-snr 5/5", seen.getLast());
        }
        // An interrupted run goes on: nothing is computed again, and the page is the same.
        try (PointStore store = PointStore.open(folder.resolve("store"))) {
            assertEquals(5, store.resumed());
            String again = run(Experiment.ZERO_SNR, store, seen).markdown();
            assertTrue(again.contains("**Holds:**"));
        }
    }

    @Test
    void theTwoStepTargetIsExactOnAGaussian() throws Exception {
        try (PointStore store = PointStore.open(folder.resolve("store"))) {
            String text = run(Experiment.DISTILLATION, store, new ArrayList<>()).markdown();
            assertTrue(text.contains("**Holds:** The two-step target is exact"), text);
        }
    }

    @Test
    void slerpGoesFromEndToEndOnTheSphere() {
        float[] a = new float[64];
        float[] b = new float[64];
        a[0] = 2;
        b[1] = 2;
        float[] out = new float[64];
        Consistency.slerp(a, b, 0, 0, out, 0);
        assertArrayEquals(a, out, 1e-6f);
        Consistency.slerp(a, b, 0, 1, out, 0);
        assertArrayEquals(b, out, 1e-6f);
        Consistency.slerp(a, b, 0, 0.5, out, 0);
        assertEquals(Math.sqrt(2), out[0], 1e-6);
        assertEquals(Math.sqrt(2), out[1], 1e-6);
        Consistency.slerp(a, a, 0, 0.3, out, 0);
        assertArrayEquals(a, out, 1e-6f);
    }

    /** A real network has the right order of things: more calls are better, order 2 beats order 1. */
    @Test
    void theDigitsModelIsAProblemLikeTheOthers() {
        try (Backend backend = Backends.named("vector"); DigitsProblem digits = new DigitsProblem(backend, 1)) {
            CostRunner runner = new CostRunner(Map.of("digits", digits), Map.of(), Map.of(), backend);
            double ten = runner.run(setting("ddim", "leading", 10)).rms();
            double fifty = runner.run(setting("ddim", "leading", 50)).rms();
            double second = runner.run(setting("dpmpp-2m", "uniform-lambda", 50)).rms();
            assertTrue(fifty < ten && second < fifty, ten + ", " + fifty + ", " + second);
            Point noisy = runner.run(setting("ddpm", "leading", 10));
            assertTrue(noisy.reason().contains("is not known exactly"), noisy.reason());
        }
    }

    private static Setting setting(String solver, String spacing, int nfe) {
        return new Setting("digits", "own", solver, 0, spacing, "clean", "none", "f32", nfe, 8, 0);
    }

    @Test
    void anUnknownExperimentListsTheKnownOnes() {
        String message = assertThrows(IllegalArgumentException.class, () -> Experiment.named("table")).getMessage();
        assertTrue(message.contains("ddim-table-1, ddim-table-2, consistency, null-text, zero-snr, distillation"),
                message);
    }
}
