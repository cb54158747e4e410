// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/** Data whose exact network, exact ODE and exact marginals are known, and distances from them. */
package io.github.alphabar.research.problem;
