// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.schedule.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Operation by operation in Java, with a sigma that is off by a thousandth. */
public final class BrokenPeer implements Peer {
    static final String NAME = "broken-peer";

    /** For the service loader. */
    public BrokenPeer() {
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.empty();
    }

    @Override
    public Contender open(Task task, int threads) {
        if (task.row().equals("normals")) {
            // A generator whose variance is too large by a fifth.
            return new NormalsContender(NAME, task, () -> Math.sqrt(1.2) * random.nextGaussian());
        }
        List<Level> levels = new ArrayList<>(task.levels());
        Level at = levels.getFirst();
        levels.set(0, new Level(at.t(), at.alpha(), at.sigma() * 1.001, at.lambda()));
        Task changed = new Task(task.row(), task.dtype(), task.elements(), levels, task.to(), task.range(),
                task.guidance(), task.x(), task.output(), task.history(), task.noise());
        return new JavaPeer().open(changed, threads);
    }

    private final java.util.SplittableRandom random = new java.util.SplittableRandom(7);
}
