// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/** The field's experiments in miniature, on the digits model. */
package io.github.alphabar.research.digits;
