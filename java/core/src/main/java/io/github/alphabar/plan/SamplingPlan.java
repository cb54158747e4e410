// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.solver.Ddpm;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.StepEquation;
import io.github.alphabar.solver.StepEquation.LearnedVariance;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.zip.CRC32;

/**
 * Everything a sampler will do, as data: one {@link Step} for each network evaluation. A plan is immutable, holds no tensor and no
 * device, may be shared by any number of threads, printed as a table, compared, written as JSON and read back.
 *
 * @param solver
 *            the solver's name
 * @param prediction
 *            what the network returns
 * @param clip
 *            what happens to the predicted clean sample
 * @param guidance
 *            classifier-free guidance, or null
 * @param outputs
 *            values the network returns for each element of the sample: 2 where it returns a variance as well (first all
 *            predictions of a sample, then all variances), else 1
 * @param steps
 *            the rows in order
 */
public record SamplingPlan(String solver, Prediction prediction, Clip clip, Guidance guidance, int outputs,
        List<Step> steps) {

    /** Checks that there is a row and that slots are numbered sensibly. */
    public SamplingPlan {
        Objects.requireNonNull(solver, "solver");
        Objects.requireNonNull(prediction, "prediction");
        Objects.requireNonNull(clip, "clip");
        steps = List.copyOf(steps);
        if (steps.isEmpty()) {
            throw new IllegalArgumentException("A plan needs at least one step.");
        }
        if (outputs != 1 && outputs != 2) {
            throw new IllegalArgumentException(
                    "A network returns 1 value per element, or 2 with a learned variance, but got " + outputs + ".");
        }
        for (Step step : steps) {
            if (step.variance() != null && outputs != 2) {
                throw new IllegalArgumentException("A row with learned variance needs outputs = 2, but got 1.");
            }
        }
    }

    /**
     * Lays out a sampler.
     *
     * @param grid
     *            the levels to visit
     * @param solver
     *            the solver
     * @param prediction
     *            what the network returns
     * @return a plan without clipping and guidance; see {@link #of(TimeGrid, Solver, Prediction, Clip, Guidance)}
     */
    public static SamplingPlan of(TimeGrid grid, Solver solver, Prediction prediction) {
        return of(grid, solver, prediction, Clip.NONE, null);
    }

    /**
     * Lays out a sampler.
     *
     * @param grid
     *            the levels to visit
     * @param solver
     *            the solver
     * @param prediction
     *            what the network returns
     * @param clip
     *            what happens to the predicted clean sample
     * @param guidance
     *            classifier-free guidance, or null
     * @return the plan
     * @throws IllegalArgumentException
     *             where a coefficient would not be finite, saying which setting to change
     */
    public static SamplingPlan of(TimeGrid grid, Solver solver, Prediction prediction, Clip clip, Guidance guidance) {
        int outputs = solver instanceof Ddpm ddpm && ddpm.isVarianceLearned() ? 2 : 1;
        return of(solver.equations(grid), grid.firstEdge(), solver.name(), prediction, clip, guidance, outputs);
    }

    /**
     * Lays out rows of one's own: what a solver would return, made elsewhere.
     *
     * @param equations
     *            the rows in order
     * @param firstEdge
     *            added to the rows' edges
     * @param solver
     *            a name for the rows
     * @param prediction
     *            what the network returns
     * @param clip
     *            what happens to the predicted clean sample
     * @param guidance
     *            classifier-free guidance, or null
     * @param outputs
     *            values the network returns for each element
     * @return the plan
     * @throws IllegalArgumentException
     *             where a coefficient would not be finite, saying which setting to change
     */
    public static SamplingPlan of(List<StepEquation> equations, int firstEdge, String solver, Prediction prediction,
            Clip clip,
            Guidance guidance, int outputs) {
        List<Step> steps = equations.stream().map(e -> lower(e, firstEdge, solver, prediction, clip)).toList();
        return new SamplingPlan(solver, prediction, clip, guidance, outputs, steps);
    }

    /**
     * The same plan for a network that returns more than its prediction.
     *
     * @param values
     *            2 where the network also returns a variance, which this plan's solver does not read
     * @return a plan that reads the first half of each sample's output
     */
    public SamplingPlan withOutputs(int values) {
        return new SamplingPlan(solver, prediction, clip, guidance, values, steps);
    }

    /**
     * From x0 and eps to what the network returns. Without clipping p is linear in x and g, and is folded into their coefficients:
     * fewer operations, and the large factors near alpha = 0 cancel here in double rather than in the kernel.
     */
    private static Step lower(StepEquation e, int firstEdge, String solver, Prediction prediction, Clip clip) {
        Level at = e.at();
        Prediction.Linear x0 = prediction.x0(at);
        Prediction.Linear eps = prediction.eps(at);
        boolean clipped = !clip.isNone();
        boolean rederive = clipped && e.rederiveEps();
        try {
            Form update = fold(e.x(), e.x0(), e.eps(), x0, eps, at, clipped, rederive);
            Step.Store store = null;
            if (e.store() != null) {
                Form s = fold(e.store().x(), e.store().x0(), e.store().eps(), x0, eps, at, clipped, rederive);
                store = new Step.Store(e.store().slot(), s.x, s.p, s.g);
            }
            // The preview of x0 is not defined where the prediction cannot give one; the row itself may still be.
            boolean readable = Double.isFinite(x0.x()) && Double.isFinite(x0.g());
            return new Step(firstEdge + e.edge(), at, e.to(), e.in(), e.out(), readable || clipped ? x0.x() : 0,
                    readable || clipped ? x0.g() : 0, update.x, update.p, update.g, e.history(), e.noise(),
                    e.variance(), store);
        } catch (IllegalArgumentException notFinite) {
            throw new IllegalArgumentException(remedy(e, solver, prediction, rederive, notFinite.getMessage()),
                    notFinite);
        }
    }

    private record Form(double x, double p, double g) {
    }

    private static Form fold(double cx, double cx0, double ceps, Prediction.Linear x0, Prediction.Linear eps, Level at,
            boolean clipped, boolean rederive) {
        double x = cx;
        double p = 0;
        double g = 0;
        // A zero coefficient is an absent term: it must not meet the infinite reading of an end it does not use.
        if (cx0 != 0) {
            if (clipped) {
                p += cx0;
            } else {
                x += cx0 * x0.x();
                g += cx0 * x0.g();
            }
        }
        if (ceps != 0) {
            if (rederive) {
                x += ceps / at.sigma();
                p -= ceps * at.alpha() / at.sigma();
            } else {
                x += ceps * eps.x();
                g += ceps * eps.g();
            }
        }
        return new Form(x, p, g);
    }

    private static String remedy(StepEquation e, String solver, Prediction prediction, boolean rederive, String cause) {
        String advice;
        if (e.at().alpha() == 0 && prediction == Prediction.EPSILON) {
            advice = "The grid starts at zero terminal SNR (alpha = 0), where an epsilon prediction says nothing about x0: use a model that"
                    + " predicts v_prediction or sample, or a schedule without the zero-SNR rescale.";
        } else if (e.at().alpha() == 0) {
            advice = "Solver '" + solver
                    + "' divides by alpha, which is 0 at zero terminal SNR: use ddim, ddpm or a dpmpp solver, or a"
                    + " schedule without the zero-SNR rescale.";
        } else if (e.at().sigma() == 0 && rederive) {
            advice = "The walk starts at the clean level (sigma = 0), where eps cannot be derived from a clipped x0: leave the"
                    + " clip out, or build the grid with FinalLevel.LEAST_NOISE.";
        } else if (e.at().sigma() == 0) {
            advice = "The walk starts at the clean level (sigma = 0), where a " + prediction.text()
                    + " prediction says nothing about eps: build the grid with FinalLevel.LEAST_NOISE.";
        } else {
            advice = "Check the sigmas or timesteps of the grid.";
        }
        return cause + " " + advice;
    }

    /**
     * The number of network evaluations.
     *
     * @return NFE, the number of rows (a guided plan evaluates the network for two conditions in each)
     */
    public int evaluations() {
        return steps.size();
    }

    /**
     * The number of buffers of the sample's size a trajectory needs.
     *
     * @return one more than the largest slot named
     */
    public int slots() {
        int most = 0;
        for (Step step : steps) {
            most = Math.max(most, Math.max(step.in(), step.out()));
            for (StepEquation.Term term : step.history()) {
                most = Math.max(most, term.slot());
            }
            if (step.store() != null) {
                most = Math.max(most, step.store().slot());
            }
        }
        return most + 1;
    }

    /**
     * The standard deviation of the initial noise.
     *
     * @return {@code sqrt(alpha^2 + sigma^2)} of the first level; 1 for variance-preserving schedules
     */
    public double initialSigma() {
        return steps.getFirst().at().scale();
    }

    /**
     * Whether any row draws noise.
     *
     * @return true for a stochastic plan
     */
    public boolean isStochastic() {
        return steps.stream().anyMatch(Step::isNoisy);
    }

    /**
     * Whether the rows may be given as a known-good identity for a saved trajectory.
     *
     * @return a checksum of the JSON form; equal plans have equal fingerprints
     */
    public long fingerprint() {
        CRC32 crc = new CRC32();
        crc.update(toJson().getBytes(StandardCharsets.UTF_8));
        return crc.getValue();
    }

    /**
     * The plan as a table for reading: with it a sampler can be run by hand.
     *
     * @return lines of at most a few hundred characters
     */
    public String toTable() {
        return PlanText.table(this);
    }

    /**
     * The plan as comma-separated values, one line for each row, numbers in full precision.
     *
     * @return CSV with a header line
     */
    public String toCsv() {
        return PlanText.csv(this);
    }

    /**
     * The plan as JSON, numbers in full precision; infinite lambdas are written as strings.
     *
     * @return JSON that {@link #fromJson(String)} reads back to an equal plan
     */
    public String toJson() {
        return PlanJson.write(this);
    }

    /**
     * Reads a plan written by {@link #toJson()}, or by hand.
     *
     * @param json
     *            the text
     * @return the plan
     * @throws IllegalArgumentException
     *             for text that is no such plan, saying where
     */
    public static SamplingPlan fromJson(String json) {
        return PlanJson.read(json);
    }

    /** How learned variances are named in the texts. */
    static String describe(LearnedVariance v) {
        return v.logScale() ? "exp(" + v.factor() + " v + " + v.offset() + ")" : "sqrt(v)";
    }
}
