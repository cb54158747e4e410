// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

/**
 * What happens to the predicted clean sample before it is used. A NaN stays a NaN.
 *
 * @param kind
 *            which rule
 * @param range
 *            RANGE: x0 is clamped to [-range, range]
 * @param quantile
 *            DYNAMIC: the share of |x0| that stays below the threshold, in (0, 1]
 * @param maximum
 *            DYNAMIC: the largest threshold, positive; it wins where it is below 1
 */
public record Clip(Kind kind, double range, double quantile, double maximum) {

    /** The rules. */
    public enum Kind {
        /** x0 is used as predicted: right for latents. */
        NONE,
        /** x0 is clamped to a fixed range. */
        RANGE,
        /**
         * Dynamic thresholding (Saharia et al. 2022, arXiv:2205.11487, section 2.3): per sample, s is the quantile of |x0| clamped to
         * [1, maximum]; x0 becomes clamp(x0, -s, s) / s. For pixels only: latents have no range to keep.
         */
        DYNAMIC
    }

    /** No clipping. */
    public static final Clip NONE = new Clip(Kind.NONE, 0, 0, 0);

    /** Checks the ranges. */
    public Clip {
        boolean good = switch (kind) {
            case NONE -> true;
            case RANGE -> range > 0 && Double.isFinite(range);
            case DYNAMIC -> quantile > 0 && quantile <= 1 && maximum > 0 && Double.isFinite(maximum);
        };
        if (!good) {
            throw new IllegalArgumentException(kind == Kind.RANGE
                    ? "The clip range must be positive and finite, but got " + range + "."
                    : "Dynamic thresholding needs a quantile in (0, 1] and a positive finite maximum, but got quantile="
                            + quantile
                            + ", maximum=" + maximum + ".");
        }
    }

    /**
     * A fixed range.
     *
     * @param range
     *            the largest magnitude left; 1 for pixels in [-1, 1]
     * @return the rule
     */
    public static Clip range(double range) {
        return new Clip(Kind.RANGE, range, 0, 0);
    }

    /**
     * Dynamic thresholding.
     *
     * @param quantile
     *            0.995 is usual
     * @param maximum
     *            the largest threshold; 1 is plain clipping to [-1, 1]
     * @return the rule
     */
    public static Clip dynamic(double quantile, double maximum) {
        return new Clip(Kind.DYNAMIC, 0, quantile, maximum);
    }

    /**
     * Whether x0 is used as predicted.
     *
     * @return true for NONE
     */
    public boolean isNone() {
        return kind == Kind.NONE;
    }

    /**
     * A rule by its name: {@code none}, {@code range:1}, {@code dynamic:0.995:1.5}.
     *
     * @param text
     *            the name and its numbers
     * @return the rule
     */
    public static Clip parse(String text) {
        String[] p = text.strip().split(":", -1);
        try {
            if (p[0].equals("none") && p.length == 1) {
                return NONE;
            }
            if (p[0].equals("range") && p.length <= 2) {
                return range(p.length > 1 ? Double.parseDouble(p[1]) : 1);
            }
            if (p[0].equals("dynamic") && p.length <= 3) {
                return dynamic(p.length > 1 ? Double.parseDouble(p[1]) : 0.995,
                        p.length > 2 ? Double.parseDouble(p[2]) : 1);
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("Clip '" + text + "' needs numbers, as in range:1 or dynamic:0.995:1.5.",
                    e);
        }
        throw new IllegalArgumentException(
                "Unknown clip '" + text + "'; it is none, range:R or dynamic:QUANTILE:MAXIMUM.");
    }

    @Override
    public String toString() {
        return switch (kind) {
            case NONE -> "none";
            case RANGE -> "range:" + range;
            case DYNAMIC -> "dynamic:" + quantile + ":" + maximum;
        };
    }
}
