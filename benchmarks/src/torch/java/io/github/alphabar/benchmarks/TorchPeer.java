// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Eager libtorch by JavaCPP, on the CPU: each operation is a call and a new tensor, as in a scheduler written in Python. */
public final class TorchPeer implements Peer {

    /** For the service loader. */
    public TorchPeer() {
    }

    @Override
    public String name() {
        return "torch";
    }

    @Override
    public Optional<String> unavailable() {
        try {
            torch.get_num_threads();
            return Optional.empty();
        } catch (LinkageError e) {
            return Optional.of("libtorch cannot be loaded (" + String.valueOf(e.getMessage())
                    .lines()
                    .findFirst()
                    .orElse("") + "); its natives are for linux-x86_64.");
        }
    }

    @Override
    public Contender open(Task task, int threads) {
        if (task.dtype() != DType.F32) {
            throw new UnsupportedOperationException("libtorch is timed in F32, but got " + task.dtype() + ".");
        }
        torch.set_num_threads(threads);
        return new OpByOp<>(task, new Ops());
    }

    /** The operations; tensors of a step are freed when the next begins. For one thread. */
    private static final class Ops implements TensorOps<Tensor> {
        /** Made once: a scheduler's numbers cost it nothing either. */
        private final Map<Double, Scalar> scalars = new HashMap<>();
        private final Map<Double, ScalarOptional> limits = new HashMap<>();
        private final NoGradGuard noGrad = new NoGradGuard();
        private PointerScope step;

        @Override
        public Tensor tensor(HostTensor values) {
            float[] array = values.toFloatArray();
            Tensor tensor = torch.empty(array.length);
            new FloatPointer(tensor.data_ptr()).put(array);
            return tensor;
        }

        private Scalar scalar(double value) {
            Scalar known = scalars.get(value);
            if (known == null) {
                known = kept(new Scalar(value));
                scalars.put(value, known);
            }
            return known;
        }

        private ScalarOptional limit(double value) {
            ScalarOptional known = limits.get(value);
            if (known == null) {
                known = kept(new ScalarOptional(scalar(value)));
                limits.put(value, known);
            }
            return known;
        }

        /** One reference more than the step's scope gives up. */
        private static <P extends Pointer> P kept(P made) {
            made.retainReference();
            return made;
        }

        @Override
        public Tensor mul(Tensor a, double factor) {
            return a.mul(scalar(factor));
        }

        @Override
        public Tensor div(Tensor a, double divisor) {
            return a.div(scalar(divisor));
        }

        @Override
        public Tensor add(Tensor a, Tensor b) {
            return a.add(b);
        }

        @Override
        public Tensor sub(Tensor a, Tensor b) {
            return a.sub(b);
        }

        @Override
        public Tensor clamp(Tensor a, double range) {
            return a.clamp(limit(-range), limit(range));
        }

        @Override
        public Tensor half(Tensor a, int half) {
            long n = a.numel() / 2;
            return a.narrow(0, half * n, n);
        }

        @Override
        public Tensor randn(long elements) {
            return torch.randn(elements);
        }

        @Override
        public HostTensor values(Tensor a) {
            float[] values = new float[Math.toIntExact(a.numel())];
            new FloatPointer(a.data_ptr()).get(values);
            return HostTensor.of(values);
        }

        @Override
        public void free() {
            if (step != null) {
                step.close();
            }
            step = new PointerScope();
        }

        @Override
        public void close() {
            if (step != null) {
                step.close();
            }
            noGrad.close();
        }
    }
}
