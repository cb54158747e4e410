// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.DeviceTensor;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.util.TreeMap;

/** A backend whose memory is known by address alone, as a device's: the scalar one behind it finds the memory in a map. */
public final class FakeDevice implements Backend {
    private final ScalarBackend scalar = new ScalarBackend();
    private final TreeMap<Long, HostTensor> memory = new TreeMap<>();
    /** Copies between host and device so far. */
    public int crossings;

    /** An empty device. */
    public FakeDevice() {
    }

    @Override
    public String name() {
        return "fake";
    }

    @Override
    public String description() {
        return "a device that is none.";
    }

    @Override
    public DeviceTensor allocate(DType dtype, long elements) {
        HostTensor here = HostTensor.allocate(dtype, Math.max(1, elements));
        memory.put(here.segment().address(), here);
        return new DeviceTensor(here.segment().address(), dtype, elements, 0);
    }

    private HostTensor at(Tensor tensor) {
        if (tensor == null) {
            return null;
        }
        if (!(tensor instanceof DeviceTensor there)) {
            throw new IllegalArgumentException(tensor + " is not on the device.");
        }
        HostTensor whole = memory.floorEntry(there.address()).getValue();
        long first = (there.address() - whole.segment().address()) / there.dtype().bytes();
        return whole.slice(first, there.elements());
    }

    @Override
    public Workspace workspace(int samples, long elements) {
        return scalar.workspace(samples, elements);
    }

    @Override
    public void step(StepParams params, StepOperands o, Workspace workspace) {
        StepOperands here = new StepOperands();
        here.samples = o.samples;
        here.elements = o.elements;
        here.x = at(o.x);
        here.out = at(o.out);
        here.output = at(o.output);
        here.outputOffset = o.outputOffset;
        here.outputStride = o.outputStride;
        here.uncond = at(o.uncond);
        here.uncondOffset = o.uncondOffset;
        here.h0 = at(o.h0);
        here.h1 = at(o.h1);
        here.h2 = at(o.h2);
        here.store = at(o.store);
        here.noise = at(o.noise);
        here.seeds = o.seeds;
        here.draw = o.draw;
        here.preview = at(o.preview);
        here.input = at(o.input);
        here.inputCopies = o.inputCopies;
        here.inputScale = o.inputScale;
        here.mask = at(o.mask);
        here.known = at(o.known);
        here.knownNoise = at(o.knownNoise);
        scalar.step(params, here, workspace);
    }

    @Override
    public void copy(Tensor from, Tensor to, Workspace workspace) {
        boolean in = from instanceof HostTensor;
        boolean out = to instanceof HostTensor;
        if (from.dtype() != to.dtype()) {
            throw new IllegalArgumentException("Types differ: " + from + ", " + to);
        }
        crossings += in != out ? 1 : 0;
        (out ? (HostTensor) to : at(to)).copyFrom(in ? (HostTensor) from : at(from));
    }

    @Override
    public void close() {
        scalar.close();
    }
}
