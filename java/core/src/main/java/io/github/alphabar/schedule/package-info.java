// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/** Noise schedules: how much signal (alpha) and noise (sigma) a sample holds at a time, in double. */
package io.github.alphabar.schedule;
