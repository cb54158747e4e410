// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.BackendException;
import io.github.alphabar.backend.BackendProvider;
import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.cuda.binding.Alphabar;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * The kernels' own arithmetic, compiled for the host. Takes native memory: {@link HostTensor#allocate}, direct buffers, segments of
 * an arena; Java arrays it refuses, since reaching them would mean to copy. May be used by many threads, each with a workspace of
 * its own.
 */
public final class NativeBackend extends RowBackend {
    private final int threads;

    private NativeBackend(int threads) {
        super(Library.create("the native backend with " + threads + " threads",
                context -> Alphabar.alphabar_host_create(threads, context)));
        this.threads = threads;
    }

    /** Finds the backend. */
    public static final class Provider implements BackendProvider {
        /** For the service loader. */
        public Provider() {
        }

        @Override
        public String name() {
            return "native";
        }

        @Override
        public int priority() {
            // Below vector, which also takes Java arrays: the best backend must not refuse what another accepts.
            return 8;
        }

        @Override
        public Optional<String> unavailable() {
            return Library.unavailable();
        }

        @Override
        public Backend open(Options options) {
            unavailable().ifPresent(reason -> {
                throw new BackendException("Backend 'native' cannot run here: " + reason);
            });
            return new NativeBackend(options.resolvedThreads());
        }
    }

    @Override
    public String name() {
        return "native";
    }

    @Override
    public String description() {
        return "libalphabar, " + Library.hostDescription() + "; " + threads + (threads == 1 ? " thread." : " threads.");
    }

    @Override
    public HostTensor allocate(DType dtype, long elements) {
        return HostTensor.allocate(dtype, elements);
    }

    @Override
    public Workspace workspace(int samples, long elements) {
        checkShape(samples, elements);
        return new RowMemory(this, samples, 0);
    }

    @Override
    long address(String name, Tensor tensor) {
        if (!(tensor instanceof HostTensor host)) {
            throw new IllegalArgumentException("'" + name + "' is memory of a device, but the backend 'native' works on"
                    + " the host's; use HostTensor.allocate.");
        }
        MemorySegment segment = host.segment();
        if (!segment.isNative()) {
            throw new IllegalArgumentException("'" + name + "' is a Java array, which the backend 'native' cannot reach"
                    + " without copying it; use HostTensor.allocate, a direct buffer, or the backend 'vector'.");
        }
        if (!segment.scope().isAlive()) {
            throw new IllegalStateException("The arena of '" + name + "' is closed.");
        }
        long address = segment.address();
        int bytes = tensor.dtype().bytes();
        if ((address & (bytes - 1)) != 0) {
            throw new IllegalArgumentException("'" + name + "' must be aligned to its elements of " + bytes
                    + " bytes for the backend 'native', but is at 0x" + Long.toHexString(address)
                    + "; use HostTensor.allocate or the backend 'vector'.");
        }
        return address;
    }

    @Override
    boolean isDevice() {
        return false;
    }

    @Override
    long stream() {
        return 0;
    }

    @Override
    void support(StepParams p, StepOperands o) {
        // Every row.
    }
}
