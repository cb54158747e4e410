// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

import io.github.alphabar.random.Normals;
import io.github.alphabar.tensor.DType;

/**
 * A row as a backend takes it: a plain struct of coefficients rounded to the type of the arithmetic, and the set of terms that are
 * present. {@link #narrow} is the only place where a coefficient goes from double to float. Immutable.
 */
public final class StepParams {
    /** x' reads x. */
    public static final int CX = 1;
    /** x' reads p. */
    public static final int CP = 1 << 1;
    /** x' reads g. */
    public static final int CG = 1 << 2;
    /** x' reads the first stored value. */
    public static final int H0 = 1 << 3;
    /** x' reads the second stored value. */
    public static final int H1 = 1 << 4;
    /** x' reads the third stored value. */
    public static final int H2 = 1 << 5;
    /** x' reads noise with a fixed standard deviation. */
    public static final int CZ = 1 << 6;
    /** The standard deviation is the square root of the network's second output. */
    public static final int LEARNED = 1 << 7;
    /** The standard deviation is the exponential of a line in the network's second output. */
    public static final int LEARNED_LOG = 1 << 8;
    /** p reads x. */
    public static final int PX = 1 << 9;
    /** p reads g. */
    public static final int PG = 1 << 10;
    /** p is clamped to a fixed range. */
    public static final int CLIP_RANGE = 1 << 11;
    /** p is thresholded by a quantile of its sample. */
    public static final int CLIP_DYNAMIC = 1 << 12;
    /** The row stores a value. */
    public static final int STORE = 1 << 13;
    /** The stored value reads x. */
    public static final int SX = 1 << 14;
    /** The stored value reads p. */
    public static final int SP = 1 << 15;
    /** The stored value reads g. */
    public static final int SG = 1 << 16;
    /** g is combined from two outputs. */
    public static final int GUIDED = 1 << 17;
    /** With GUIDED: g keeps part of the conditional output's standard deviation. */
    public static final int RESCALE = 1 << 18;

    /** The terms present, a set of the constants above. */
    public final int terms;
    /** Guidance weight. */
    public final double weight;
    /** RESCALE: how much of the standard deviation is kept, in [0, 1]. */
    public final double rescale;
    /** Coefficient of x in p. */
    public final double px;
    /** Coefficient of g in p. */
    public final double pg;
    /** Coefficient of x. */
    public final double cx;
    /** Coefficient of p. */
    public final double cp;
    /** Coefficient of g. */
    public final double cg;
    /** Coefficient of the first stored value. */
    public final double h0;
    /** Coefficient of the second stored value. */
    public final double h1;
    /** Coefficient of the third stored value. */
    public final double h2;
    /** Standard deviation of the noise. */
    public final double cz;
    /** Factor of a learned log standard deviation. */
    public final double varianceFactor;
    /** Offset of a learned log standard deviation. */
    public final double varianceOffset;
    /** Coefficient of x in the stored value. */
    public final double sx;
    /** Coefficient of p in the stored value. */
    public final double sp;
    /** Coefficient of g in the stored value. */
    public final double sg;
    /** CLIP_RANGE: the range. */
    public final double range;
    /** CLIP_DYNAMIC: the quantile. */
    public final double quantile;
    /** CLIP_DYNAMIC: the largest threshold. */
    public final double maximum;
    /** Inpainting: the signal scale at the level of x'. */
    public final double knownAlpha;
    /** Inpainting: the noise scale at the level of x'. */
    public final double knownSigma;
    /** What in-kernel noise is drawn for. */
    public final Normals.Stream stream;

