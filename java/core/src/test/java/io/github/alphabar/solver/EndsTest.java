// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.solver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** At the ends of schedules and with few steps a plan has finite coefficients, or is refused with what to change. */
class EndsTest {
    private static final long SEED = 7305;
    private static final List<String> REMEDIES = List.of("; use ", ": use ",
            "build the grid with FinalLevel.LEAST_NOISE",
            "choose fewer steps", "use fewer steps");

    @Test
    void everyCombinationIsFiniteOrNamesARemedy() {
        Map<String, Integer> refusals = new TreeMap<>();
        int built = 0;
        for (Solver solver : Samplers.solvers()) {
            for (Map.Entry<String, NoiseSchedule> schedule : Samplers.schedules().entrySet()) {
                for (Spacing spacing : Samplers.spacings()) {
                    // 1 to 5 around the orders and PNDM's 4; 10 and 31 for the usual case, 31 with ties in linspace.
                    for (int n : new int[] {1, 2, 3, 4, 5, 10, 31}) {
                        for (FinalLevel end : FinalLevel.values()) {
                            for (Prediction prediction : Prediction.values()) {
                                String where = solver + ", " + prediction + ", " + spacing + " on " + schedule.getKey()
                                        + ", " + end + ", N=" + n;
                                String refusal = build(schedule.getValue(), spacing, n, end, solver, prediction, where);
                                if (refusal == null) {
                                    built++;
                                } else {
                                    assertTrue(allowed(solver, schedule.getKey(), spacing, n, end, prediction),
                                            where + ": " + refusal);
                                    refusals.merge(refusal.substring(refusal.lastIndexOf(": ") + 1), 1, Integer::sum);
                                }
                            }
                        }
                    }
                }
            }
        }
        assertTrue(built > 100_000, "only " + built + " built; refused " + refusals);
    }

    /** Where a refusal is right; everything else must be built. */
    private static boolean allowed(Solver solver, String schedule, Spacing spacing, int n, FinalLevel end,
            Prediction prediction) {
        boolean pureNoise = schedule.equals("zero-terminal-snr") || schedule.equals("flow");
        boolean continuous = schedule.equals("flow") || schedule.startsWith("vp-");
        Solver walked = solver instanceof Inverse inverse ? inverse.solver() : solver;
        if (continuous && spacing instanceof Spacing.Leading) {
            return true;
        }
        if (pureNoise && (spacing instanceof Spacing.Karras || spacing instanceof Spacing.UniformLambda)) {
            return true;
        }
        if (walked instanceof Plms plms && plms.rungeKuttaStart() && n < 4) {
            return true;
        }
        // Inverting from a level without noise: an x0 says nothing about eps there.
        if (solver instanceof Inverse && end == FinalLevel.CLEAN) {
            return prediction == Prediction.SAMPLE;
        }
        boolean startsInNoise = pureNoise && (spacing instanceof Spacing.Linspace || spacing instanceof Spacing.Trailing
                || (schedule.equals("flow") && spacing instanceof Spacing.Quadratic));
        if (startsInNoise && !(solver instanceof Inverse)) {
            boolean divides = walked instanceof Plms plms && (n > 1 || plms.rungeKuttaStart())
                    || walked instanceof DpmSolver d && d.algorithm() == DpmAlgorithm.SDE_DPM_SOLVER
                    || walked instanceof DpmSolverSinglestep s && s.algorithm() == DpmAlgorithm.SDE_DPM_SOLVER;
            return prediction == Prediction.EPSILON || divides;
        }
        return false;
    }

    /** Null where the plan was built; the message where it was refused. */
    private static String build(NoiseSchedule schedule, Spacing spacing, int n, FinalLevel end, Solver solver,
            Prediction prediction, String where) {
        SamplingPlan plan;
        try {
            TimeGrid grid = spacing.grid(schedule, n, end);
            plan = SamplingPlan.of(grid, solver, prediction);
        } catch (IllegalArgumentException e) {
            assertNotNull(e.getMessage(), where);
            assertTrue(REMEDIES.stream().anyMatch(e.getMessage()::contains), where + ": " + e.getMessage());
            return e.getMessage();
        }
        for (Step step : plan.steps()) {
            double sum = step.px() + step.pg() + step.cx() + step.cp() + step.cg() + step.cz();
            for (StepEquation.Term term : step.history()) {
                sum += term.coefficient();
                assertTrue(term.slot() < plan.slots(), where);
            }
            assertTrue(Double.isFinite(sum), where);
        }
        return null;
    }

