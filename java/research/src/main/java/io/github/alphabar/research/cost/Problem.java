// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

import io.github.alphabar.plan.Prediction;
import io.github.alphabar.research.problem.GaussianMixture;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.tensor.HostTensor;

/** Something to sample from, with a network and a known right answer. For one thread at a time; who makes it closes it. */
public interface Problem extends AutoCloseable {

    /**
     * The name in tables and on the command line.
     *
     * @return for instance {@code mixture:16:8}
     */
    String name();

    /**
     * The elements of a sample.
     *
     * @return d
     */
    int dimension();

    /**
     * The schedule it has to be walked on.
     *
     * @return the network's own, or null where any will do
     */
    NoiseSchedule schedule();

    /**
     * Evaluates the network.
     *
     * @param input
     *            samples of d elements
     * @param at
     *            their level
     * @param prediction
     *            what to return
     * @param output
     *            receives as many elements
     */
    void evaluate(HostTensor input, Level at, Prediction prediction, HostTensor output);

    /**
     * Where the probability-flow ODE takes samples.
     *
     * @param from
     *            their level
     * @param to
     *            the level to arrive at
     * @param x
     *            samples of d numbers
     * @return a new array
     */
    double[] end(Level from, Level to, double[] x);

    /**
     * The distribution of the data.
     *
     * @return null where it is not known
     */
    GaussianMixture data();

    /**
     * Clean samples, for inversions to start from.
     *
     * @param at
     *            the level they are to be at
     * @param count
     *            how many
     * @param seed
     *            the same seed gives the same samples
     * @return count times d numbers
     */
    double[] samples(Level at, int count, long seed);

    @Override
    void close();
}
