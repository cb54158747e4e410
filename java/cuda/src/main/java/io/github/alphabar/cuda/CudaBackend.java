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
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.bytedeco.javacpp.Pointer;

/**
 * The CUDA kernels. A step is queued on a stream and not waited for; it allocates nothing and reads nothing back. Tensors are
 * {@link DeviceTensor}s, the caller's or allocated here. The device's primary context is used, so that memory and streams of engines
 * and other libraries work as they are.
 *
 * <p>
 * May be used by many threads, each with a workspace of its own. A backend has one stream for the workspaces it makes; {@link #on}
 * gives views of it on others.
 */
public final class CudaBackend extends RowBackend {
    private final int device;
    private final long stream;

    private CudaBackend(Context context, int device, long stream) {
        super(context);
        this.device = device;
        this.stream = stream;
    }

    /**
     * Opens a device on the legacy default stream.
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
        Context context = Library.create("CUDA device " + device,
                address -> Alphabar.alphabar_cuda_create(device, address));
        return new CudaBackend(context, device, 0);
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
            // Below the host's: the best backend must not refuse what another accepts, and this one takes device memory.
            return 5;
        }

        @Override
        public Optional<String> unavailable() {
            return reason(0);
        }

        @Override
        public Backend open(Options options) {
            return CudaBackend.open(options.device());
        }
    }

    /**
     * The same device on another stream.
     *
     * @param stream
     *            a CUstream or cudaStream_t of the device's primary context, by address; 0 is the legacy default stream. The caller
     *            keeps it open longer than the view.
     * @return a backend to be closed by the caller; memory may be shared with this one
     */
    public CudaBackend on(long stream) {
        return new CudaBackend(context().retain(), device, stream);
    }

    /**
     * The same device on another stream.
     *
     * @param stream
     *            a {@code CUstream_st} of org.bytedeco:cuda, of the device's primary context; null is the legacy default stream. The
     *            caller keeps it open longer than the view.
     * @return a backend to be closed by the caller; memory may be shared with this one
     */
    public CudaBackend on(Pointer stream) {
        return on(stream == null ? 0 : stream.address());
    }

    /**
     * The same device on another stream.
     *
     * @param stream
     *            a stream of this device; the caller keeps it open longer than the view
     * @return a backend to be closed by the caller; memory may be shared with this one
     */
    public CudaBackend on(CudaStream stream) {
        return on(stream.address());
    }

    /**
     * The device's ordinal.
     *
     * @return at least 0
     */
    public int device() {
        return device;
    }

    @Override
    public long stream() {
        return stream;
    }

    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public String description() {
        return "libalphabar on CUDA device " + device + ".";
    }

    /**
     * {@inheritDoc}
     *
     * <p>
     * The memory is released once the tensor is unreachable; {@link DeviceMemory} releases it sooner.
     */
    @Override
    public DeviceTensor allocate(DType dtype, long elements) {
        DeviceMemory memory = DeviceMemory.allocate(this, dtype, elements);
        DeviceTensor tensor = memory.tensor();
        context().cleaner().register(tensor, memory.allocation());
        return tensor;
    }

    /**
     * Allocates memory of the host that the device copies from and to without staging, zeroed.
     *
     * @param dtype
     *            the element type
     * @param elements
     *            how many
     * @return a tensor whose memory is released once it is unreachable
     */
    @SuppressWarnings("restricted")
    public HostTensor allocatePinned(DType dtype, long elements) {
        long bytes = Math.multiplyExact(elements, dtype.bytes());
        Allocation allocation = Allocation.pinned(context(), bytes);
        MemorySegment memory = MemorySegment.ofAddress(allocation.address())
                .reinterpret(bytes, Arena.ofAuto(), segment -> allocation.run());
        memory.fill((byte) 0);
        return HostTensor.of(memory, dtype);
    }

    /** Zeros, by a row without terms; seen by every stream when it returns. */
    void zero(DeviceTensor tensor) {
        if (tensor.elements() == 0) {
            return;
        }
        try (RowMemory memory = new RowMemory(this, 1, stream)) {
            StepOperands o = new StepOperands();
            o.samples = 1;
            o.elements = tensor.elements();
            o.outputStride = o.elements;
            o.out = tensor;
            memory.row.fill((byte) 0);
            memory.write(Rows.NOTHING, o);
            check("clear memory", Alphabar.alphabar_step(context().address(), memory.row.address(),
                    memory.operands.address(), 0, stream));
            check("clear memory", Alphabar.alphabar_synchronize(context().address(), stream));
        }
    }

    @Override
    public Workspace workspace(int samples, long elements) {
        checkShape(samples, elements);
        return new RowMemory(this, samples, stream);
    }

    /** Waits for what was queued on this backend's stream. */
    public void synchronize() {
        check("wait for its stream", Alphabar.alphabar_synchronize(context().address(), stream));
    }

    @Override
    long address(String name, Tensor tensor) {
        if (!(tensor instanceof DeviceTensor on) || on.device() != device) {
            throw new IllegalArgumentException("'" + name + "' is not memory of CUDA device " + device + " but "
                    + tensor + "; allocate it with this backend, or wrap an address there in a DeviceTensor.");
        }
        return on.address();
    }

    @Override
    void support(StepParams p, StepOperands o) {
        if (o.out.dtype() == DType.F64) {
            throw new IllegalArgumentException("F64 is not for devices; use F32, F16 or BF16.");
        }
    }

    @Override
    boolean isDevice() {
        return true;
    }
}
