// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.Ddpm;
import io.github.alphabar.solver.Inverse;
import io.github.alphabar.solver.Samplers;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.Solvers;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class PlanJsonTest {
    private static final long SEED = 7307;
    private static final TabulatedSchedule SCHEDULE = TabulatedSchedule.stableDiffusion();
    /** Small, with history, a store, infinite lambda, guidance and clipping. */
    private static final SamplingPlan PLAN = SamplingPlan.of(TimeGrid.of(SCHEDULE, Spacing.leading(1), 3),
            Solvers.named("dpmpp-2m"), Prediction.EPSILON, Clip.dynamic(0.995, 1.5), Guidance.scale(7.5));

    @Test
    void everySolversPlanComesBackEqual() {
        for (Solver solver : Samplers.solvers()) {
            for (FinalLevel end : FinalLevel.values()) {
                for (Clip clip : List.of(Clip.NONE, Clip.range(1), Clip.dynamic(0.995, 1.5))) {
                    // Inversion from the clean level: eps cannot be derived from a clipped x0 there.
                    if (solver instanceof Inverse && end == FinalLevel.CLEAN && !clip.isNone()) {
                        continue;
                    }
                    SamplingPlan plan = SamplingPlan.of(Spacing.karras(7).grid(SCHEDULE, 7, end), solver,
                            Prediction.V_PREDICTION, clip,
                            clip.isNone() ? null : Guidance.strength(2).rescaled(clip.range() == 1 ? 0 : 0.7));
                    SamplingPlan back = SamplingPlan.fromJson(plan.toJson());
                    assertEquals(plan, back, solver.toString());
                    assertEquals(plan.fingerprint(), back.fingerprint());
                    assertEquals(plan.toTable(), back.toTable());
                }
            }
        }
    }

    @Test
    void awkwardNumbersAndNamesComeBackEqual() {
        Step step = PLAN.steps().getFirst();
        Step odd = new Step(3, step.at(), step.to(), 0, 0, Double.MIN_VALUE, -0.0, Double.MAX_VALUE, 1 / 3.0, -1e-300,
                List.of(), 0, null, new Step.Store(5, 1e22, 123456789012345680.0, 5e-324));
        SamplingPlan plan = new SamplingPlan("a \"name\" with \\ and\n\tcontrol \u0001 and \u00e9 \ud83d\ude00",
                Prediction.FLOW, Clip.NONE, null, 1, List.of(odd));
        assertEquals(plan, SamplingPlan.fromJson(plan.toJson()));
        SamplingPlan terminal = SamplingPlan.of(TimeGrid.of(SCHEDULE.zeroTerminalSnr(), Spacing.trailing(), 2),
                new Ddim(),
                Prediction.V_PREDICTION);
        assertTrue(terminal.toJson().contains("\"-Infinity\""));
        assertEquals(terminal, SamplingPlan.fromJson(terminal.toJson()));
    }

    @Test
    void aPlanWrittenByHandMayBeSpacedAndEscapedAsJsonAllows() {
        String json = PLAN.toJson();
        assertEquals(PLAN, SamplingPlan.fromJson(json.replaceAll("\\s+", "")));
        assertEquals(PLAN, SamplingPlan.fromJson("\t\r\n " + json.replace(",", " ,\r\n\t")
                .replace(":", " : ")
                .replace("dynamic : 0.995 : 1.5", "dynamic:0.995:1.5")));
        assertEquals(PLAN, SamplingPlan.fromJson(json.replace("epsilon", "\\u0065psilon")));
    }

    @Test
    void fingerprintsTellPlansApart() {
        TimeGrid grid = TimeGrid.of(SCHEDULE, Spacing.leading(1), 3);
        long a = SamplingPlan.of(grid, new Ddim(), Prediction.EPSILON).fingerprint();
        assertEquals(a, SamplingPlan.of(grid, new Ddim(), Prediction.EPSILON).fingerprint());
        assertNotEquals(a, SamplingPlan.of(grid, new Ddim(), Prediction.V_PREDICTION).fingerprint());
        assertNotEquals(a, SamplingPlan.of(grid, new Ddim(1e-9), Prediction.EPSILON).fingerprint());
        assertNotEquals(a, SamplingPlan.of(grid, new Ddim(), Prediction.EPSILON, Clip.range(1), null).fingerprint());
    }

    @Test
    void aTruncatedPlanIsRefusedWhereverItBreaksOff() {
        String json = PLAN.toJson().stripTrailing();
        for (int i = 0; i < json.length(); i++) {
            String part = json.substring(0, i);
            String message = assertThrows(IllegalArgumentException.class, () -> SamplingPlan.fromJson(part),
                    "cut at " + i).getMessage();
            assertTrue(message.contains("breaks off at character"), "cut at " + i + ": " + message);
        }
    }

    @Test
    void whatFollowsAPlanIsRefused() {
        for (String tail : List.of("x", "{}", ",", "]", "\u0000")) {
            refused(PLAN.toJson() + tail);
        }
    }

    @Test
    void deepNestingIsRefusedWithoutDeepRecursion() {
        for (int depth : new int[] {17, 1000, 1_000_000}) {
            refused("[".repeat(depth));
            refused("{\"a\":".repeat(depth));
            refused("{\"format\": " + "[".repeat(depth) + "]".repeat(depth) + "}");
        }
    }

    @Test
    void valuesOfAnotherTypeAreRefused() {
        String json = SamplingPlan
                .of(TimeGrid.of(SCHEDULE, Spacing.leading(1), 3), new Ddpm(Ddpm.Variance.LEARNED_RANGE),
                        Prediction.EPSILON)
                .toJson();
        for (String text : List.of(json, PLAN.toJson())) {
            Matcher value = Pattern.compile("\"(\\w+)\": (\"[^\"]*\"|-?[0-9.]+(?:E-?[0-9]+)?|true|false|null|\\[|\\{)")
                    .matcher(text);
            int found = 0;
            while (value.find()) {
                found++;
                String key = value.group(1);
                for (String other : List.of("\"x\"", "[]", "{}", "true", "null", "[1]", "-1.5")) {
                    // An opening bracket is replaced alone: what it held is left over, which is wrong as well.
                    String changed = text.substring(0, value.start(2)) + other + text.substring(value.end(2));
                    boolean number = value.group(2).matches("-?[0-9].*");
                    boolean positive = List.of("alpha", "sigma", "edge", "in", "out", "slot", "outputs").contains(key);
                    boolean allowed = switch (other) {
                        case "-1.5" -> (number && !positive) || key.equals("lambda") || key.equals("guidance");
                        case "\"x\"" -> key.equals("solver");
                        case "null" -> key.equals("guidance");
                        case "true" -> key.equals("log_scale");
                        default -> false;
                    };
                    if (allowed) {
                        SamplingPlan.fromJson(changed);
                        continue;
                    }
                    refused(changed);
                }
            }
            assertTrue(found > 60, "only " + found + " values found");
        }
    }

    @Test
    void aMissingKeyIsNamed() {
        for (String key : List.of("format", "solver", "prediction", "clip", "outputs", "steps", "edge", "at", "to",
                "in",
                "px", "cg", "cz", "history", "alpha", "lambda")) {
            String message = refused(PLAN.toJson().replaceFirst("\"" + key + "\": ", "\"other\": "));
            assertTrue(message.contains("lacks \"" + key + "\""), message);
        }
        String message = refused(PLAN.toJson().replace("alphabar-plan-1", "alphabar-plan-9"));
        assertTrue(message.contains("alphabar-plan-9"), message);
        assertTrue(refused(PLAN.toJson().replaceFirst("\"clip\"", "\"solver\"")).contains("twice"));
        assertTrue(refused("[]").contains("JSON object"));
        refused("");
        refused("nul");
    }

    @Test
    void numbersFollowTheGrammarOfJson() {
        for (String bad : List.of("NaN", "Infinity", "+1", "01", "1.", ".5", "1e", "0x10", "1_000", "--1", "1e999")) {
            refused(PLAN.toJson().replaceFirst("\"px\": [^,]+", "\"px\": " + bad));
        }
        for (String good : List.of("0", "-0", "1e2", "1E+2", "0.5e-3")) {
            SamplingPlan plan = SamplingPlan.fromJson(PLAN.toJson().replaceFirst("\"px\": [^,]+", "\"px\": " + good));
            assertEquals(Double.parseDouble(good), plan.steps().getFirst().px());
        }
    }

    @Test
    void damagedTextIsAPlanOrRefusedButNeverAnotherFailure() {
        SplittableRandom random = new SplittableRandom(SEED);
        String json = PLAN.toJson();
        String alphabet = "{}[]\",:0123456789.-+eEINtfnu\\/ \n\u0000\u00ff:x";
        for (int k = 0; k < 5_000; k++) {
            StringBuilder text = new StringBuilder(json);
            for (int hits = 1 + random.nextInt(3); hits > 0; hits--) {
                int at = random.nextInt(text.length());
                switch (random.nextInt(3)) {
                    case 0 -> text.setCharAt(at, alphabet.charAt(random.nextInt(alphabet.length())));
                    case 1 -> text.deleteCharAt(at);
                    default -> text.insert(at, alphabet.charAt(random.nextInt(alphabet.length())));
                }
            }
            try {
                SamplingPlan.fromJson(text.toString());
            } catch (IllegalArgumentException expected) {
                assertTrue(expected.getMessage() != null && !expected.getMessage().isEmpty());
            } catch (RuntimeException other) {
                throw new AssertionError("seed " + SEED + ", case " + k + ": " + text, other);
            }
        }
    }

    private static String refused(String json) {
        return assertThrows(IllegalArgumentException.class, () -> SamplingPlan.fromJson(json),
                json.length() > 4000 ? json.length() + " characters" : json).getMessage();
    }
}
