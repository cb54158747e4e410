// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/** Running a plan: the trajectory, the one mutable thing, and what surrounds it. */
package io.github.alphabar.sampling;
