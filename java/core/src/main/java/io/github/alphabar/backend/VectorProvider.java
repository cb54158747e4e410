// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import java.util.Optional;

/** Finds the Vector API backend. Names no class of the Vector API, so that it loads without it. */
public final class VectorProvider implements BackendProvider {
    /** For the service loader. */
    public VectorProvider() {
    }

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public int priority() {
        return 10;
    }

    @Override
    public Optional<String> unavailable() {
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            return Optional
                    .of("the JDK's Vector API is not loaded; start Java with --add-modules jdk.incubator.vector.");
        }
        return Optional.empty();
    }

    @Override
    public Backend open(Options options) {
        unavailable().ifPresent(reason -> {
            throw new BackendException("Backend 'vector' cannot run here: " + reason);
        });
        return new VectorBackend(options.resolvedThreads());
    }
}
