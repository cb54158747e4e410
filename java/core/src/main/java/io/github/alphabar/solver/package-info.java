// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/**
 * Solvers: pure functions from a timestep grid to a table of step equations.
 *
 * <p>
 * A solver never sees a tensor, a dtype, a device or what the network predicts. It writes every update in the state x, the
 * predicted clean sample x0, the predicted noise eps, what earlier steps stored, and fresh noise z; the plan turns that into
 * coefficients of what the network really returns.
 */
package io.github.alphabar.solver;
