// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.BackendException;
import io.github.alphabar.backend.Backends;
import java.util.Optional;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

/** The backend on a device: here, or a sentence about why not. */
class CudaAvailabilityTest {
    @Test
    void whereADeviceIsRequiredItOpens() {
        if (Boolean.getBoolean("alphabar.require.cuda")) {
            Natives.require();
            try (Backend device = CudaBackend.open(0)) {
                assertEquals("cuda", device.name());
            }
        } else {
            System.err.println("NOT REQUIRED, a CUDA device (-Dalphabar.require.cuda=true)");
        }
    }

    @Test
    void byNameItIsThatBackendOrAnExceptionWithTheRemedy() {
        Optional<String> reason = new CudaBackend.Provider().unavailable();
        if (reason.isEmpty()) {
            try (Backend device = Backends.named("cuda")) {
                assertEquals("cuda", device.name());
            }
        } else {
            assertTrue(reason.get().endsWith("."), reason.get());
            String message = assertThrows(BackendException.class, () -> Backends.named("cuda")).getMessage();
            assertTrue(message.endsWith(reason.get()), message);
        }
    }

    @Test
    void aStreamOfBytedecoCudaIsAnAddressAndLoadsNothing() {
        Natives.require();
        CUstream_st stream = new CUstream_st(new Pointer() {
            {
                address = 4096;
            }
        });
        assertEquals(4096, stream.address());
    }
}