    @Test
    void epsilonAtZeroTerminalSnrIsRefusedWithTheRemedy() {
        TimeGrid grid = Spacing.trailing()
                .grid(TabulatedSchedule.stableDiffusion().zeroTerminalSnr(), 10, FinalLevel.CLEAN);
        for (Solver solver : List.of(new Ddim(), new Ddpm(), new DpmSolver(DpmAlgorithm.DPM_SOLVER_PP, 2))) {
            String message = assertThrows(IllegalArgumentException.class,
                    () -> SamplingPlan.of(grid, solver, Prediction.EPSILON)).getMessage();
            assertTrue(message.contains("zero terminal SNR (alpha = 0)"), message);
            assertTrue(message.contains("v_prediction or sample"), message);
            for (Prediction prediction : List.of(Prediction.SAMPLE, Prediction.V_PREDICTION, Prediction.FLOW)) {
                SamplingPlan.of(grid, solver, prediction);
            }
        }
        String message = assertThrows(IllegalArgumentException.class, () -> SamplingPlan.of(grid,
                new DpmSolver(DpmAlgorithm.SDE_DPM_SOLVER, 1), Prediction.V_PREDICTION)).getMessage();
        assertTrue(message.contains("use ddim, ddpm or a dpmpp solver"), message);
    }

    @Test
    void theLastStepToTheCleanLevelReturnsThePredictedSample() {
        for (Solver solver : Samplers.solvers()) {
            if (solver instanceof Inverse || solver instanceof Plms) {
                continue;
            }
            TimeGrid grid = Spacing.karras(7).grid(TabulatedSchedule.stableDiffusion(), 10, FinalLevel.CLEAN);
            StepEquation last = solver.equations(grid).getLast();
            assertEquals(0, last.x(), solver.toString());
            assertEquals(1, last.x0(), solver.toString());
            assertEquals(0, last.eps(), solver.toString());
            assertEquals(List.of(), last.history(), solver.toString());
            assertEquals(0, last.noise(), solver.toString());
        }
    }

    @Test
    void anEdgeWithoutLengthStandsStill() {
        TabulatedSchedule schedule = TabulatedSchedule.stableDiffusion();
        // Leading spacing ends at t = 0, which is the final level already.
        TimeGrid grid = Spacing.leading(0).grid(schedule, 12, FinalLevel.LEAST_NOISE);
        assertEquals(grid.level(11), grid.level(12));
        for (Solver solver : Samplers.solvers()) {
            if (solver instanceof Inverse || solver.isStochastic() || solver instanceof DpmSolverSinglestep) {
                continue;
            }
            SamplingPlan plan = SamplingPlan.of(grid, solver, Prediction.EPSILON);
            Step last = plan.steps().getLast();
            // x (1) + what is left of alpha / alpha - 1 and sigma - sigma.
            assertEquals(1, last.cx(), 1e-14, solver.toString());
            assertEquals(0, last.cg(), 1e-14, solver.toString());
        }
    }

