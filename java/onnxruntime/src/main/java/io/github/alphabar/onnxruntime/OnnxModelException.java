// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.onnxruntime;

/** A model file cannot be loaded, is no denoiser, or failed while it ran; the message says what it has and what was expected. */
public final class OnnxModelException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /**
     * A fault of the file.
     *
     * @param message
     *            what was found, what was expected, what to do
     */
    public OnnxModelException(String message) {
        super(message);
    }

    /**
     * A fault that ONNX Runtime reported.
     *
     * @param message
     *            what was found, what was expected, what to do
     * @param cause
     *            what ONNX Runtime said
     */
    public OnnxModelException(String message, Throwable cause) {
        super(message, cause);
    }
}
