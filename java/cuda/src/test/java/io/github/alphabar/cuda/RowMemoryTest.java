// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.cuda.binding.Alphabar;
import io.github.alphabar.cuda.binding.alphabar_operands;
import io.github.alphabar.cuda.binding.alphabar_row;
import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.random.Normals;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

/** What a workspace writes is what the header says, and neither steps nor workspaces leave anything behind. */
class RowMemoryTest {
    /** One step's sample: a latent of 4 x 64 x 64. */
    private static final int ELEMENTS = 16_384;
    private static final int MEASURED = 2_000;
    /** Less than the smallest object, 16 bytes, for each step; the JIT may still replace code once. */
    private static final long ALLOWED = MEASURED;

    private static SamplingPlan plan(String solver, Clip clip, Guidance guidance) {
        TimeGrid grid = new Spacing.Leading(0).grid(TabulatedSchedule.ddpmLinear(), 50, FinalLevel.CLEAN);
        return SamplingPlan.of(grid, Solvers.named(solver), Prediction.EPSILON, clip, guidance);
    }

    @Test
    void theRowIsWrittenWhereTheHeaderReadsIt() {
        try (Backend backend = Natives.open(); RowMemory memory = (RowMemory) backend.workspace(2, 17)) {
            SamplingPlan plan = plan("dpmpp-3m", Clip.dynamic(0.875, 3), Guidance.scale(7.5).rescaled(0.7));
            StepParams p = StepParams.narrow(plan, 20, DType.F64);
            memory.write(p);
            alphabar_row row = new alphabar_row(at(memory.row.address()));
            assertEquals(RowMemory.ROW_BYTES, row.sizeof());
            assertEquals(p.terms, row.terms());
            assertEquals(1, row.stream());
            double[] want = {p.weight, p.px, p.pg, p.cx, p.cp, p.cg, p.h0, p.h1, p.h2, p.cz, p.varianceFactor,
                p.varianceOffset, p.sx, p.sp, p.sg, p.range, p.quantile, p.maximum, p.knownAlpha, p.knownSigma,
                p.rescale};
            double[] got = {row.weight(), row.px(), row.pg(), row.cx(), row.cp(), row.cg(), row.h0(), row.h1(),
                row.h2(), row.cz(), row.variance_factor(), row.variance_offset(), row.sx(), row.sp(), row.sg(),
                row.range(), row.quantile(), row.maximum(), row.known_alpha(), row.known_sigma(), row.rescale()};
            assertArrayEquals(want, got);
        }
    }

    @Test
    void theOperandsAreWrittenWhereTheHeaderReadsThem() {
        try (Backend backend = Natives.open(); RowMemory memory = (RowMemory) backend.workspace(2, 17)) {
            StepParams p = StepParams.narrow(plan("dpmpp-3m", Clip.NONE, Guidance.scale(7.5)), 20, DType.F32);
            StepOperands o = new StepOperands();
            o.samples = 2;
            o.elements = 17;
            o.draw = 5;
            o.outputStride = 18;
            o.outputOffset = 40;
            o.uncondOffset = 2;
            o.inputCopies = 2;
            o.inputScale = 0.25;
            o.x = HostTensor.allocate(DType.F32, 34);
            o.out = HostTensor.allocate(DType.F32, 34);
            o.output = HostTensor.allocate(DType.F16, 80);
            o.uncond = HostTensor.allocate(DType.F16, 80);
            o.h0 = HostTensor.allocate(DType.F32, 34);
            o.h1 = HostTensor.allocate(DType.F32, 34);
            o.store = HostTensor.allocate(DType.F32, 34);
            o.preview = HostTensor.allocate(DType.BF16, 34);
            o.input = HostTensor.allocate(DType.F16, 68);
            o.mask = HostTensor.allocate(DType.F32, 34);
            o.known = HostTensor.allocate(DType.F32, 34);
            o.noise = HostTensor.allocate(DType.F32, 34);
            o.seeds = new long[] {11, -12};
            o.check(p);
            memory.write(p, o);
            alphabar_operands w = new alphabar_operands(at(memory.operands.address()));
            assertEquals(RowMemory.OPERANDS_BYTES, w.sizeof());
            long[] want = {17, 40, 2, 18, 2, 5, 2, 0, 1, 2, 1, 0, address(o.x), address(o.out), address(o.output),
                address(o.uncond), address(o.h0), address(o.h1), address(o.store), address(o.preview),
                address(o.input), address(o.mask), address(o.known)};
            long[] got = {w.elements(), w.output_offset(), w.uncond_offset(), w.output_stride(), w.samples(), w.draw(),
                w.input_copies(), w.state_type(), w.output_type(), w.preview_type(), w.input_type(), w.reserved(),
                w.x(), w.out(), w.output(), w.uncond(), w.h0(), w.h1(), w.store(), w.preview(), w.input(),
                w.mask(), w.known()};
            assertArrayEquals(want, got);
            assertEquals(0.25, w.input_scale());
            assertEquals(0, w.noise(), "a row without noise is not told of any");
            assertEquals(0, w.known_noise(), "drawn");
            LongPointer seeds = new LongPointer(at(w.seeds()));
            assertEquals(11, seeds.get(0));
            assertEquals(-12, seeds.get(1));
        }
    }

