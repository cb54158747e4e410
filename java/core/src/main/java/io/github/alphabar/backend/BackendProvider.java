// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import java.util.Optional;

/** Finds and opens one backend; registered as a service. */
public interface BackendProvider {

    /**
     * The backend's name.
     *
     * @return for instance {@code scalar}
     */
    String name();

    /**
     * The preference of {@link Backends#best()}.
     *
     * @return larger is better
     */
    int priority();

    /**
     * Why the backend cannot run here.
     *
     * @return one sentence with the remedy, or empty if it can
     */
    Optional<String> unavailable();

    /**
     * Opens the backend.
     *
     * @param options
     *            threads and device
     * @return the backend, to be closed by the caller
     */
    Backend open(Options options);

    /**
     * What a caller may choose.
     *
     * @param threads
     *            the most threads a host backend uses for a large tensor; 0 means one for each processor
     * @param device
     *            the ordinal of the device
     */
    record Options(int threads, int device) {
        /** The defaults: all processors, device 0. */
        public static final Options DEFAULT = new Options(0, 0);

        /** Checks the ranges. */
        public Options {
            if (threads < 0 || threads > 1024 || device < 0) {
                throw new IllegalArgumentException(
                        "Threads are 0 (all processors) to 1024 and a device is an ordinal, but got threads=" + threads
                                + ", device="
                                + device + ".");
            }
        }

        /**
         * The number of threads meant.
         *
         * @return at least 1
         */
        public int resolvedThreads() {
            return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
        }
    }
}
