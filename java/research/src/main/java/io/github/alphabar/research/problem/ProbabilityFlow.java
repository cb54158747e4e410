// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.problem;

import io.github.alphabar.plan.Prediction;
import io.github.alphabar.schedule.Level;
import org.hipparchus.exception.MathRuntimeException;
import org.hipparchus.ode.ODEState;
import org.hipparchus.ode.OrdinaryDifferentialEquation;
import org.hipparchus.ode.nonstiff.DormandPrince853Integrator;

/**
 * Where the probability-flow ODE (Song et al. 2021, arXiv:2011.13456, eq. 13) takes a sample, exactly.
 *
 * <p>
 * A Gaussian keeps the quantile of a sample: {@code x' = alpha' m + (x - alpha m) sqrt(v' / v)}. For a mixture it is integrated.
 * On the circle {@code z = x / sqrt(alpha^2 + sigma^2)}, {@code phi = atan(sigma / alpha)} every schedule has the same ODE,
 *
 * <pre>
 * dz / dphi = v(z, phi) = cos(phi) eps - sin(phi) x0        (Salimans and Ho 2022, arXiv:2202.00512, section 4)
 * </pre>
 *
 * whose right side is smooth at both ends, alpha = 0 and sigma = 0 included.
 */
public final class ProbabilityFlow {
    /** Of the integrator, for each number of the state, absolute and relative. */
    public static final double TOLERANCE = 1e-12;

    private final GaussianMixture data;

    /**
     * The flow of some data.
     *
     * @param data
     *            the data
     */
    public ProbabilityFlow(GaussianMixture data) {
        this.data = data;
    }

    /**
     * Moves samples along the drift of the reverse SDE, its noise left out: {@code dz / dphi = v + eps / cos(phi)}, the flow with
     * the score taken twice. What is left of a stochastic solver without its noise converges to this.
     *
     * @param from
     *            the level of x; alpha is above 0
     * @param to
     *            the level to arrive at, with less noise
     * @param x
     *            samples of d numbers, one after the other
     * @return where they arrive; a new array
     */
    public double[] drift(Level from, Level to, double[] x) {
        double[] out = new double[x.length];
        for (int at = 0; at < x.length; at += data.dimension()) {
            integrated(from, to, x, out, at, true);
        }
        return out;
    }

    /**
     * Moves samples along the flow.
     *
     * @param from
     *            the level of x
     * @param to
     *            the level to arrive at; less noise or more
     * @param x
     *            samples of d numbers, one after the other
     * @return where they arrive; a new array
     */
    public double[] end(Level from, Level to, double[] x) {
        int d = data.dimension();
        if (x.length % d != 0) {
            throw new IllegalArgumentException(
                    "Samples of " + d + " numbers were expected, but got " + x.length + " numbers.");
        }
        double[] out = new double[x.length];
        for (int at = 0; at < x.length; at += d) {
            if (data.components() == 1) {
                gaussian(from, to, x, out, at);
            } else {
                integrated(from, to, x, out, at, false);
            }
        }
        return out;
    }

    private void gaussian(Level from, Level to, double[] x, double[] out, int at) {
        for (int j = 0; j < data.dimension(); j++) {
            double m = data.mean(0, j);
            double s = data.deviation(0, j);
            double ratio = Math.hypot(to.alpha() * s, to.sigma()) / Math.hypot(from.alpha() * s, from.sigma());
            out[at + j] = to.alpha() * m + (x[at + j] - from.alpha() * m) * ratio;
        }
    }

    private void integrated(Level from, Level to, double[] x, double[] out, int at, boolean drift) {
        int d = data.dimension();
        double begin = StrictMath.atan2(from.sigma(), from.alpha());
        double end = StrictMath.atan2(to.sigma(), to.alpha());
        double scale = Math.hypot(from.alpha(), from.sigma());
        double[] z = new double[d];
        for (int j = 0; j < d; j++) {
            z[j] = x[at + j] / scale;
        }
        if (begin != end) {
            DormandPrince853Integrator integrator = new DormandPrince853Integrator(1e-14, 0.5, TOLERANCE, TOLERANCE);
            try {
                z = integrator.integrate(new Velocity(drift), new ODEState(begin, z), end).getPrimaryState();
            } catch (MathRuntimeException e) {
                throw new IllegalArgumentException("The flow from t=" + from.t() + " to t=" + to.t()
                        + " cannot be integrated to 1e-12 (" + e.getMessage() + "); use wider components.", e);
            }
        }
        double rescale = Math.hypot(to.alpha(), to.sigma());
        for (int j = 0; j < d; j++) {
            out[at + j] = z[j] * rescale;
        }
    }

    private final class Velocity implements OrdinaryDifferentialEquation {
        private final boolean drift;

        Velocity(boolean drift) {
            this.drift = drift;
        }

        @Override
        public int getDimension() {
            return data.dimension();
        }

        @Override
        public double[] computeDerivatives(double phi, double[] z) {
            double[] v = new double[z.length];
            GaussianMixture.Network network = data.new Network(StrictMath.cos(phi), StrictMath.sin(phi));
            network.output(Prediction.V_PREDICTION, z, 0, v, 0);
            if (drift) {
                double[] eps = new double[z.length];
                network.output(Prediction.EPSILON, z, 0, eps, 0);
                for (int j = 0; j < v.length; j++) {
                    v[j] += eps[j] / StrictMath.cos(phi);
                }
            }
            return v;
        }
    }
}
