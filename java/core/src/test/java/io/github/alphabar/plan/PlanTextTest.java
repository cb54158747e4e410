// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.ScalarBackend;
import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Ddpm;
import io.github.alphabar.solver.Samplers;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.solver.StepEquation.LearnedVariance;
import io.github.alphabar.solver.StepEquation.Term;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The texts of a plan: with nothing but what is printed the sampler can be run. */
class PlanTextTest {
    private static final TabulatedSchedule SCHEDULE = TabulatedSchedule.stableDiffusion();
    private static final List<String> COLUMNS = List.of("row", "edge", "t", "alpha", "sigma", "to t", "to alpha",
            "to sigma", "in>out", "x", "p", "g", "stored", "z", "p: x", "p: g", "store");

    /** A network that knows the time it was asked about. */
    private static double network(double x, double t) {
        return Math.tanh(0.8 * x + t / 500 - 1);
    }

    /** Noise for the rows that draw it. */
    private static double noise(int row) {
        return Math.sin(7 * row + 1);
    }

    /** The cells of the printed table by their column, right-aligned under the header. */
    private static List<Map<String, String>> cells(String table) {
        List<String> lines = table.lines().dropWhile(l -> !l.stripLeading().startsWith("row")).toList();
        String header = lines.getFirst();
        int[] ends = new int[COLUMNS.size()];
        int from = 0;
        for (int c = 0; c < ends.length; c++) {
            String name = COLUMNS.get(c);
            int at = header.indexOf(name, from);
            // Columns are two spaces apart; "x" must not be found within "p: x".
            while (at > 0 && !header.startsWith("  ", at - 2)) {
                at = header.indexOf(name, at + 1);
            }
            ends[c] = at + name.length();
            from = ends[c];
        }
        List<Map<String, String>> rows = new ArrayList<>();
        for (String line : lines.subList(1, lines.size())) {
            Map<String, String> row = new HashMap<>();
            int start = 0;
            for (int c = 0; c < ends.length; c++) {
                int end = Math.min(ends[c], line.length());
                row.put(COLUMNS.get(c), start < end ? line.substring(start, end).strip() : "");
                start = ends[c];
            }
            rows.add(row);
        }
        return rows;
    }

    private static double coefficient(String cell) {
        return cell.isEmpty() ? 0 : Double.parseDouble(cell);
    }

    /** "2.5 s1 + -0.5 s2" with the values that s1 and s2 have. */
    private static double combination(String cell, Map<String, Double> values) {
        double sum = 0;
        if (!cell.isEmpty()) {
            for (String term : cell.split(" \\+ ")) {
                String[] parts = term.split(" ");
                sum += Double.parseDouble(parts[0]) * values.get(parts[1]);
            }
        }
        return sum;
    }

    /** Runs a sampler from its printed table, as the lines above the table say. */
    private static double runByHand(String table, double start) {
        String head = table.lines().findFirst().orElseThrow();
        double range = head.contains("clip range:")
                ? Double.parseDouble(head.replaceAll(".*clip range:([0-9.]+),.*", "$1"))
                : Double.POSITIVE_INFINITY;
        Map<String, Double> slots = new HashMap<>();
        String out = null;
        for (Map<String, String> row : cells(table)) {
            String[] inOut = row.get("in>out").split(">");
            if (out == null) {
                slots.put("s" + inOut[0], start);
            }
            double x = slots.get("s" + inOut[0]);
            double g = network(x, Double.parseDouble(row.get("t")));
            double p = Math.clamp(coefficient(row.get("p: x")) * x + coefficient(row.get("p: g")) * g, -range, range);
            double next = coefficient(row.get("x")) * x + coefficient(row.get("p")) * p + coefficient(row.get("g")) * g
                    + combination(row.get("stored"), slots)
                    + coefficient(row.get("z")) * noise(Integer.parseInt(row.get("row")));
            if (!row.get("store").isEmpty()) {
                String[] sides = row.get("store").split(" = ");
                slots.put(sides[0], combination(sides[1], Map.of("x", x, "p", p, "g", g)));
            }
            out = "s" + inOut[1];
            slots.put(out, next);
        }
        return slots.get(out);
    }

    @Test
    void dpmpp2mOfTenStepsCanBeRunByHandFromItsTable() {
        TimeGrid grid = TimeGrid.of(SCHEDULE, Spacing.karras(7), 10);
        for (Clip clip : List.of(Clip.NONE, Clip.range(1.25))) {
            for (Prediction prediction : Prediction.values()) {
                SamplingPlan plan = SamplingPlan.of(grid, Solvers.named("dpmpp-2m"), prediction, clip, null);
                double[] starts = {-2.5, -0.3, 0, 1, 2.2};
                double[] expected = onBackend(plan, starts);
                String table = plan.toTable();
                for (int i = 0; i < starts.length; i++) {
                    // Nine digits are 5e-9 of a coefficient at worst, and 20 of them of size 1 to 2 act on a state that grows to
                    // the result: 1e-7 of it, were they all rounded up by half a digit.
                    assertEquals(expected[i], runByHand(table, starts[i]), 1e-7 * Math.max(1, Math.abs(expected[i])),
                            prediction + ", " + clip + "\n" + table);
                }
            }
        }
    }

