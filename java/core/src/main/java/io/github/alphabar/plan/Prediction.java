// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

import io.github.alphabar.schedule.Level;

/**
 * What a network returns. The predicted clean sample and noise are linear in the state x and the output g; this is the one place
 * that knows how, so that solvers need not.
 *
 * <pre>
 *              | x0                                   | eps
 * -------------+--------------------------------------+-------------------------------------
 * EPSILON      | (x - sigma g) / alpha                | g
 * SAMPLE       | g                                    | (x - alpha g) / sigma
 * V_PREDICTION | (alpha x - sigma g) / (alpha^2 + sigma^2) | (sigma x + alpha g) / (alpha^2 + sigma^2)
 * FLOW         | (x - sigma g) / (alpha + sigma)      | (x + alpha g) / (alpha + sigma)
 * </pre>
 *
 * EPSILON: Ho et al. 2020, arXiv:2006.11239. V_PREDICTION, {@code v = alpha eps - sigma x0}: Salimans and Ho 2022,
 * arXiv:2202.00512, section 4. FLOW, {@code u = eps - x0}: Lipman et al. 2022, arXiv:2210.02747.
 */
public enum Prediction {
    /** The noise. */
    EPSILON("epsilon"),
    /** The clean sample. */
    SAMPLE("sample"),
    /** The velocity {@code alpha eps - sigma x0}. */
    V_PREDICTION("v_prediction"),
    /** The flow {@code eps - x0}. */
    FLOW("flow");

    private final String text;

    Prediction(String text) {
        this.text = text;
    }

    /** A linear form in the state and the output; infinite where the level allows no such reading. */
    record Linear(double x, double g) {
    }

    Linear x0(Level level) {
        double a = level.alpha();
        double s = level.sigma();
        return switch (this) {
            case EPSILON -> new Linear(1 / a, -s / a);
            case SAMPLE -> new Linear(0, 1);
            case V_PREDICTION -> {
                double norm = a * a + s * s;
                yield new Linear(a / norm, -s / norm);
            }
            case FLOW -> new Linear(1 / (a + s), -s / (a + s));
        };
    }

    Linear eps(Level level) {
        double a = level.alpha();
        double s = level.sigma();
        return switch (this) {
            case EPSILON -> new Linear(0, 1);
            case SAMPLE -> new Linear(1 / s, -a / s);
            case V_PREDICTION -> {
                double norm = a * a + s * s;
                yield new Linear(s / norm, a / norm);
            }
            case FLOW -> new Linear(1 / (a + s), a / (a + s));
        };
    }

    /**
     * The name in configuration files.
     *
     * @return for instance {@code v_prediction}
     */
    public String text() {
        return text;
    }

    /**
     * A prediction by its name.
     *
     * @param name
     *            {@code epsilon}, {@code sample} (or {@code x0}), {@code v_prediction} (or {@code v}), {@code flow}
     * @return the prediction
     */
    public static Prediction parse(String name) {
        return switch (name.strip().toLowerCase(java.util.Locale.ROOT)) {
            case "epsilon", "eps" -> EPSILON;
            case "sample", "x0" -> SAMPLE;
            case "v_prediction", "v" -> V_PREDICTION;
            case "flow", "flow_prediction" -> FLOW;
            default -> throw new IllegalArgumentException(
                    "Unknown prediction '" + name + "'; a network predicts epsilon, sample, v_prediction or flow.");
        };
    }
}
