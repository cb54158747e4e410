// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.github.alphabar.grid.FinalLevel;
import io.github.alphabar.grid.Spacing;
import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.lang.management.ManagementFactory;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

/**
 * A step allocates nothing once it is compiled: not in this thread, not in the workers. Vectors that the JIT cannot keep in
 * registers show here first.
 */
class AllocationTest {
    /** One step's sample: 16 blocks of noise, 1024 vectors of 16 lanes. */
    private static final int ELEMENTS = 16_384;
    /** For what goes element by element: an object for each would show as well in fewer. */
    private static final int FEW = 1_024;
    private static final int MEASURED = 2_000;
    /**
     * The JIT may still replace code, whose last interpreted run costs a few objects once. An object is 16 bytes at least: one for
     * each step would be 32,000 bytes, and one vector that is not in a register would be thousands for each step.
     */
    private static final long ALLOWED = MEASURED;
    /** Warm-up ends when nothing is allocated any more; this many rounds without that are a failure. */
    private static final int ROUNDS = 400;
    private static final int ROUND = 50;
    /** More rows than a multistep solver takes to reach its order, or to leave it. */
    private static final int MARGIN = 5;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static SamplingPlan plan(String solver, Clip clip, Guidance guidance) {
        TimeGrid grid = new Spacing.Leading(0).grid(TabulatedSchedule.ddpmLinear(), 1000, FinalLevel.CLEAN);
        return SamplingPlan.of(grid, Solvers.named(solver), Prediction.EPSILON, clip, guidance);
    }

    private static Backend threaded() {
        return new VectorBackend(2, 1, FloatVector.SPECIES_PREFERRED);
    }

    /** This thread and the workers that are alive. */
    private static long[] threads() {
        return Thread.getAllStackTraces()
                .keySet()
                .stream()
                .filter(t -> t == Thread.currentThread() || t.getName().startsWith("alphabar-worker-"))
                .mapToLong(Thread::threadId)
                .toArray();
    }

    /** Asks for one thread at a time, which allocates nothing itself. */
    private static long allocated(long[] threads) {
        long sum = 0;
        for (long id : threads) {
            sum += Math.max(0, THREADS.getThreadAllocatedBytes(id));
        }
        return sum;
    }

    private static void assertNoAllocation(Supplier<Backend> opener, SamplingPlan plan,
            UnaryOperator<Trajectory.Builder> with) {
        assertNoAllocation(opener, plan, ELEMENTS, with);
    }

    private static void assertNoAllocation(Supplier<Backend> opener, SamplingPlan plan, int elements,
            UnaryOperator<Trajectory.Builder> with) {
        int copies = plan.guidance() == null ? 1 : 2;
        HostTensor output = HostTensor.of(new float[copies * plan.outputs() * elements]);
        assertNoAllocation(opener, plan, elements, output, with);
    }

    private static void assertNoAllocation(Supplier<Backend> opener, SamplingPlan plan, int elements,
            HostTensor output, UnaryOperator<Trajectory.Builder> with) {
        try (Backend backend = opener.get()) {
            for (long i = 0; i < output.elements(); i++) {
                output.setFloat(i, (float) Math.sin(i));
            }
            long last = -1;
            for (int round = 0; round < ROUNDS && last != 0; round++) {
                last = steps(backend, plan, elements, with, output, ROUND);
            }
            assertEquals(0, last, "bytes in " + ROUND + " steps of " + plan.solver() + " after " + ROUNDS * ROUND
                    + " steps of warm-up on " + backend.description());
            long bytes = steps(backend, plan, elements, with, output, MEASURED);
            assertTrue(bytes <= ALLOWED, () -> bytes + " bytes in " + MEASURED + " steps of " + plan.solver() + " on "
                    + backend.description());
        }
    }

    private static void assertNoAllocationInOneType(String solver, DType type) {
        HostTensor output = HostTensor.allocate(type, ELEMENTS);
        assertNoAllocation(() -> Backends.named("vector"), plan(solver, Clip.NONE, null), ELEMENTS, output,
                b -> b.dtype(type));
    }

    /** Bytes allocated by some steps of one trajectory after another. */
    private static long steps(Backend backend, SamplingPlan plan, int elements,
            UnaryOperator<Trajectory.Builder> with, HostTensor output, int count) {
        long[] threads = threads();
        long bytes = 0;
        int left = count;
        while (left > 0) {
            // The first and the last rows of a plan are kinds of their own, which a whole trajectory executes once.
            int some = Math.min(left, plan.evaluations() - 2 * MARGIN);
            try (Trajectory t = with.apply(Trajectory.builder(plan, backend).shape(1, elements)).start()) {
                for (int i = 0; i < MARGIN; i++) {
                    t.advance(output);
                }
                long before = allocated(threads);
                for (int i = 0; i < some; i++) {
                    t.advance(output);
                }
                bytes += allocated(threads) - before;
                left -= some;
            }
        }
        return bytes;
    }

    @Test
    void aScalarStepAllocatesNothing() {
        assertNoAllocation(ScalarBackend::new, plan("ddpm", Clip.range(1), null), FEW, b -> b);
    }

    @Test
    void aVectorStepOfDdimAllocatesNothing() {
        assertNoAllocation(() -> Backends.named("vector"), plan("ddim", Clip.NONE, null), b -> b);
    }

    @Test
    void aVectorStepThatClipsAndDrawsNoiseAllocatesNothing() {
        assertNoAllocation(() -> Backends.named("vector"), plan("ddpm", Clip.range(1), null), b -> b);
    }

    @Test
    void aVectorStepThatThresholdsAllocatesNothing() {
        assertNoAllocation(() -> Backends.named("vector"), plan("ddim", Clip.dynamic(0.995, 1.5), null), FEW,
                b -> b);
    }

    @Test
    void aVectorStepWithLearnedVarianceAllocatesNothing() {
        assertNoAllocation(() -> Backends.named("vector"), plan("ddpm-learned-range", Clip.range(1), null), b -> b);
    }

    @Test
    void aGuidedMultistepOfTwoByteTypesWithInputsAndPreviewAllocatesNothing() {
        HostTensor preview = HostTensor.allocate(DType.F32, ELEMENTS);
        assertNoAllocation(() -> Backends.named("vector"), plan("dpmpp-2m", Clip.NONE, Guidance.scale(7.5)),
                b -> b.dtype(DType.F16).modelInput(DType.BF16, 2).preview(preview));
    }

    @Test
    void aStepThatConvertsInItsLoopAllocatesNothing() {
        // As much as a loop converts, in each type: one operand more passes through blocks.
        assertNoAllocationInOneType("ddim", DType.F16);
        assertNoAllocationInOneType("dpmpp-2m", DType.BF16);
    }

    @Test
    void anInpaintingStepAllocatesNothing() {
        HostTensor mask = HostTensor.allocate(DType.F32, ELEMENTS);
        HostTensor known = HostTensor.allocate(DType.F32, ELEMENTS);
        assertNoAllocation(() -> Backends.named("vector"), plan("dpmpp-2m-sde", Clip.NONE, null),
                b -> b.inpaint(mask, known));
    }

    @Test
    void workersAllocateNothing() {
        assertNoAllocation(AllocationTest::threaded, plan("ddpm", Clip.range(1), null), b -> b);
    }
}
