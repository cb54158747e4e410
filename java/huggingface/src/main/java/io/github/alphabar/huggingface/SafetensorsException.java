// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import java.io.IOException;

/** A file that is not a valid safetensors file; the message names the file, what was found and what was expected. */
public final class SafetensorsException extends IOException {
    private static final long serialVersionUID = 1;

    SafetensorsException(String message, Throwable cause) {
        super(message, cause);
    }
}
