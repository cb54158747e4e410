// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/**
 * The backends in native code: {@code native}, the kernels' arithmetic compiled for the host, and {@code cuda}. Both are
 * libalphabar's; the bindings are JavaCPP's, and memory passes by address.
 */
package io.github.alphabar.cuda;
