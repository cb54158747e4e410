// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/** Hugging Face formats and PyTorch seeds. */
package io.github.alphabar.huggingface;
