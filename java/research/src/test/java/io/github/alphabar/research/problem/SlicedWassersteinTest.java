// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.problem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SlicedWassersteinTest {
    private static final GaussianMixture TWO = new GaussianMixture(new double[] {1, 3},
            new double[][] {{-1, 0.5}, {1, 0}}, new double[][] {{0.2, 0.3}, {0.4, 0.1}});

    /** Shifting all samples by 2 along the line moves each by 2: a distance of 2, but for their own distance. */
    @Test
    void aShiftOnALineIsItsOwnDistance() {
        GaussianMixture line = GaussianMixture.gaussian(new double[] {0}, new double[] {0.01});
        double[] x = line.sample(4000, 1);
        for (int i = 0; i < x.length; i++) {
            x[i] += 2;
        }
        // The deviation of the samples and of their mean is 0.01 at most.
        assertEquals(2, new SlicedWasserstein(line, 4000, 1, 5).distance(x, 0), 0.01);
    }

    /** W2 between Gaussians of one mean is the difference of their deviations. */
    @Test
    void aWiderSetIsAsFarAsItsDeviationIsWider() {
        GaussianMixture narrow = GaussianMixture.gaussian(new double[] {0.3}, new double[] {0.5});
        GaussianMixture wide = GaussianMixture.gaussian(new double[] {0.3}, new double[] {1.5});
        double[] x = wide.sample(100_000, 2);
        // The deviation of 100,000 draws is off by 1.5 / sqrt(200,000) = 0.0034, their mean by 0.0047: three of the larger.
        assertEquals(1, new SlicedWasserstein(narrow, 100_000, 1, 5).distance(x, 0), 0.015);
    }

    @Test
    void samplesOfTheDistributionItselfComeNearerAsTheyGrowMore() {
        double few = new SlicedWasserstein(TWO, 100, 16, 3).distance(TWO.sample(100, 4), 0);
        double many = new SlicedWasserstein(TWO, 10_000, 16, 3).distance(TWO.sample(10_000, 4), 0);
        // The distance falls as 1 / sqrt(n), by 10 here; a factor of 4 leaves room for chance. It is below 0.05: 1 / sqrt(10,000) of the size of the data.
        assertTrue(many < few / 4 && many < 0.05, few + " and " + many);
    }

    @Test
    void aSetNeedsSamplesAndDirections() {
        assertThrows(IllegalArgumentException.class, () -> new SlicedWasserstein(TWO, 0, 1, 1));
        assertThrows(IllegalArgumentException.class, () -> new SlicedWasserstein(TWO, 1, 0, 1));
    }
}
