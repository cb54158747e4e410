// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.backend.RowCase.Memory;
import io.github.alphabar.cuda.CudaBackend;
import io.github.alphabar.cuda.CudaStream;
import io.github.alphabar.cuda.DeviceMemory;
import io.github.alphabar.cuda.Devices;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.DeviceTensor;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The kernels return the scalar backend's bits, through the bindings, and touch nothing around their operands. */
public class CudaBitsTest {
    /** 8 and 16 are one group of halves and two; 17 is groups and a tail; 4098 spans several blocks of threads. */
    private static final int[] SIZES = {0, 1, 3, 4, 8, 15, 16, 17, 1024, 4098};

    private static final Backend SCALAR = new ScalarBackend();
    private static CudaBackend device;
    private static CudaStream stream;
    private static CudaBackend queue;

    @BeforeAll
    static void open() {
        device = Devices.open();
        stream = CudaStream.create(device);
        queue = device.on(stream);
    }

    @AfterAll
    static void close() {
        if (device != null) {
            queue.close();
            stream.close();
            device.close();
        }
    }

    /** Copies of a case's memory on the device, and the operands there. */
    private static final class There implements AutoCloseable {
        private final RowCase.Built here;
        private final Map<String, DeviceMemory> memory = new HashMap<>();
        private final List<HostTensor> staged = new ArrayList<>();

        There(RowCase.Built here, Backend.Workspace workspace) {
            this.here = here;
            here.wholes.forEach((name, whole) -> {
                HostTensor reachable = HostTensor.allocate(whole.dtype(), whole.elements());
                reachable.copyFrom(whole);
                DeviceMemory there = DeviceMemory.allocate(queue, whole.dtype(), whole.elements());
                queue.copy(reachable, there.tensor(), workspace);
                memory.put(name, there);
                staged.add(reachable);
            });
        }

        /** The operand there; a name without memory of its own shares another's. */
        private Tensor at(Tensor inner, String name, String otherwise) {
            if (inner == null) {
                return null;
            }
            DeviceTensor whole = memory.get(memory.containsKey(name) ? name : otherwise).tensor();
            long first = whole.elements() - inner.elements() - RowCase.GUARD;
            return new DeviceTensor(whole.address() + first * whole.dtype().bytes(), whole.dtype(), inner.elements(),
                    whole.device());
        }

        StepOperands operands() {
            StepOperands o = here.operands;
            StepOperands d = new StepOperands();
            d.samples = o.samples;
            d.elements = o.elements;
            d.outputOffset = o.outputOffset;
            d.uncondOffset = o.uncondOffset;
            d.outputStride = o.outputStride;
            d.seeds = o.seeds;
            d.draw = o.draw;
            d.inputCopies = o.inputCopies;
            d.inputScale = o.inputScale;
            d.x = at(o.x, "x", "x");
            d.out = at(o.out, "out", "x");
            d.output = at(o.output, "output", "output");
            d.uncond = at(o.uncond, "uncond", "output");
            d.h0 = at(o.h0, "h0", "h0");
            d.h1 = at(o.h1, "h1", "h1");
            d.h2 = at(o.h2, "h2", "h2");
            d.store = at(o.store, "store", "h0");
            d.noise = at(o.noise, "noise", "noise");
            d.preview = at(o.preview, "preview", "preview");
            d.input = at(o.input, "input", "input");
            d.mask = at(o.mask, "mask", "mask");
            d.known = at(o.known, "known", "known");
            d.knownNoise = at(o.knownNoise, "knownNoise", "knownNoise");
            return d;
        }

        void readBack(Backend.Workspace workspace) {
            here.wholes.forEach((name, whole) -> {
                HostTensor reachable = HostTensor.allocate(whole.dtype(), whole.elements());
                queue.copy(memory.get(name).tensor(), reachable, workspace);
                whole.copyFrom(reachable);
            });
        }

        @Override
        public void close() {
            memory.values().forEach(DeviceMemory::close);
        }
    }

    private static void compare(RowCase c, String what) {
        if (c.state == DType.F64) {
            c.all(DType.F32);
        }
        RowCase.Built got = c.build();
        try (Backend.Workspace workspace = queue.workspace(c.samples, c.elements);
                There there = new There(got, workspace)) {
            queue.step(c.params(), there.operands(), workspace);
            there.readBack(workspace);
        }
        c.assertSame(c.run(SCALAR), got, what);
    }

    @Test
    void randomRowsOfEveryKindGiveTheScalarBits() {
        for (int seed = 0; seed < 2_000; seed++) {
            compare(RowCase.random(5_000_000 + seed, SIZES), "seed " + (5_000_000 + seed));
        }
    }

    @Test
    void everySetOfTermsGivesTheScalarBits() {
        int i = 0;
        for (int subset = 0; subset < 8; subset++) {
            for (int history = 0; history <= 3; history++) {
                for (RowCase.Noise noise : RowCase.Noise.values()) {
                    for (Clip clip : List.of(Clip.NONE, Clip.range(1.25), Clip.dynamic(0.75, 2))) {
                        for (RowCase.Guided guided : RowCase.Guided.values()) {
                            RowCase c = RowCase.random(i, SIZES).all(DType.F32);
                            c.elements = 24;
                            c.cx = (subset & 1) != 0 ? 0.875 : 0;
                            c.cp = (subset & 2) != 0 ? -1.3 : 0;
                            c.cg = (subset & 4) != 0 ? 0.7 : 0;
                            c.history = Arrays.copyOf(new double[] {0.3, -0.6, 0.1}, history);
                            c.noise = noise;
                            c.cz = 0.9;
                            c.clip = clip;
                            c.guided = guided;
                            compare(c, "set " + i);
                            i++;
                        }
                    }
                }
            }
        }
    }

    @Test
    void everyUsualPairOfTypesInAlignedMemoryGivesTheScalarBits() {
        DType[] types = {DType.F32, DType.F16, DType.BF16};
        int i = 0;
        for (DType state : types) {
            for (DType output : types) {
                for (RowCase.Noise noise : new RowCase.Noise[] {RowCase.Noise.NONE, RowCase.Noise.DRAWN}) {
                    for (int elements : new int[] {4096, 4104, 4100}) {
                        RowCase c = RowCase.random(6_000_000 + i, SIZES).all(state);
                        c.output = output;
                        c.noise = noise;
                        c.cz = noise == RowCase.Noise.NONE ? 0 : 0.5;
                        c.clip = Clip.range(1);
                        c.rescale = 0;
                        c.mask = false;
                        c.elements = elements;
                        c.samples = 2;
                        // Seven elements beyond the guard of 17 begin at a multiple of 8.
                        c.offset = 7;
                        c.memory = Memory.DIRECT;
                        compare(c, "pair " + i);
                        i++;
                    }
                }
            }
        }
    }
}
