// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/** Timestep grids: which levels a sampler visits, as explicit edges from one level to the next. */
package io.github.alphabar.grid;
