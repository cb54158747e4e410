// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.grid;

import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToDoubleFunction;

/** What the spacings share: the checks and the two ways from points to levels. */
final class Grids {
    private Grids() {
    }

    /** A noise-to-signal ratio between max and min, u in [0, 1]. */
    interface Ramp {
        double at(double max, double min, double u);
    }

    static void checkSteps(NoiseSchedule schedule, int steps) {
        if (steps < 1 || (schedule.isDiscrete() && steps > schedule.trainSteps())) {
            throw new IllegalArgumentException("The number of steps must be from 1 to "
                    + (schedule.isDiscrete() ? schedule.trainSteps() + ", the training steps of the schedule" : "any")
                    + ", but got " + steps + ".");
        }
    }

    static void checkCount(String what, int have, int steps) {
        if (have != steps) {
            throw new IllegalArgumentException(
                    "The " + what + " given make " + have + " steps, but " + steps + " were asked for; ask for " + have
                            + ".");
        }
    }

    static void checkDecreasing(String what, List<Double> values, int least) {
        if (values.size() < least) {
            throw new IllegalArgumentException(
                    what + " need at least " + least + " values, but got " + values.size() + ".");
        }
        for (int i = 0; i < values.size(); i++) {
            if (Double.isNaN(values.get(i)) || (i > 0 && !(values.get(i) < values.get(i - 1)))) {
                throw new IllegalArgumentException(
                        what + " must decrease strictly, from noisy to clean, but value " + i + " is "
                                + values.get(i) + (i > 0 ? " after " + values.get(i - 1) : "") + ".");
            }
        }
    }

    /** A quotient in whole numbers, at least 0: a quotient of doubles would miss ties. */
    static double roundHalfEven(long dividend, long divisor) {
        long floor = dividend / divisor;
        long twice = 2 * (dividend % divisor);
        return twice > divisor || (twice == divisor && (floor & 1) == 1) ? floor + 1 : floor;
    }

    static double[] numbers(String list) {
        if (list == null || list.isBlank()) {
            throw new NumberFormatException("empty list");
        }
        String[] parts = list.split(",");
        double[] values = new double[parts.length];
        for (int i = 0; i < parts.length; i++) {
            values[i] = Double.parseDouble(parts[i].strip());
        }
        return values;
    }

    static Level end(NoiseSchedule schedule, FinalLevel end) {
        return end == FinalLevel.CLEAN ? Level.clean(schedule.cleanestTime()) : schedule.level(schedule.cleanestTime());
    }

    static TimeGrid ofTimes(NoiseSchedule schedule, FinalLevel end, int steps, IntToDoubleFunction time) {
        List<Level> levels = new ArrayList<>(steps + 1);
        for (int i = 0; i < steps; i++) {
            levels.add(schedule.level(time.applyAsDouble(i)));
        }
        levels.add(end(schedule, end));
        return new TimeGrid(schedule, levels);
    }

    static TimeGrid ofNoiseRatios(String name, NoiseSchedule schedule, int steps, FinalLevel end, Ramp ramp) {
        checkSteps(schedule, steps);
        Level noisiest = schedule.level(schedule.noisiestTime());
        Level cleanest = schedule.level(schedule.cleanestTime());
        if (noisiest.alpha() == 0) {
            throw new IllegalArgumentException(
                    "Spacing '" + name + "' needs a finite noise-to-signal ratio at the noisy end, but "
                            + "alpha is 0 there (zero terminal SNR); use trailing or linspace.");
        }
        int gaps = end == FinalLevel.CLEAN ? Math.max(1, steps - 1) : steps;
        List<Level> levels = new ArrayList<>(steps + 1);
        levels.add(noisiest);
        for (int i = 1; i < steps; i++) {
            if (i == gaps) {
                levels.add(cleanest);
            } else {
                double ratio = ramp.at(noisiest.noiseRatio(), cleanest.noiseRatio(), (double) i / gaps);
                levels.add(Level.ofNoiseRatio(schedule.timeAtLambda(-Math.log(ratio)), ratio));
            }
        }
        levels.add(end(schedule, end));
        return new TimeGrid(schedule, levels);
    }
}
