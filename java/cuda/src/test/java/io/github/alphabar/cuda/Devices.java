// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import static org.junit.jupiter.api.Assertions.fail;

import org.junit.jupiter.api.Assumptions;

/** Opens a CUDA device for a test, or skips it loudly; where alphabar.require.cuda is true, its absence is a failure. */
public final class Devices {
    private Devices() {
    }

    /** Device 0, or no test. */
    public static CudaBackend open() {
        new CudaBackend.Provider().unavailable().ifPresent(reason -> {
            if (Boolean.getBoolean("alphabar.require.cuda")) {
                fail("The backend 'cuda' is required (alphabar.require.cuda), but " + reason);
            }
            System.err.println("SKIPPED, a test on a device: " + reason);
            Assumptions.abort(reason);
        });
        return CudaBackend.open(0);
    }
}
