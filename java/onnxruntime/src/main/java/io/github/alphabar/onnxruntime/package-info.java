// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0

/**
 * Networks as ONNX files: {@link io.github.alphabar.onnxruntime.OnnxDenoiser} runs yours,
 * {@link io.github.alphabar.onnxruntime.DigitsModel} is one that comes along.
 */
package io.github.alphabar.onnxruntime;
