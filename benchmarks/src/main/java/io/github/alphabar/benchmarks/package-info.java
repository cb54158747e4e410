// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0

/**
 * The benchmarks: {@link io.github.alphabar.benchmarks.Main} and its commands, one JMH class for each question, and the peers that are
 * timed beside the backends. Nothing is timed before its result was compared with the scalar backend's.
 */
package io.github.alphabar.benchmarks;