    @Test
    void twoThousandRandomCombinationsAreFiniteOrNameARemedy() {
        SplittableRandom random = new SplittableRandom(SEED);
        List<Solver> solvers = Samplers.solvers();
        List<Spacing> spacings = Samplers.spacings();
        int built = 0;
        for (int k = 0; k < 2000; k++) {
            NoiseSchedule schedule = randomSchedule(random);
            Spacing spacing = random.nextInt(4) == 0 ? randomSigmas(random)
                    : spacings.get(random.nextInt(spacings.size()));
            int most = schedule.isDiscrete() ? schedule.trainSteps() : 300;
            int n = spacing instanceof Spacing.Sigmas s ? s.ratios().size() - 1
                    : 1 + random.nextInt(Math.min(most, 60));
            Solver solver = solvers.get(random.nextInt(solvers.size()));
            Prediction prediction = Prediction.values()[random.nextInt(4)];
            FinalLevel end = FinalLevel.values()[random.nextInt(2)];
            Clip clip = List.of(Clip.NONE, Clip.range(1), Clip.dynamic(0.995, 2)).get(random.nextInt(3));
            Guidance guidance = random.nextBoolean() ? Guidance.scale(random.nextDouble(-2, 15)) : null;
            String where = "seed " + SEED + ", case " + k + ": " + solver + ", " + prediction + ", " + clip + ", "
                    + spacing
                    + " on " + schedule + ", " + end + ", N=" + n;
            try {
                TimeGrid grid = spacing.grid(schedule, n, end);
                SamplingPlan plan = SamplingPlan.of(grid, solver, prediction, clip, guidance);
                built++;
                assertEquals(plan, SamplingPlan.fromJson(plan.toJson()), where);
            } catch (IllegalArgumentException e) {
                assertTrue(REMEDIES.stream().anyMatch(e.getMessage()::contains), where + ": " + e.getMessage());
            }
        }
        assertTrue(built > 1000, "seed " + SEED + ": only " + built + " built");
    }

    private static NoiseSchedule randomSchedule(SplittableRandom random) {
        if (random.nextInt(3) == 0) {
            List<NoiseSchedule> known = List.copyOf(Samplers.schedules().values());
            return known.get(random.nextInt(known.size()));
        }
        double[] betas = new double[2 + random.nextInt(200)];
        for (int i = 0; i < betas.length; i++) {
            betas[i] = Math.exp(random.nextDouble(Math.log(1e-8), Math.log(0.99)));
        }
        TabulatedSchedule schedule = TabulatedSchedule.ofBetas(betas);
        return random.nextInt(4) == 0 ? schedule.zeroTerminalSnr() : schedule;
    }

    private static Spacing randomSigmas(SplittableRandom random) {
        double[] sigmas = new double[2 + random.nextInt(20)];
        double next = Math.exp(random.nextDouble(-2, 8));
        for (int i = 0; i < sigmas.length; i++) {
            sigmas[i] = next;
            next *= random.nextDouble(0.3, 0.999);
        }
        if (random.nextBoolean()) {
            sigmas[sigmas.length - 1] = 0;
        }
        return Spacing.sigmas(sigmas);
    }

    @Test
    void badParametersAreNamed() {
        assertSays("eta is in [0, 1]", () -> new Ddim(1.5));
        assertSays("but got NaN", () -> new Ddim(Double.NaN));
        assertSays("defined for eta = 1", () -> new Ddim(0.5, true, false));
        assertSays("orders 1, 2 and 3, but got 4", () -> new DpmSolver(DpmAlgorithm.DPM_SOLVER_PP, 4));
        assertSays("orders 2 and 3, but got 1; order 1 is DpmSolver's",
                () -> new DpmSolverSinglestep(DpmAlgorithm.DPM_SOLVER_PP, 1));
        assertSays("'ddpm' draws noise and has no inverse", () -> new Inverse(new Ddpm()));
        assertSays("at least 4 steps, but got 3; use plms", () -> new Plms(true).equations(
                TimeGrid.of(TabulatedSchedule.ddpmLinear(), Spacing.trailing(), 3)));
        String unknown = assertThrows(IllegalArgumentException.class, () -> Solvers.named("eular")).getMessage();
        for (Solvers.Entry entry : Solvers.all()) {
            assertTrue(unknown.contains(entry.solver().name()), unknown);
            assertEquals(entry.solver(), Solvers.named(entry.solver().name()));
        }
    }

    @Test
    void stochasticSolversRefuseAReversedGrid() {
        TimeGrid reversed = TimeGrid.of(TabulatedSchedule.ddpmLinear(), Spacing.trailing(), 5).reversed();
        for (Solver solver : Samplers.solvers()) {
            if (solver.isStochastic()) {
                assertSays("use ddim-inverse or dpmpp-2m-inverse", () -> solver.equations(reversed));
            }
        }
    }

    @Test
    void namesAreUnique() {
        List<String> names = Solvers.all().stream().map(e -> e.solver().name()).toList();
        assertEquals(names.size(), names.stream().distinct().count(), names.toString());
    }

    private static void assertSays(String part, Runnable call) {
        String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
        assertTrue(message.contains(part), message);
    }
}
