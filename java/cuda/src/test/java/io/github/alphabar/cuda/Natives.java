// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import static org.junit.jupiter.api.Assertions.fail;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.Backends;
import org.junit.jupiter.api.Assumptions;

/** Opens the native backend for a test, or skips it loudly; where alphabar.require.native is true, its absence is a failure. */
public final class Natives {
    private Natives() {
    }

    /** Skips the test that asks, unless the native library is here. */
    public static void require() {
        new NativeBackend.Provider().unavailable().ifPresent(Natives::missing);
    }

    /** Skips the test that asks, or fails it where natives are required. */
    static void missing(String reason) {
        if (Boolean.getBoolean("alphabar.require.native")) {
            fail("The native backends are required (alphabar.require.native), but " + reason);
        }
        System.err.println("SKIPPED, a native test: " + reason);
        Assumptions.abort(reason);
    }

    /** The native backend, or no test. */
    public static Backend open() {
        require();
        return Backends.named("native");
    }
}
