// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.BackendProvider;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.tensor.DeviceTensor;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;

/**
 * A backend at a row, on memory it allocated. Where that is a device's, steps are queued, and every {@value #QUEUED}th waits for those
 * before it: what is timed is the device's time or the host's for queuing, whichever is longer, and a share of that wait.
 */
final class BackendContender implements Contender {
    private static final int QUEUED = 64;

    private final Backend backend;
    private final Backend.Workspace workspace;
    private final Workload workload;
    private final StepOperands operands;
    /** One element of the result and where it is copied to, or null on the host. */
    private final Tensor last;
    private final HostTensor probe;
    private int queued;

    BackendContender(Workload workload, String name, int threads) {
        this.workload = workload;
        backend = Backends.named(name, new BackendProvider.Options(threads, 0));
        workspace = backend.workspace(1, workload.elements);
        Tensor out = backend.allocate(workload.dtype, workload.elements);
        Tensor store = workload.stores() ? backend.allocate(workload.dtype, workload.elements) : null;
        operands = workload.operands(out, store);
        if (out instanceof DeviceTensor device) {
            operands.x = there(workload.x);
            operands.output = there(workload.output);
            operands.uncond = operands.uncond == null ? null : operands.output;
            operands.h0 = there(operands.h0);
            operands.h1 = there(operands.h1);
            operands.h2 = there(operands.h2);
            last = new DeviceTensor(device.address(), device.dtype(), 1, device.device());
            probe = HostTensor.allocate(workload.dtype, 1);
        } else {
            last = null;
            probe = null;
        }
    }

    /** A copy where the backend computes. */
    private Tensor there(Tensor here) {
        if (here == null) {
            return null;
        }
        Tensor copy = backend.allocate(here.dtype(), here.elements());
        backend.copy(here, copy, workspace);
        return copy;
    }

    private HostTensor here(Tensor tensor) {
        if (tensor == null || tensor instanceof HostTensor) {
            return (HostTensor) tensor;
        }
        HostTensor copy = HostTensor.allocate(tensor.dtype(), tensor.elements());
        backend.copy(tensor, copy, workspace);
        return copy;
    }

    @Override
    public void step() {
        backend.step(workload.params, operands, workspace);
        if (probe != null && ++queued == QUEUED) {
            queued = 0;
            backend.copy(last, probe, workspace);
        }
    }

    @Override
    public HostTensor out() {
        return here(operands.out);
    }

    @Override
    public HostTensor store() {
        return here(operands.store);
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
