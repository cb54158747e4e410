// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/** Error against network calls against time: what is run, what is measured, and the store that survives an interruption. */
package io.github.alphabar.research.cost;
