// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

import com.fasterxml.jackson.annotation.JsonIgnore;

/**
 * What came of one setting. Numbers that do not apply are null. Errors are in the units of the data; intervals are half widths at
 * 95%, from 8 batches.
 *
 * @param setting
 *            what was run
 * @param status
 *            {@code ok}, {@code skipped} (it cannot be run) or {@code failed} (it was run, and the result is no number)
 * @param reason
 *            why not, empty where ok
 * @param steps
 *            the N the solver was asked for
 * @param evaluations
 *            the network calls made
 * @param rms
 *            root mean square distance of the endpoint from the exact end of the ODE; deterministic solvers
 * @param max
 *            the largest distance of one element
 * @param wasserstein
 *            sliced 2-Wasserstein distance from the exact distribution, mean of the batches
 * @param wassersteinCi
 *            its interval
 * @param wassersteinFloor
 *            the same distance of exact samples, which are finitely many, too
 * @param meanBias
 *            mean over the dimensions of (sample mean - exact mean) / exact standard deviation
 * @param meanBiasCi
 *            its interval
 * @param varianceBias
 *            mean over the dimensions of the second moment about the exact mean / exact variance, less 1
 * @param varianceBiasCi
 *            its interval
 * @param bytesPerStep
 *            bytes a row reads and writes, mean over the rows
 * @param stepMicros
 *            measured: time of a row in microseconds, the median over the rows of the fastest repetition
 * @param networkMicros
 *            measured: time of a network call, in the same way
 * @param totalMillis
 *            measured: the whole fastest repetition
 * @param allocatedPerStep
 *            measured: bytes allocated in a row, mean over the rows
 */
public record Point(Setting setting, String status, String reason, Integer steps, Integer evaluations, Double rms,
        Double max,
        Double wasserstein, Double wassersteinCi, Double wassersteinFloor, Double meanBias, Double meanBiasCi,
        Double varianceBias, Double varianceBiasCi, Long bytesPerStep, Double stepMicros, Double networkMicros,
        Double totalMillis, Double allocatedPerStep) {

    /** A point that has no numbers. */
    static Point without(Setting setting, String status, String reason) {
        return new Point(setting, status, reason, null, null, null, null, null, null, null, null, null, null, null,
                null, null, null, null, null);
    }

    /**
     * Whether there are numbers.
     *
     * @return true for status ok
     */
    @JsonIgnore
    public boolean isOk() {
        return status.equals("ok");
    }
}
