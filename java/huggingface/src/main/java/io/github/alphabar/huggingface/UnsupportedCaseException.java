// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

/** A recorded case this library cannot repeat; the message says why. */
final class UnsupportedCaseException extends Exception {
    private static final long serialVersionUID = 1L;

    UnsupportedCaseException(String message) {
        super(message);
    }
}
