// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

/** Who looks on while a long run goes on. */
public interface Progress {
    /** Nobody. */
    Progress NONE = (_, _, _) -> {
    };

    /**
     * A part of the run came forward.
     *
     * @param task
     *            what is done
     * @param done
     *            how much of it
     * @param total
     *            how much there is
     */
    void at(String task, int done, int total);
}
