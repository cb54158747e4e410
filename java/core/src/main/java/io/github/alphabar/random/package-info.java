// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/**
 * Noise that depends on a sample's seed, the draw and the element, and on nothing else; and the elementary functions it is made
 * with, whose bits are the same on every machine.
 */
package io.github.alphabar.random;
