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
import io.github.alphabar.tensor.DeviceTensor;
import io.github.alphabar.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.bytedeco.javacpp.Pointer;

/**
 * The CUDA kernels, on memory and streams of the caller. A step is queued on the workspace's stream and not waited for. This version
 * allocates no device memory: tensors are {@link DeviceTensor}s of the caller, noise is given rather than drawn, and dynamic
 * thresholding is not for it.
 */
public final class CudaBackend extends RowBackend {
    private final int device;

    private CudaBackend(int device) {
        super(Library.create("CUDA device " + device, context -> Alphabar.alphabar_cuda_create(device, context)));
        this.device = device;
    }

    /**
     * Opens a device for memory that the caller allocates.
     *
     * @param device
     *            its ordinal
     * @return the backend, on the device's primary context, to be closed by the caller
     * @throws BackendException
     *             where the device cannot be used, with the remedy
     */
    public static CudaBackend open(int device) {
        reason(device).ifPresent(reason -> {
            throw new BackendException("Backend 'cuda' cannot run here: " + reason);
        });
        return new CudaBackend(device);
    }

    /** Why a device cannot be used. */
    private static Optional<String> reason(int device) {
        Optional<String> library = Library.unavailable();
        if (library.isPresent()) {
            return library;
        }
        String reason = Library.cudaUnavailable(device);
        return reason.isEmpty() ? Optional.empty() : Optional.of(reason);
    }

    /** Finds the backend. */
    public static final class Provider implements BackendProvider {
        /** For the service loader. */
        public Provider() {
        }

        @Override
        public String name() {
            return "cuda";
        }

        @Override
        public int priority() {
            return 30;
        }

        @Override
        public Optional<String> unavailable() {
            // A trajectory allocates by its backend, so this one is not to be chosen before it can.
            return Optional.of(reason(0).orElse("there is a device, but this version allocates no memory on it; use"
                    + " CudaBackend.open(device) with device memory of your own, or another backend."));
        }

        @Override
        public Backend open(Options options) {
            return CudaBackend.open(options.device());
        }
    }

    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public String description() {
        return "libalphabar on CUDA device " + device + ".";
    }

    @Override
    public Tensor allocate(DType dtype, long elements) {
        throw new UnsupportedOperationException(
                "The backend 'cuda' allocates no memory in this version; allocate it with"
                        + " your engine and wrap its address in a DeviceTensor.");
    }

    /**
     * {@inheritDoc}
     *
     * <p>
     * Its steps are queued on the legacy default stream.
     */
    @Override
    public Workspace workspace(int samples, long elements) {
        return workspace(samples, elements, 0);
    }

    /**
     * Makes the scratch memory of one trajectory whose steps are queued on a stream.
     *
     * @param samples
     *            samples in the batch
     * @param elements
     *            elements of a sample
     * @param stream
     *            a CUstream or cudaStream_t of the device's primary context, by address; 0 is the legacy default stream. The caller
     *            keeps it.
     * @return the scratch memory; to be closed once the stream has executed its steps
     */
    public Workspace workspace(int samples, long elements, long stream) {
        checkShape(samples, elements);
        return new RowMemory(this, samples, 0, stream);
    }

    /**
     * Makes the scratch memory of one trajectory whose steps are queued on a stream.
     *
     * @param samples
     *            samples in the batch
     * @param elements
     *            elements of a sample
     * @param stream
     *            a {@code CUstream_st} of org.bytedeco:cuda, of the device's primary context; null is the legacy default stream. The
     *            caller keeps it.
     * @return the scratch memory; to be closed once the stream has executed its steps
     */
    public Workspace workspace(int samples, long elements, Pointer stream) {
        return workspace(samples, elements, stream == null ? 0 : stream.address());
    }

    @Override
    long address(String name, Tensor tensor) {
        if (!(tensor instanceof DeviceTensor on) || on.device() != device) {
            throw new IllegalArgumentException("'" + name + "' is not memory of CUDA device " + device + " but "
                    + tensor + "; wrap an address there in a DeviceTensor.");
        }
        return on.address();
    }

    @Override
    long seedsAddress(MemorySegment seeds) {
        throw new UnsupportedOperationException("The backend 'cuda' draws no noise in this version, for want of device"
                + " memory for the seeds; give the noise as a DeviceTensor.");
    }

    @Override
    void support(StepParams p, StepOperands o) {
        if (o.out.dtype() == DType.F64) {
            throw new IllegalArgumentException("F64 is not for devices; use F32, F16 or BF16.");
        }
        if (p.has(StepParams.CLIP_DYNAMIC)) {
            throw new UnsupportedOperationException(
                    "The backend 'cuda' does no dynamic thresholding in this version, for"
                            + " want of device memory for it; clip to a range or use another backend.");
        }
    }
}
