// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/** Views of memory owned by somebody else: heap arrays, direct buffers, memory segments, device addresses. */
package io.github.alphabar.tensor;
