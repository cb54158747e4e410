// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/**
 * Sampling plans: the immutable tables a backend executes, one row of coefficients for each network evaluation, and their text,
 * CSV and JSON forms.
 */
package io.github.alphabar.plan;
