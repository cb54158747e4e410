// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

/** A backend that is not here, or a device that failed; the message says what to do. */
public final class BackendException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * With a message.
     *
     * @param message
     *            what was asked for, what was found, what to do
     */
    public BackendException(String message) {
        super(message);
    }

    /**
     * With a cause.
     *
     * @param message
     *            what was asked for, what was found, what to do
     * @param cause
     *            what failed
     */
    public BackendException(String message, Throwable cause) {
        super(message, cause);
    }
}
