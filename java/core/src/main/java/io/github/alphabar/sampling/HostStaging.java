// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.sampling;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;

/**
 * Brings a network that works on the host's memory together with a backend that works on a device's: inputs are copied to the host,
 * outputs back. Copies cost more than a step; a network on the same device needs none of this. Where the backend works on the host's
 * memory nothing is copied. For one thread at a time.
 */
public final class HostStaging implements AutoCloseable {
    private final Backend backend;
    private final Backend.Workspace workspace;
    private final boolean needed;

    /**
     * Looks at where a backend's tensors lie.
     *
     * @param backend
     *            stays open longer than this
     */
    public HostStaging(Backend backend) {
        this.backend = backend;
        needed = !(backend.allocate(DType.F32, 1) instanceof HostTensor);
        workspace = needed ? backend.workspace(1, 1) : null;
    }

    /**
     * Whether tensors have to be copied at all.
     *
     * @return false where the backend works on the host's memory
     */
    public boolean isNeeded() {
        return needed;
    }

    /**
     * The values of a tensor on the host.
     *
     * @param tensor
     *            of the backend
     * @return the tensor itself where it is the host's, else a copy
     */
    public HostTensor toHost(Tensor tensor) {
        if (tensor instanceof HostTensor here) {
            return here;
        }
        HostTensor copy = HostTensor.allocate(tensor.dtype(), tensor.elements());
        backend.copy(tensor, copy, workspace);
        return copy;
    }

    /**
     * The values of a tensor where the backend works.
     *
     * @param tensor
     *            of the host
     * @return the tensor itself where the backend takes it, else a copy
     */
    public Tensor toBackend(HostTensor tensor) {
        if (!needed) {
            return tensor;
        }
        HostTensor reachable = tensor;
        if (!tensor.segment().isNative()) {
            reachable = HostTensor.allocate(tensor.dtype(), tensor.elements());
            reachable.copyFrom(tensor);
        }
        Tensor there = backend.allocate(tensor.dtype(), tensor.elements());
        backend.copy(reachable, there, workspace);
        return there;
    }

    /**
     * A network on the host, for tensors of the backend.
     *
     * @param network
     *            takes and gives the host's tensors
     * @return the same network for the backend's tensors; it keeps memory from call to call, so one for each trajectory
     */
    public Denoiser around(Denoiser network) {
        return needed ? new Staged(network) : network;
    }

    private final class Staged implements Denoiser {
        private final Denoiser network;
        private HostTensor input;
        private HostTensor output;

        Staged(Denoiser network) {
            this.network = network;
        }

        @Override
        public void denoise(Tensor in, double time, Tensor out) {
            input = fitting(input, in);
            output = fitting(output, out);
            backend.copy(in, input, workspace);
            network.denoise(input, time, output);
            backend.copy(output, out, workspace);
        }

        private static HostTensor fitting(HostTensor kept, Tensor like) {
            return kept != null && kept.elements() == like.elements() && kept.dtype() == like.dtype() ? kept
                    : HostTensor.allocate(like.dtype(), like.elements());
        }
    }

    /** Releases what copies needed; tensors handed out stay readable. */
    @Override
    public void close() {
        if (workspace != null) {
            workspace.close();
        }
    }
}
