// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/**
 * Backends: executors of plan rows that know nothing of diffusion. Every backend returns the same bits.
 */
package io.github.alphabar.backend;
