// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.grid;

import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;

/**
 * The levels a sampler visits. Edge i goes from level i to level i + 1; a step is addressed by its edge, never searched for by
 * its timestep. Immutable.
 *
 * @param schedule
 *            the schedule the levels were taken from
 * @param levels
 *            N + 1 levels, the last one is the end
 * @param firstEdge
 *            the number of the first edge in the grid this one was cut from by {@link #from(int)}; noise is drawn by absolute
 *            edge, so that a shortened trajectory sees the same noise
 */
public record TimeGrid(NoiseSchedule schedule, List<Level> levels, int firstEdge) {

    /** Checks that there is at least one edge and that noise changes in one direction only. */
    public TimeGrid {
        Objects.requireNonNull(schedule, "schedule");
        levels = List.copyOf(levels);
        if (levels.size() < 2) {
            throw new IllegalArgumentException(
                    "A grid needs at least one edge, two levels, but got " + levels.size() + ".");
        }
        boolean reversed = levels.getLast().lambda() < levels.getFirst().lambda();
        for (int i = 0; i + 1 < levels.size(); i++) {
            double here = levels.get(i).lambda();
            double next = levels.get(i + 1).lambda();
            if (reversed ? next > here : next < here) {
                throw new IllegalArgumentException(
                        "Noise must " + (reversed ? "grow" : "fall") + " along the grid, but level "
                                + i + " (t=" + levels.get(i).t() + ") is followed by t=" + levels.get(i + 1).t()
                                + "; list the times from noisy to clean.");
            }
        }
    }

    /**
     * A grid that starts at its own first edge.
     *
     * @param schedule
     *            the schedule
     * @param levels
     *            N + 1 levels
     */
    public TimeGrid(NoiseSchedule schedule, List<Level> levels) {
        this(schedule, levels, 0);
    }

    /**
     * A grid that ends at the clean level.
     *
     * @param schedule
     *            the schedule
     * @param spacing
     *            how the times are chosen
     * @param steps
     *            N, from 1 to the number of training steps
     * @return N edges
     */
    public static TimeGrid of(NoiseSchedule schedule, Spacing spacing, int steps) {
        return spacing.grid(schedule, steps, FinalLevel.CLEAN);
    }

    /**
     * The number of edges.
     *
     * @return N
     */
    public int edges() {
        return levels.size() - 1;
    }

    /**
     * The level an edge starts from.
     *
     * @param edge
     *            0 .. edges() - 1; edges() gives the final level
     * @return the level
     */
    public Level level(int edge) {
        return levels.get(edge);
    }

    /**
     * Whether noise grows along the grid, as in inversion.
     *
     * @return true for a reversed grid
     */
    public boolean isReversed() {
        return levels.getLast().lambda() < levels.getFirst().lambda();
    }

    /**
     * The same edges walked the other way: the grid of an inversion.
     *
     * @return a grid from the last level to the first
     */
    public TimeGrid reversed() {
        List<Level> back = new ArrayList<>(levels);
        Collections.reverse(back);
        return new TimeGrid(schedule, back, firstEdge);
    }

    /**
     * The rest of the grid from an edge on: how image-to-image starts.
     *
     * @param edge
     *            0 .. edges() - 1
     * @return the edges edge .. edges() - 1
     */
    public TimeGrid from(int edge) {
        if (edge < 0 || edge >= edges()) {
            throw new IllegalArgumentException(
                    "The grid has the edges 0 to " + (edges() - 1) + ", but got " + edge + " to start from.");
        }
        return new TimeGrid(schedule, levels.subList(edge, levels.size()), firstEdge + edge);
    }

    /**
     * The end of the grid that changes an image by a given strength.
     *
     * @param strength
     *            in (0, 1]: the share of the edges to run, rounded down, at least one; 1 runs all
     * @return the last {@code floor(strength * edges())} edges
     */
    public TimeGrid fromStrength(double strength) {
        if (!(strength > 0 && strength <= 1)) {
            throw new IllegalArgumentException("Strength is a share of the steps in (0, 1], but got " + strength + ".");
        }
        // The product of a decimal strength and N falls a hair short of the whole number meant (0.29 * 100 = 28.999..).
        int keep = Math.max(1, (int) Math.floor(strength * edges() + 1e-9));
        return from(edges() - keep);
    }
}