    private StepParams(Guidance guidance, Step step, Clip clip, Normals.Stream stream, DType compute) {
        Rounding to = compute == DType.F64 ? v -> v : v -> (float) v;
        Step.Store store = step.store();
        weight = guidance == null ? 0 : to.round(guidance.weight());
        rescale = guidance == null ? 0 : to.round(guidance.rescale());
        int guided = guidance == null ? 0 : GUIDED;
        px = to.round(step.px());
        pg = to.round(step.pg());
        cx = to.round(step.cx());
        cp = to.round(step.cp());
        cg = to.round(step.cg());
        h0 = to.round(coefficient(step, 0));
        h1 = to.round(coefficient(step, 1));
        h2 = to.round(coefficient(step, 2));
        cz = step.variance() == null ? to.round(step.cz()) : 0;
        varianceFactor = step.variance() == null ? 0 : to.round(step.variance().factor());
        varianceOffset = step.variance() == null ? 0 : to.round(step.variance().offset());
        sx = store == null ? 0 : to.round(store.sx());
        sp = store == null ? 0 : to.round(store.sp());
        sg = store == null ? 0 : to.round(store.sg());
        range = to.round(clip.range());
        quantile = to.round(clip.quantile());
        maximum = to.round(clip.maximum());
        knownAlpha = to.round(step.to().alpha());
        knownSigma = to.round(step.to().sigma());
        this.stream = stream;
        int set = guided | flag(RESCALE, rescale) | flag(CX, cx) | flag(CP, cp) | flag(CG, cg) | flag(H0, h0)
                | flag(H1, h1) | flag(H2, h2)
                | flag(CZ, cz)
                | flag(PX, px) | flag(PG, pg) | flag(SX, sx) | flag(SP, sp) | flag(SG, sg);
        if (step.variance() != null) {
            set |= step.variance().logScale() ? LEARNED_LOG : LEARNED;
        }
        if (store != null) {
            set |= STORE;
        }
        set |= switch (clip.kind()) {
            case NONE -> 0;
            case RANGE -> CLIP_RANGE;
            case DYNAMIC -> CLIP_DYNAMIC;
        };
        terms = set;
    }

    private interface Rounding {
        double round(double value);
    }

    private static int flag(int term, double coefficient) {
        return coefficient != 0 ? term : 0;
    }

    private static double coefficient(Step step, int k) {
        return k < step.history().size() ? step.history().get(k).coefficient() : 0;
    }

    /**
     * Narrows a row of a plan.
     *
     * @param plan
     *            the plan
     * @param index
     *            the row
     * @param compute
     *            F64 keeps doubles; anything else is computed in binary32
     * @return the struct
     */
    public static StepParams narrow(SamplingPlan plan, int index, DType compute) {
        return new StepParams(plan.guidance(), plan.steps().get(index), plan.clip(), Normals.Stream.STEP, compute);
    }

    /**
     * Narrows a row of its own, without guidance.
     *
     * @param step
     *            the row
     * @param clip
     *            what happens to p
     * @param stream
     *            what in-kernel noise is drawn for
     * @param compute
     *            F64 keeps doubles; anything else is computed in binary32
     * @return the struct
     */
    public static StepParams narrow(Step step, Clip clip, Normals.Stream stream, DType compute) {
        return new StepParams(null, step, clip, stream, compute);
    }

    /**
     * Whether any of some terms is present.
     *
     * @param anyOf
     *            a set of the constants above
     * @return true if one of them is
     */
    public boolean has(int anyOf) {
        return (terms & anyOf) != 0;
    }

    /**
     * Whether the row needs p: because x' or the stored value reads it, or because a preview was asked for.
     *
     * @param preview
     *            whether one was
     * @return true if p is computed
     */
    public boolean needsP(boolean preview) {
        return preview || has(CP | SP);
    }

    /**
     * Whether the row reads x.
     *
     * @param preview
     *            whether a preview was asked for
     * @return true if it does
     */
    public boolean needsX(boolean preview) {
        return has(CX | SX) || (needsP(preview) && has(PX));
    }

    /**
     * Whether the row reads the network's output.
     *
     * @param preview
     *            whether a preview was asked for
     * @return true if it does
     */
    public boolean needsG(boolean preview) {
        return has(CG | SG) || (needsP(preview) && has(PG));
    }

    /**
     * Whether the row needs the standard deviations of the outputs, sample by sample.
     *
     * @param preview
     *            whether a preview was asked for
     * @return true if it does
     */
    public boolean needsRescale(boolean preview) {
        return has(GUIDED) && has(RESCALE) && needsG(preview);
    }

    /**
     * Whether the row reads noise.
     *
     * @return true if it does
     */
    public boolean needsNoise() {
        return has(CZ | LEARNED | LEARNED_LOG);
    }
}
