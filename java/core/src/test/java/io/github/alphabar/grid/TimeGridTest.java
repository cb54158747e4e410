// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.grid;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.TabulatedSchedule;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TimeGridTest {
    private static final TabulatedSchedule SCHEDULE = TabulatedSchedule.stableDiffusion();

    @Test
    void theReversedEdgesAreTheEdgesReversed() {
        for (String name : List.of("leading:1", "linspace", "trailing", "quadratic", "uniform-lambda", "karras")) {
            for (FinalLevel end : FinalLevel.values()) {
                for (int n : new int[] {1, 2, 7, 50, 999}) {
                    TimeGrid grid = Spacing.parse(name).grid(SCHEDULE, n, end);
                    TimeGrid back = grid.reversed();
                    assertEquals(n, back.edges());
                    for (int i = 0; i < n; i++) {
                        assertEquals(grid.level(i), back.level(n - i), name);
                        assertEquals(grid.level(i + 1), back.level(n - 1 - i), name);
                    }
                    boolean moves = grid.level(0).lambda() != grid.level(n).lambda();
                    assertEquals(moves, back.isReversed(), name);
                    assertFalse(grid.isReversed(), name);
                    assertEquals(grid, back.reversed(), name);
                }
            }
        }
    }

    @Test
    void theRestOfAGridKeepsItsLevelsAndItsPlace() {
        TimeGrid grid = TimeGrid.of(SCHEDULE, Spacing.leading(1), 50);
        for (int k = 0; k < 50; k++) {
            TimeGrid rest = grid.from(k);
            assertEquals(50 - k, rest.edges());
            assertEquals(k, rest.firstEdge());
            assertEquals(grid.levels().subList(k, 51), rest.levels());
        }
        assertEquals(grid.from(30), grid.from(10).from(20));
        assertSays("edges 0 to 49, but got 50", () -> grid.from(50));
        assertSays("but got -1", () -> grid.from(-1));
    }

    @Test
    void strengthIsAShareOfTheStepsRoundedDown() {
        for (int n = 1; n <= 100; n++) {
            TimeGrid grid = TimeGrid.of(SCHEDULE, Spacing.leading(0), n);
            for (int percent = 1; percent <= 100; percent++) {
                // In decimals as the user wrote them: 0.29 of 100 is 29, though the product of doubles is 28.999999999999996.
                int keep = BigDecimal.valueOf(percent, 2)
                        .multiply(BigDecimal.valueOf(n))
                        .setScale(0, RoundingMode.FLOOR)
                        .intValue();
                TimeGrid rest = grid.fromStrength(percent / 100.0);
                assertEquals(Math.max(1, keep), rest.edges(), "strength " + percent + " % of " + n);
                assertEquals(grid.level(n), rest.level(rest.edges()));
            }
            assertEquals(grid, grid.fromStrength(1));
        }
        TimeGrid grid = TimeGrid.of(SCHEDULE, Spacing.leading(0), 10);
        for (double bad : new double[] {0, -0.1, 1.01, Double.NaN}) {
            assertSays("(0, 1], but got " + bad, () -> grid.fromStrength(bad));
        }
    }

    @Test
    void aGridIsAValueThatOwnsItsLevels() {
        List<Level> levels = new ArrayList<>(List.of(SCHEDULE.level(500), SCHEDULE.level(10)));
        TimeGrid grid = new TimeGrid(SCHEDULE, levels);
        levels.set(1, Level.clean(0));
        assertEquals(SCHEDULE.level(10), grid.level(1));
        assertEquals(grid, new TimeGrid(SCHEDULE, List.of(SCHEDULE.level(500), SCHEDULE.level(10)), 0));
        assertThrows(UnsupportedOperationException.class, () -> grid.levels().clear());
    }

    @Test
    void disorderIsNamedWithItsPlace() {
        assertSays("two levels, but got 1", () -> new TimeGrid(SCHEDULE, List.of(SCHEDULE.level(1))));
        assertSays("level 1 (t=10.0) is followed by t=20.0", () -> new TimeGrid(SCHEDULE,
                List.of(SCHEDULE.level(30), SCHEDULE.level(10), SCHEDULE.level(20), SCHEDULE.level(0))));
        assertSays("must grow", () -> new TimeGrid(SCHEDULE,
                List.of(SCHEDULE.level(10), SCHEDULE.level(30), SCHEDULE.level(20), SCHEDULE.level(40))));
    }

    private static void assertSays(String part, Runnable call) {
        String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
        assertTrue(message.contains(part), message);
    }
}
