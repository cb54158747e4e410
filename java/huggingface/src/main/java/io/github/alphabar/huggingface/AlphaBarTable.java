// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import io.github.alphabar.schedule.Betas;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.solver.Arithmetic;

/**
 * The table of alphaBar a configuration means: in double, or in float32 operation by operation as torch computes it (betas by its
 * vectorised linspace, the cumulative product in a double accumulator, each entry rounded). Immutable.
 */
final class AlphaBarTable {
    private final double[] alphaBar;
    private final boolean float32;

    private AlphaBarTable(double[] alphaBar, boolean float32) {
        this.alphaBar = alphaBar;
        this.float32 = float32;
    }

    static AlphaBarTable of(SchedulerConfig config, boolean float32, boolean dpmFloor) {
        int n = config.whole("num_train_timesteps");
        double start = config.number("beta_start");
        double end = config.number("beta_end");
        double[] trained = config.trainedBetas();
        String schedule = config.text("beta_schedule");
        double[] betas = trained != null ? rounded(trained, float32) : switch (schedule) {
            case "linear" -> float32 ? TorchLinspace.of(start, end, n) : Betas.linear(n, start, end);
            case "scaled_linear" -> {
                if (!float32) {
                    yield Betas.scaledLinear(n, start, end);
                }
                double[] root = TorchLinspace.of(Math.sqrt(start), Math.sqrt(end), n);
                for (int i = 0; i < n; i++) {
                    root[i] = (float) root[i] * (float) root[i];
                }
                yield root;
            }
            case "squaredcos_cap_v2" -> rounded(Betas.cosine(n), float32);
            case "laplace" -> rounded(laplace(n), float32);
            case "sigmoid" -> float32 ? sigmoid32(start, end, n) : Betas.sigmoid(n, start, end);
            default -> throw new IllegalArgumentException("Unknown beta_schedule '" + schedule + "'.");
        };
        boolean zeroSnr = config.flag("rescale_betas_zero_snr");
        if (zeroSnr) {
            betas = float32 ? zeroTerminalSnr32(betas) : zeroTerminalSnr(betas);
        }
        double[] table = cumulative(betas, float32);
        if (zeroSnr && dpmFloor && n > 1) {
            // After the check: with linear betas the floor is above the entries before it.
            check(table, n - 1);
            table[n - 1] = 0x1p-24;
        } else {
            check(table, n);
        }
        return new AlphaBarTable(table, float32);
    }

    private static void check(double[] table, int n) {
        for (int i = 0; i < n; i++) {
            if (!(table[i] >= 0 && table[i] < (i == 0 ? 1 : table[i - 1]))) {
                throw new IllegalArgumentException("The betas give alphaBar[" + i + "] = " + table[i]
                        + (i == 0 ? "" : " after " + table[i - 1])
                        + ", but it must fall strictly from below 1 to no less"
                        + " than 0; check beta_start, beta_end and trained_betas (in float32 a beta below 6e-8 is lost).");
            }
        }
    }

    /** diffusers' laplace schedule: a capped ratio of sqrt(snr / (1 + snr)), whose log-SNR follows a Laplace distribution. */
    private static double[] laplace(int n) {
        double[] betas = new double[n];
        for (int i = 0; i < n; i++) {
            betas[i] = Math.min(1 - laplaceAlphaBar((i + 1.0) / n) / laplaceAlphaBar((double) i / n), 0.999);
        }
        return betas;
    }

    private static double laplaceAlphaBar(double t) {
        double lambda = -0.5 * Math.copySign(1, 0.5 - t) * Math.log(1 - 2 * Math.abs(0.5 - t) + 1e-6);
        double snr = Math.exp(lambda);
        return Math.sqrt(snr / (1 + snr));
    }

    private static double[] rounded(double[] values, boolean float32) {
        if (!float32) {
            return values;
        }
        double[] r = new double[values.length];
        for (int i = 0; i < r.length; i++) {
            r[i] = (float) values[i];
        }
        return r;
    }

    private static double[] sigmoid32(double start, double end, int n) {
        double[] r = TorchLinspace.of(-6, 6, n);
        for (int i = 0; i < n; i++) {
            float s = (float) (1 / (1 + Math.exp(-r[i])));
            r[i] = s * (float) (end - start) + (float) start;
        }
        return r;
    }

    private static double[] cumulative(double[] betas, boolean float32) {
        double[] r = new double[betas.length];
        double product = 1;
        for (int i = 0; i < r.length; i++) {
            product *= float32 ? 1 - (float) betas[i] : 1 - betas[i];
            r[i] = float32 ? (float) product : product;
        }
        return r;
    }

    /** Lin et al. 2023, arXiv:2305.08891, algorithm 1. */
    private static double[] zeroTerminalSnr(double[] betas) {
        double[] bar = cumulative(betas, false);
        int n = bar.length;
        double first = Math.sqrt(bar[0]);
        double last = Math.sqrt(bar[n - 1]);
        double[] moved = new double[n];
        for (int i = 0; i < n; i++) {
            double root = (Math.sqrt(bar[i]) - last) * (first / (first - last));
            moved[i] = root * root;
        }
        for (int i = n - 1; i > 0; i--) {
            moved[i] = 1 - moved[i] / moved[i - 1];
        }
        moved[0] = 1 - moved[0];
        return moved;
    }

    private static double[] zeroTerminalSnr32(double[] betas) {
        double[] bar = cumulative(betas, true);
        int n = bar.length;
        float first = (float) Math.sqrt(bar[0]);
        float last = (float) Math.sqrt(bar[n - 1]);
        float ratio = first / (first - last);
        float[] moved = new float[n];
        for (int i = 0; i < n; i++) {
            float root = ((float) Math.sqrt(bar[i]) - last) * ratio;
            moved[i] = root * root;
        }
        double[] result = new double[n];
        for (int i = n - 1; i > 0; i--) {
            result[i] = 1 - moved[i] / moved[i - 1];
        }
        result[0] = 1 - moved[0];
        return result;
    }

    int size() {
        return alphaBar.length;
    }

    double alphaBar(int t) {
        return alphaBar[t];
    }

    /** The level of a training timestep. */
    Level level(int t) {
        return level(t, Arithmetic.DOUBLE);
    }

    /** The level of a training timestep, its scales computed in some arithmetic. */
    Level level(int t, Arithmetic a) {
        if (t < 0 || t >= alphaBar.length) {
            throw new IllegalArgumentException(
                    "The schedule has the timesteps 0 to " + (alphaBar.length - 1) + ", but the settings ask for "
                            + t + "; use fewer steps or a smaller steps_offset.");
        }
        return Level.of(t, a.sqrt(alphaBar[t]), a.sqrt(a.of(1 - alphaBar[t])));
    }

    /** The noise-to-signal ratio of a timestep, infinite where alphaBar is 0. */
    double sigma(int t) {
        if (float32) {
            float bar = (float) alphaBar[t];
            return (float) Math.sqrt((1 - bar) / bar);
        }
        return Math.sqrt((1 - alphaBar[t]) / alphaBar[t]);
    }
}
