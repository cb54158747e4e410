// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.BackendProvider;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;

/** A backend at a row, on memory it allocated for its results. */
final class BackendContender implements Contender {
    private final Backend backend;
    private final Backend.Workspace workspace;
    private final Workload workload;
    private final StepOperands operands;

    BackendContender(Workload workload, String name, int threads) {
        this.workload = workload;
        backend = Backends.named(name, new BackendProvider.Options(threads, 0));
        workspace = backend.workspace(1, workload.elements);
        operands = workload.operands(host(backend.allocate(workload.dtype, workload.elements)),
                workload.stores() ? host(backend.allocate(workload.dtype, workload.elements)) : null);
    }

    private HostTensor host(Tensor tensor) {
        if (tensor instanceof HostTensor host) {
            return host;
        }
        throw new UnsupportedOperationException("Backend '" + backend.name()
                + "' keeps its tensors on a device, which these benchmarks cannot fill yet.");
    }

    @Override
    public void step() {
        backend.step(workload.params, operands, workspace);
    }

    @Override
    public HostTensor out() {
        return (HostTensor) operands.out;
    }

    @Override
    public HostTensor store() {
        return (HostTensor) operands.store;
    }

    @Override
    public Match match() {
        return Match.BITS;
    }

    @Override
    public void close() {
        workspace.close();
        backend.close();
    }
}
