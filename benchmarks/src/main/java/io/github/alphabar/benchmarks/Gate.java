// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.ScalarBackend;
import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.tensor.HostTensor;
import java.lang.foreign.ValueLayout;

/** Lets nobody be timed whose result is wrong: every element is compared with the scalar backend's. */
final class Gate {
    private Gate() {
    }

    /** A contender computed something else than the scalar backend. */
    static final class Refusal extends RuntimeException {
        private static final long serialVersionUID = 1;

        Refusal(String message) {
            super(message);
        }
    }

    /** Executes the row once by the contender and once by the scalar backend, and compares. */
    static void check(String name, Workload workload, Contender contender) {
        HostTensor out = workload.room();
        HostTensor store = workload.stores() ? workload.room() : null;
        try (Backend scalar = new ScalarBackend(); Backend.Workspace w = scalar.workspace(1, workload.elements)) {
            StepOperands operands = workload.operands(out, store);
            scalar.step(workload.params, operands, w);
        }
        contender.comparableStep();
        String what = name + ", " + workload.row.id() + ", " + workload.dtype + ", " + workload.elements + " elements";
        compare(what + ": x'", contender.match(), workload, out, contender.out());
        if (store != null) {
            compare(what + ": the stored value", contender.match(), workload, store, contender.store());
        }
    }

    private static void compare(String what, Contender.Match match, Workload workload, HostTensor want,
            HostTensor got) {
        if (got == null || got.elements() != want.elements() || got.dtype() != want.dtype()) {
            throw new Refusal(what + " is " + got + " instead of " + want + "; it is not timed.");
        }
        switch (match) {
            case BITS -> bits(what, want, got);
            case ROUNDINGS -> near(what, want, got, tolerance(workload));
            case MOMENTS -> moments(what, got);
        }
    }

    /** Equal bits in every element. */
    static void bits(String what, HostTensor want, HostTensor got) {
        long at = want.segment().mismatch(got.segment());
        if (at >= 0) {
            refuse(what, want, got, at / want.dtype().bytes(), "bit for bit");
        }
    }

    /**
     * The formulas have at most 16 operations on values of magnitude 2 (inputs) times the largest factor in them: 1 / alpha of the
     * level, the guidance weight, and 59 / 24 of PLMS. Each rounds by at most 2^-24 of its result, and so does each of at most 6 in the
     * row; results are at most 8 such products added up. Measured differences are some 20 times smaller, and a coefficient off by
     * 1e-3 is found out.
     */
    static double tolerance(Workload workload) {
        Level at = workload.row.levels().getFirst();
        double factor = Math.max(Math.max(1 / at.alpha(), 59 / 24.0),
                workload.row.isGuided() ? 2 * workload.row.guidanceWeight() : 1);
        return 22 * 8 * 2 * factor * 0x1p-24;
    }

    private static void near(String what, HostTensor want, HostTensor got, double tolerance) {
        for (long i = 0; i < want.elements(); i++) {
            // Written so that a NaN is refused.
            if (!(Math.abs(want.getDouble(i) - got.getDouble(i)) <= tolerance)) {
                refuse(what, want, got, i, "within " + tolerance);
            }
        }
    }

    /** Mean and variance within 6 of their own standard deviations, which a right generator misses once in 10^8. */
    private static void moments(String what, HostTensor got) {
        double sum = 0;
        double squares = 0;
        for (long i = 0; i < got.elements(); i++) {
            double v = got.getDouble(i);
            sum += v;
            squares += v * v;
        }
        double n = got.elements();
        double mean = sum / n;
        double variance = squares / n - mean * mean;
        if (!(Math.abs(mean) <= 6 / Math.sqrt(n)) || !(Math.abs(variance - 1) <= 6 * Math.sqrt(2 / n))) {
            throw new Refusal(what + ": " + (long) n + " standard normals were wanted, but their mean is " + mean
                    + " and their variance " + variance + "; it is not timed.");
        }
    }

    private static void refuse(String what, HostTensor want, HostTensor got, long i, String how) {
        String bits = want.dtype().bytes() == 4
                ? " (0x" + Integer.toHexString(got.segment().get(ValueLayout.JAVA_INT_UNALIGNED, 4 * i)) + ")" : "";
        throw new Refusal(what + " at " + i + " is " + got.getDouble(i) + bits + ", but the scalar backend has "
                + want.getDouble(i) + " and equality was asked for " + how + "; it is not timed.");
    }
}
