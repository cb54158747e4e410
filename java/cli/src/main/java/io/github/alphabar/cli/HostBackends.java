// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.BackendProvider;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;

/** Backends that keep samples where networks on the CPU and this program can read them. */
final class HostBackends {
    private HostBackends() {
    }

    static BackendProvider.Options options(int threads) {
        return UsageException.checked(() -> new BackendProvider.Options(threads, 0));
    }

    /** The backend of that name, or, for null, the best one that works on host memory. */
    static Backend open(String name, BackendProvider.Options options) {
        if (name != null) {
            Backend named = UsageException.checked(() -> Backends.named(name, options));
            if (worksOnHostMemory(named)) {
                return named;
            }
            named.close();
            throw new UsageException("Backend '" + name + "' keeps its samples on a device, and the network runs on"
                    + " the CPU; leave --backend out.");
        }
        for (Backends.Status status : Backends.status()) {
            if (status.usable()) {
                Backend best = Backends.named(status.name(), options);
                if (worksOnHostMemory(best)) {
                    return best;
                }
                best.close();
            }
        }
        throw new RunException("No backend that works on host memory can run here; see 'alphabar backends'.");
    }

    private static boolean worksOnHostMemory(Backend candidate) {
        return candidate.allocate(DType.F32, 1) instanceof HostTensor;
    }
}