    private static double[] onBackend(SamplingPlan plan, double[] starts) {
        double[] output = new double[starts.length];
        try (Backend backend = new ScalarBackend();
                Trajectory t = Trajectory.builder(plan, backend)
                        .shape(1, starts.length)
                        .dtype(DType.F64)
                        .startFrom(HostTensor.of(starts))) {
            HostTensor end = (HostTensor) t.run((input, time, result) -> {
                for (int i = 0; i < output.length; i++) {
                    ((HostTensor) result).setDouble(i, network(((HostTensor) input).getDouble(i), time));
                }
            }, HostTensor.of(output));
            return end.toDoubleArray();
        }
    }

    @Test
    void everySolverCanBeRunByHandFromItsTable() {
        TimeGrid grid = Spacing.leading(1).grid(SCHEDULE, 12, FinalLevel.LEAST_NOISE);
        int run = 0;
        for (Solver solver : Samplers.solvers()) {
            if (solver instanceof Ddpm ddpm && ddpm.isVarianceLearned()) {
                continue;
            }
            for (Prediction prediction : Prediction.values()) {
                SamplingPlan plan = SamplingPlan.of(grid, solver, prediction);
                double expected = PlanInDouble.run(plan, (at, x) -> new double[] {network(x[0], at.t())},
                        i -> new double[] {noise(i)}, 0.8)[0];
                double actual = runByHand(plan.toTable(), 0.8);
                // Solvers that extrapolate eps grow what the nine digits leave; still the digits of a float.
                assertEquals(expected, actual, 1e-6 * Math.max(1, Math.abs(expected)), solver + ", " + prediction);
                run++;
            }
        }
        assertTrue(run > 200, "only " + run + " tables");
    }

    @Test
    void theTableNamesWhatItIsFor() {
        TimeGrid grid = TimeGrid.of(SCHEDULE, Spacing.leading(1), 3);
        String table = SamplingPlan
                .of(grid, Solvers.named("ddpm-learned-range"), Prediction.V_PREDICTION, Clip.range(1),
                        Guidance.scale(7.5))
                .toTable();
        assertTrue(table.startsWith("solver ddpm-learned-range, prediction v_prediction, clip range:1.0, guidance 7.5, "
                + "3 network evaluations, 1 slot, initial noise x 1\n"), table);
        assertTrue(table.contains("exp("), table);
    }

    @Test
    void theCsvHoldsEveryNumberExactly() {
        TimeGrid grid = Spacing.karras(7).grid(SCHEDULE, 9, FinalLevel.CLEAN);
        for (Solver solver : Samplers.solvers()) {
            SamplingPlan plan;
            try {
                plan = SamplingPlan.of(grid, solver, Prediction.V_PREDICTION, Clip.range(1), null);
            } catch (IllegalArgumentException refused) {
                continue;
            }
            List<String> lines = plan.toCsv().lines().toList();
            List<String> header = List.of(lines.getFirst().split(","));
            assertEquals(plan.evaluations() + 1, lines.size());
            for (int i = 0; i < plan.evaluations(); i++) {
                String[] parts = lines.get(i + 1).split(",", -1);
                assertEquals(header.size(), parts.length, solver.toString());
                Map<String, String> cell = new HashMap<>();
                for (int c = 0; c < parts.length; c++) {
                    cell.put(header.get(c), parts[c]);
                }
                Step s = plan.steps().get(i);
                Step read = read(cell, s);
                assertEquals(s, read, solver + ", row " + i);
                assertEquals(Integer.toString(i), cell.get("row"));
                assertEquals(s.at().t(), number(cell, "t"));
                assertEquals(s.at().alpha(), number(cell, "alpha"));
                assertEquals(s.at().sigma(), number(cell, "sigma"));
                assertEquals(s.to().t(), number(cell, "to_t"));
                assertEquals(s.to().alpha(), number(cell, "to_alpha"));
                assertEquals(s.to().sigma(), number(cell, "to_sigma"));
            }
        }
    }

    private static Step read(Map<String, String> cell, Step levels) {
        List<Term> history = new ArrayList<>();
        for (int k = 0; k < 3; k++) {
            if (!cell.get("h" + k).isEmpty()) {
                history.add(new Term(whole(cell, "h" + k + "_slot"), number(cell, "h" + k)));
            }
        }
        LearnedVariance variance = cell.get("variance_log_scale").isEmpty() ? null
                : new LearnedVariance(Boolean.parseBoolean(cell.get("variance_log_scale")),
                        number(cell, "variance_factor"), number(cell, "variance_offset"));
        Step.Store store = cell.get("store_slot").isEmpty() ? null
                : new Step.Store(whole(cell, "store_slot"), number(cell, "sx"), number(cell, "sp"), number(cell, "sg"));
        return new Step(whole(cell, "edge"), levels.at(), levels.to(), whole(cell, "in"), whole(cell, "out"),
                number(cell, "px"), number(cell, "pg"), number(cell, "cx"), number(cell, "cp"), number(cell, "cg"),
                history, number(cell, "cz"), variance, store);
    }

    private static double number(Map<String, String> cell, String column) {
        return Double.parseDouble(cell.get(column));
    }

    private static int whole(Map<String, String> cell, String column) {
        return Integer.parseInt(cell.get(column));
    }
}
