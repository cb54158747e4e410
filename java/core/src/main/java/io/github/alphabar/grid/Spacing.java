// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.grid;

import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How the times of a grid are chosen. For N steps on a discrete schedule of T training steps:
 *
 * <pre>
 * leading(offset)   i (T div N) + offset,  i = N-1 .. 0             DDPM, DDIM; Stable Diffusion with offset 1
 * linspace          N points from T-1 to 0, rounded half to even    iDDPM
 * trailing          round(T - i T/N) - 1,  i = 0 .. N-1             few-step and zero-terminal-SNR models (Lin et al. 2023)
 * quadratic         floor of (N points from 0 to sqrt(0.8 T))^2     DDIM, section D.2
 * uniformLambda     N points uniform in lambda                      DPM-Solver; k-diffusion calls it exponential
 * karras(rho)       N points uniform in sigma^(1/rho)               Karras et al. 2022, eq. 5
 * timesteps, sigmas taken verbatim
 * </pre>
 *
 * After the N points comes the final level. With {@link FinalLevel#LEAST_NOISE} the spacings that reach the clean end of the
 * schedule by themselves (linspace, uniformLambda, karras) place N + 1 points, the last of which is the final level.
 *
 * <p>
 * Spacings are immutable values.
 */
public sealed interface Spacing {

    /**
     * Chooses the levels.
     *
     * @param schedule
     *            the schedule
     * @param steps
     *            N, at least 1 and at most the number of training steps
     * @param end
     *            the level after the last step
     * @return a grid of N edges
     * @throws IllegalArgumentException
     *             where N is out of range or the schedule cannot be spaced this way
     */
    TimeGrid grid(NoiseSchedule schedule, int steps, FinalLevel end);

    /**
     * Multiples of T div N plus an offset.
     *
     * @param offset
     *            added to every timestep, at least 0
     */
    record Leading(int offset) implements Spacing {
        /** Checks the offset. */
        public Leading {
            if (offset < 0) {
                throw new IllegalArgumentException(
                        "The offset of leading spacing is at least 0, but got " + offset + ".");
            }
        }

        @Override
        public TimeGrid grid(NoiseSchedule schedule, int steps, FinalLevel end) {
            int stride = discreteSteps("leading", schedule, steps) / steps;
            return Grids.ofTimes(schedule, end, steps, i -> (double) (steps - 1 - i) * stride + offset);
        }
    }

    /** Equally spaced from the noisiest time to the cleanest, both included. */
    record Linspace() implements Spacing {
        @Override
        public TimeGrid grid(NoiseSchedule schedule, int steps, FinalLevel end) {
            Grids.checkSteps(schedule, steps);
            double start = schedule.noisiestTime();
            double stop = schedule.cleanestTime();
            int gaps = end == FinalLevel.CLEAN ? Math.max(1, steps - 1) : steps;
            return Grids.ofTimes(schedule, end, steps, i -> {
                double t = i == gaps ? stop : start + i * ((stop - start) / gaps);
                return schedule.isDiscrete() ? Math.rint(t) : t;
            });
        }
    }

    /** Equally spaced, ending one stride above the clean end. */
    record Trailing() implements Spacing {
        @Override
        public TimeGrid grid(NoiseSchedule schedule, int steps, FinalLevel end) {
            Grids.checkSteps(schedule, steps);
            if (!schedule.isDiscrete()) {
                double start = schedule.noisiestTime();
                return Grids.ofTimes(schedule, end, steps, i -> start * (steps - i) / steps);
            }
            long total = schedule.trainSteps();
            // (steps - i) total / steps, rounded half to even in whole numbers: a float quotient would miss ties.
            return Grids.ofTimes(schedule, end, steps, i -> {
                long product = (steps - i) * total;
                long floor = product / steps;
                long twice = 2 * (product % steps);
                long rounded = twice > steps || (twice == steps && (floor & 1) == 1) ? floor + 1 : floor;
                return rounded - 1;
            });
        }
    }

    /** Dense near the clean end: the squares of an even spacing (Song et al. 2020, arXiv:2010.02502, section D.2). */
    record Quadratic() implements Spacing {
        @Override
        public TimeGrid grid(NoiseSchedule schedule, int steps, FinalLevel end) {
            Grids.checkSteps(schedule, steps);
            if (!schedule.isDiscrete()) {
                double start = Math.sqrt(schedule.noisiestTime());
                double stop = Math.sqrt(schedule.cleanestTime());
                int gaps = end == FinalLevel.CLEAN ? Math.max(1, steps - 1) : steps;
                return Grids.ofTimes(schedule, end, steps, i -> {
                    double root = start + i * ((stop - start) / gaps);
                    return i == 0 ? schedule.noisiestTime() : root * root;
                });
            }
            double root = Math.sqrt(0.8 * schedule.trainSteps());
            double[] ascending = new double[steps];
            for (int i = 0; i < steps; i++) {
                double r = steps == 1 ? root : root * i / (steps - 1);
                // Many small squares share a floor; the next free timestep keeps every edge a real one.
                ascending[i] = Math.max(Math.floor(r * r), i == 0 ? 0 : ascending[i - 1] + 1);
            }
            return Grids.ofTimes(schedule, end, steps, i -> ascending[steps - 1 - i]);
        }
    }

    /** Uniform in lambda, half the log signal-to-noise ratio (Lu et al. 2022, arXiv:2206.00927, section 3.4). */
    record UniformLambda() implements Spacing {
        @Override
        public TimeGrid grid(NoiseSchedule schedule, int steps, FinalLevel end) {
            return Grids.ofNoiseRatios("uniform-lambda", schedule, steps, end, (max, min, u) -> {
                double low = Math.log(max);
                return Math.exp(low + u * (Math.log(min) - low));
            });
        }
    }

    /**
     * Uniform in {@code sigma^(1/rho)}, where sigma is the noise-to-signal ratio (Karras et al. 2022, arXiv:2206.00364, eq. 5).
     *
     * @param rho
     *            at least 1; 7 is usual
     */
    record Karras(double rho) implements Spacing {
        /** Checks rho. */
        public Karras {
            if (!(rho >= 1 && Double.isFinite(rho))) {
                throw new IllegalArgumentException("Karras spacing needs rho >= 1 (7 is usual), but got " + rho + ".");
            }
        }

        @Override
        public TimeGrid grid(NoiseSchedule schedule, int steps, FinalLevel end) {
            return Grids.ofNoiseRatios("karras", schedule, steps, end, (max, min, u) -> {
                double top = Math.pow(max, 1 / rho);
                return Math.pow(top + u * (Math.pow(min, 1 / rho) - top), rho);
            });
        }
    }

    /**
     * Times as given, from noisy to clean; the number of steps asked for must agree.
     *
     * @param times
     *            strictly decreasing times of the schedule, fractions allowed
     */
    record Timesteps(List<Double> times) implements Spacing {
        /** Checks the order. */
        public Timesteps {
            times = List.copyOf(times);
            Grids.checkDecreasing("Timesteps", times, 1);
        }

        @Override
        public TimeGrid grid(NoiseSchedule schedule, int steps, FinalLevel end) {
            Grids.checkCount("timesteps", times.size(), steps);
            List<Level> levels = new ArrayList<>();
            times.forEach(t -> levels.add(schedule.level(t)));
            levels.add(Grids.end(schedule, end));
            return new TimeGrid(schedule, levels);
        }
    }

    /**
     * Noise-to-signal ratios as given, every level of the grid including the final one: N + 1 values for N steps, as k-diffusion
     * writes them; a last value of 0 is the clean level.
     *
     * @param ratios
     *            strictly decreasing, at least 0
     */
    record Sigmas(List<Double> ratios) implements Spacing {
        /** Checks the order. */
        public Sigmas {
            ratios = List.copyOf(ratios);
            Grids.checkDecreasing("Sigmas", ratios, 2);
            if (!(ratios.getLast() >= 0) || !Double.isFinite(ratios.getFirst())) {
                throw new IllegalArgumentException("Sigmas are finite noise-to-signal ratios of at least 0, but got "
                        + ratios.getFirst() + " .. " + ratios.getLast() + ".");
            }
        }

        @Override
        public TimeGrid grid(NoiseSchedule schedule, int steps, FinalLevel end) {
            Grids.checkCount("sigmas", ratios.size() - 1, steps);
            List<Level> levels = new ArrayList<>();
            for (double ratio : ratios) {
                levels.add(ratio == 0 ? Level.clean(schedule.isDiscrete() ? 0 : schedule.cleanestTime())
                        : Level.ofNoiseRatio(schedule.timeAtLambda(-Math.log(ratio)), ratio));
            }
            return new TimeGrid(schedule, levels);
        }
    }

    /**
     * Leading spacing.
     *
     * @param offset
     *            added to every timestep; 1 for Stable Diffusion
     * @return the spacing
     */
    static Spacing leading(int offset) {
        return new Leading(offset);
    }

    /**
     * Linear spacing.
     *
     * @return the spacing
     */
    static Spacing linspace() {
        return new Linspace();
    }

    /**
     * Trailing spacing.
     *
     * @return the spacing
     */
    static Spacing trailing() {
        return new Trailing();
    }

    /**
     * Quadratic spacing.
     *
     * @return the spacing
     */
    static Spacing quadratic() {
        return new Quadratic();
    }

    /**
     * Uniform-lambda spacing.
     *
     * @return the spacing
     */
    static Spacing uniformLambda() {
        return new UniformLambda();
    }

    /**
     * The spacing k-diffusion calls exponential: log(sigma) is linear, which is uniform lambda under another name.
     *
     * @return the spacing
     */
    static Spacing exponential() {
        return new UniformLambda();
    }

    /**
     * Karras spacing.
     *
     * @param rho
     *            at least 1
     * @return the spacing
     */
    static Spacing karras(double rho) {
        return new Karras(rho);
    }

    /**
     * Explicit times.
     *
     * @param times
     *            strictly decreasing
     * @return the spacing
     */
    static Spacing timesteps(double... times) {
        return new Timesteps(Arrays.stream(times).boxed().toList());
    }

    /**
     * Explicit noise-to-signal ratios.
     *
     * @param ratios
     *            N + 1 strictly decreasing values
     * @return the spacing
     */
    static Spacing sigmas(double... ratios) {
        return new Sigmas(Arrays.stream(ratios).boxed().toList());
    }

    /**
     * A spacing by its name on the command line and in files: {@code leading}, {@code leading:1}, {@code karras:5} and so on;
     * {@code timesteps:999,500,0} and {@code sigmas:14.6,2,0} take lists.
     *
     * @param text
     *            the name, with a parameter after a colon where the spacing has one
     * @return the spacing
     * @throws IllegalArgumentException
     *             for an unknown name, listing the known ones
     */
    static Spacing parse(String text) {
        String[] parts = text.strip().split(":", 2);
        String argument = parts.length > 1 ? parts[1] : null;
        try {
            return switch (parts[0]) {
                case "leading" -> leading(argument == null ? 0 : Integer.parseInt(argument));
                case "linspace" -> linspace();
                case "trailing" -> trailing();
                case "quadratic" -> quadratic();
                case "uniform-lambda", "exponential" -> uniformLambda();
                case "karras" -> karras(argument == null ? 7 : Double.parseDouble(argument));
                case "timesteps" -> timesteps(Grids.numbers(argument));
                case "sigmas" -> sigmas(Grids.numbers(argument));
                default -> throw new IllegalArgumentException(
                        "Unknown spacing '" + text + "'; the spacings are " + String.join(", ", names().keySet())
                                + ".");
            };
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("Spacing '" + text + "' needs a number after the colon, as in "
                    + names().getOrDefault(parts[0], parts[0]) + ".", e);
        }
    }

    /**
     * The names {@link #parse(String)} knows.
     *
     * @return each name with an example
     */
    static Map<String, String> names() {
        return new TreeMap<>(Map.of("leading", "leading:1", "linspace", "linspace", "trailing", "trailing", "quadratic",
                "quadratic", "uniform-lambda", "uniform-lambda", "exponential", "exponential", "karras", "karras:7",
                "timesteps", "timesteps:999,749,499,249", "sigmas", "sigmas:14.6,4,1,0"));
    }

    private static int discreteSteps(String name, NoiseSchedule schedule, int steps) {
        Grids.checkSteps(schedule, steps);
        if (!schedule.isDiscrete()) {
            throw new IllegalArgumentException("Spacing '" + name + "' counts training steps and " + schedule
                    + " has none; use linspace, trailing or uniform-lambda.");
        }
        return schedule.trainSteps();
    }
}
