// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.sampling;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.tensor.Tensor;

/**
 * What a student has to predict at a level so that one of its DDIM steps lands where two of its teacher's did (Salimans and Ho
 * 2022, arXiv:2202.00512, algorithm 2 and appendix G). The teacher goes from z at {@code from}, by way of the middle, to z'' at
 * {@code to}; the student's one step is {@code z'' = alpha'' x0 + (sigma'' / sigma) (z - alpha x0)}, so
 *
 * <pre>
 * x0 = (z'' - (sigma'' / sigma) z) / (alpha'' - (sigma'' / sigma) alpha)
 * v  = alpha (z - alpha x0) / sigma - sigma x0                              a student that predicts v
 * </pre>
 *
 * Both are linear in z and z''. Immutable.
 *
 * @param from
 *            where the student is asked; sigma is above 0
 * @param to
 *            where its step arrives, with less noise; sigma may be 0
 */
public record DistillationTarget(Level from, Level to) {

    /** Checks that the step leads to less noise. */
    public DistillationTarget {
        if (!(to.lambda() > from.lambda())) {
            throw new IllegalArgumentException("A student's step goes from noisy to clean, but got t=" + from.t()
                    + " (sigma=" + from.sigma() + ") to t=" + to.t() + " (sigma=" + to.sigma()
                    + "); name the noisier level first.");
        }
    }

    /** x0 or v as a linear form. */
    private record Linear(double z, double zTo) {
    }

    private Linear x0() {
        // alpha'' sigma - sigma'' alpha, the sine of the angle between the levels where variance is preserved; above 0.
        double determinant = to.alpha() * from.sigma() - to.sigma() * from.alpha();
        return new Linear(-to.sigma() / determinant, from.sigma() / determinant);
    }

    private Linear v() {
        Linear x0 = x0();
        double norm = from.alpha() * from.alpha() + from.sigma() * from.sigma();
        return new Linear((from.alpha() - norm * x0.z) / from.sigma(), -norm * x0.zTo / from.sigma());
    }

    /**
     * The clean sample to predict.
     *
     * @param z
     *            an element of the state at {@code from}
     * @param zTo
     *            the same element where the teacher's two steps arrived
     * @return x0
     */
    public double x0(double z, double zTo) {
        Linear form = x0();
        return form.z * z + form.zTo * zTo;
    }

    /**
     * The velocity to predict.
     *
     * @param z
     *            an element of the state at {@code from}
     * @param zTo
     *            the same element where the teacher's two steps arrived
     * @return v
     */
    public double v(double z, double zTo) {
        Linear form = v();
        return form.z * z + form.zTo * zTo;
    }

    /**
     * The clean samples to predict, as one row of a backend.
     *
     * @param backend
     *            what computes it
     * @param z
     *            the states at {@code from}
     * @param zTo
     *            where the teacher's two steps arrived
     * @param out
     *            receives x0; may be z
     * @param samples
     *            samples in the batch
     */
    public void x0(Backend backend, Tensor z, Tensor zTo, Tensor out, int samples) {
        Linear form = x0();
        ForwardProcess.combined(backend, form.z, z, form.zTo, zTo, out, samples);
    }

    /**
     * The velocities to predict, as one row of a backend.
     *
     * @param backend
     *            what computes it
     * @param z
     *            the states at {@code from}
     * @param zTo
     *            where the teacher's two steps arrived
     * @param out
     *            receives v; may be z
     * @param samples
     *            samples in the batch
     */
    public void v(Backend backend, Tensor z, Tensor zTo, Tensor out, int samples) {
        Linear form = v();
        ForwardProcess.combined(backend, form.z, z, form.zTo, zTo, out, samples);
    }
}
