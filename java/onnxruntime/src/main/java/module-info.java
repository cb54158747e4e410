// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0

/**
 * A {@linkplain io.github.alphabar.sampling.Denoiser denoiser} on ONNX Runtime, and a small trained model of handwritten digits to
 * try samplers on.
 */
module io.github.alphabar.onnxruntime {
    requires transitive io.github.alphabar;
    requires com.microsoft.onnxruntime;
    requires com.fasterxml.jackson.databind;

    exports io.github.alphabar.onnxruntime;
}