    private static long address(Tensor tensor) {
        return ((HostTensor) tensor).segment().address();
    }

    private static Pointer at(long where) {
        return new Pointer() {
            {
                address = where;
            }
        };
    }

    @Test
    void theNumbersOfTheHeaderAreThoseOfTheLibrary() {
        assertEquals(Alphabar.ALPHABAR_F32, DType.F32.ordinal());
        assertEquals(Alphabar.ALPHABAR_F16, DType.F16.ordinal());
        assertEquals(Alphabar.ALPHABAR_BF16, DType.BF16.ordinal());
        assertEquals(Alphabar.ALPHABAR_F64, DType.F64.ordinal());
        assertEquals(2, Normals.Stream.INPAINT.ordinal());
        int[] header = {Alphabar.ALPHABAR_CX, Alphabar.ALPHABAR_CP, Alphabar.ALPHABAR_CG, Alphabar.ALPHABAR_H0,
            Alphabar.ALPHABAR_H1, Alphabar.ALPHABAR_H2, Alphabar.ALPHABAR_CZ, Alphabar.ALPHABAR_LEARNED,
            Alphabar.ALPHABAR_LEARNED_LOG, Alphabar.ALPHABAR_PX, Alphabar.ALPHABAR_PG,
            Alphabar.ALPHABAR_CLIP_RANGE, Alphabar.ALPHABAR_CLIP_DYNAMIC, Alphabar.ALPHABAR_STORE,
            Alphabar.ALPHABAR_SX, Alphabar.ALPHABAR_SP, Alphabar.ALPHABAR_SG, Alphabar.ALPHABAR_GUIDED,
            Alphabar.ALPHABAR_RESCALE};
        int[] plan = {StepParams.CX, StepParams.CP, StepParams.CG, StepParams.H0, StepParams.H1, StepParams.H2,
            StepParams.CZ, StepParams.LEARNED, StepParams.LEARNED_LOG, StepParams.PX, StepParams.PG,
            StepParams.CLIP_RANGE, StepParams.CLIP_DYNAMIC, StepParams.STORE, StepParams.SX, StepParams.SP,
            StepParams.SG, StepParams.GUIDED, StepParams.RESCALE};
        assertArrayEquals(plan, header);
    }

    @Test
    void aStepAllocatesNothing() {
        try (Backend backend = Natives.open()) {
            for (Clip clip : new Clip[] {Clip.range(1), Clip.dynamic(0.995, 1.5)}) {
                StepParams p = StepParams.narrow(plan("ddpm", clip, null), 20, DType.F32);
                StepOperands o = new StepOperands();
                o.samples = 1;
                o.elements = ELEMENTS;
                o.outputStride = ELEMENTS;
                o.x = HostTensor.allocate(DType.F32, ELEMENTS);
                o.out = o.x;
                o.output = HostTensor.allocate(DType.F32, ELEMENTS);
                o.seeds = new long[] {7};
                ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
                try (Backend.Workspace w = backend.workspace(1, ELEMENTS)) {
                    for (int i = 0; i < 20_000; i++) {
                        // Warm: the last tier of the JIT removes what the interpreter allocates. Nothing is computed.
                        o.elements = 0;
                        backend.step(p, o, w);
                    }
                    o.elements = ELEMENTS;
                    for (int i = 0; i < MEASURED; i++) {
                        backend.step(p, o, w);
                    }
                    long before = threads.getCurrentThreadAllocatedBytes();
                    for (int i = 0; i < MEASURED; i++) {
                        backend.step(p, o, w);
                    }
                    long bytes = threads.getCurrentThreadAllocatedBytes() - before;
                    assertTrue(bytes <= ALLOWED, bytes + " bytes in " + MEASURED + " steps with " + clip);
                }
            }
        }
    }

    private static long residentKilobytes() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(l -> l.startsWith("VmRSS:"))
                    .mapToLong(l -> Long.parseLong(l.replaceAll("[^0-9]", "")))
                    .findFirst()
                    .orElseThrow();
        }
    }

    @Test
    void workspacesGiveTheirMemoryBack() throws IOException {
        try (Backend backend = Natives.open()) {
            if (!Files.exists(Path.of("/proc/self/status"))) {
                Natives.missing("there is no /proc to read the resident size from.");
            }
            long before = residentKilobytes();
            for (int i = 0; i < 2_000; i++) {
                backend.workspace(1_000, 17).close();
            }
            long grown = residentKilobytes() - before;
            // At least 8 bytes for each seed: 16,000 KiB if none were freed, and scratch besides.
            assertTrue(grown < 12_000, "the process grew by " + grown + " KiB");
        }
    }
}
