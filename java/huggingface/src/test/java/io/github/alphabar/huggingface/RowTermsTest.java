// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.github.alphabar.plan.Step;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.solver.StepEquation.Term;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The largest term of each value of a row. */
class RowTermsTest {
    private static final Level LEVEL = Level.of(1, 0.6, 0.8);

    private static Step row(double px, double pg, double cx, double cp, double cg, List<Term> history, double cz,
            Step.Store store) {
        return new Step(0, LEVEL, LEVEL, 0, 0, px, pg, cx, cp, cg, history, cz, null, store);
    }

    @Test
    void aPredictionsTermsCountAsFarAsItDoes() {
        Step row = row(10, -8, 0.5, 0.25, 0, List.of(), 0, null);
        double[] x = {1, -1, 0};
        double[] g = {1, 2, 0};
        assertArrayEquals(new double[] {10, 16, 0}, RowTerms.ofPrediction(row, x, g));
        assertArrayEquals(new double[] {2.5, 4, 0}, new RowTerms(1).of(row, x, g, null));
    }

    @Test
    void noiseIsATerm() {
        Step row = row(0, 0, 0.5, 0, 0, List.of(), 3, null);
        assertArrayEquals(new double[] {6}, new RowTerms(1).of(row, new double[] {1}, new double[] {1},
                new double[] {-2}));
    }

    /** What was stored is a small difference of large terms, and as badly known as they. */
    @Test
    void aStoredValueIsAsLargeAsTheTermsItWasMadeOf() {
        RowTerms terms = new RowTerms(2);
        terms.of(row(0, 0, 1, 0, 0, List.of(), 0, new Step.Store(1, 100, 0, -99)), new double[] {1},
                new double[] {1}, null);
        Step next = row(0, 0, 1, 0, 0, List.of(new Term(1, 0.5)), 0, null);
        assertArrayEquals(new double[] {50}, terms.of(next, new double[] {2}, new double[] {1}, null));
    }

    @Test
    void theStateARowSeesIsTheRecordedOne() {
        RowTerms terms = new RowTerms(1);
        terms.of(row(0, 0, 1000, 0, 0, List.of(), 0, null), new double[] {1}, new double[] {1}, null);
        Step again = row(0, 0, 0, 0, 1, List.of(new Term(0, 1)), 0, null);
        assertArrayEquals(new double[] {3}, terms.of(again, new double[] {3}, new double[] {1}, null));
    }
}
