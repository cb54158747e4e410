// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.cuda.binding.Alphabar;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.DeviceTensor;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.List;

/**
 * A batch whose rows lie where they are computed: every sample walks along a plan of its own, at its own place, with its own seed, and
 * {@link #step} is one launch for all of them. The kernel moves the places, so that one captured launch (with the network's work
 * before it, see {@link CudaGraph}) executes the next row each time it is replayed, without the host. Samples that are done are left
 * alone; a new request takes the place of one with {@link #start(int, int, long)} while the others go on.
 *
 * <p>
 * Results have the bits of a {@link io.github.alphabar.sampling.Trajectory} for each sample alone. Runs on the backends {@code cuda}
 * and {@code native}. Addresses never change: {@link #modelInput}, {@link #times} and the output given to the builder may be part of
 * a graph. For one thread at a time; a step allocates nothing, reads nothing back and does not wait.
 */
public final class TableTrajectory implements AutoCloseable {
    /** Those of alphabar.h. */
    static final long ENTRY_BYTES = 208;
    static final long CURSOR_BYTES = 16;
    static final long TABLE_BYTES = 104;

    private static final int MOST_SLOTS = 8;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE;

    private final RowBackend backend;
    private final int samples;
    private final long elements;
    private final List<SamplingPlan> plans;
    /** Where each plan's rows begin in the table. */
    private final int[] firstRow;
    /** The plan each sample walks along. */
    private final int[] planOf;
    private final Tensor[] slots;
    private final Tensor input;
    private final int inputCopies;
    private final Tensor times;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment table;
    /** What a start sends: a cursor, a seed, a time. */
    private final MemorySegment staging;
    private final Allocation tables;
    private final long cursors;
    private final long seeds;
    private final RowMemory memory;
    private final RowMemory single;
    private boolean closed;

    private TableTrajectory(Builder b) {
        backend = b.backend;
        samples = b.samples;
        elements = b.elements;
        plans = b.plans;
        planOf = new int[samples];
        for (int s = 0; s < samples; s++) {
            planOf[s] = plans.size() == 1 ? 0 : s % plans.size();
        }
        firstRow = new int[plans.size()];
        int rows = 0;
        int most = 0;
        for (int k = 0; k < firstRow.length; k++) {
            firstRow[k] = rows;
            rows = Math.addExact(rows, plans.get(k).evaluations());
            most = Math.max(most, plans.get(k).slots());
        }
        long total = Math.multiplyExact(samples, elements);
        slots = new Tensor[most];
        for (int i = 0; i < most; i++) {
            slots[i] = backend.allocate(b.dtype, total);
        }
        inputCopies = b.inputCopies;
        input = backend.allocate(b.inputType == null ? b.dtype : b.inputType, total * inputCopies);
        times = backend.allocate(DType.F32, samples);
        memory = new RowMemory(backend, samples, backend.stream());
        single = new RowMemory(backend, 1, backend.stream());
        long entryBytes = rows * ENTRY_BYTES;
        long cursorBytes = samples * CURSOR_BYTES;
        tables = Allocation.of(backend.context(), entryBytes + cursorBytes + samples * LONG.byteSize());
        cursors = tables.address() + entryBytes;
        seeds = cursors + cursorBytes;
        table = arena.allocate(TABLE_BYTES, LONG.byteAlignment());
        staging = arena.allocate(CURSOR_BYTES + 2 * LONG.byteSize(), LONG.byteAlignment());
        writeTable(rows);
        writeOperands(b);
        // Every sample is done until it is started.
        MemorySegment none = arena.allocate(cursorBytes, LONG.byteAlignment());
        send(cursors, none, cursorBytes);
    }

    private void writeTable(int rows) {
        try (Arena confined = Arena.ofConfined()) {
            MemorySegment entries = confined.allocate(rows * ENTRY_BYTES, LONG.byteAlignment());
            for (int k = 0; k < plans.size(); k++) {
                SamplingPlan plan = plans.get(k);
                for (int i = 0; i < plan.evaluations(); i++) {
                    writeEntry(plan, i, entries.asSlice((firstRow[k] + i) * ENTRY_BYTES, ENTRY_BYTES));
                }
            }
            MemorySegment found = confined.allocate(2 * LONG.byteSize(), LONG.byteAlignment());
            int status = Alphabar.alphabar_table_scan(entries.address(), rows, found.address(), found.address() + 4,
                    found.address() + 8);
            if (status != Alphabar.ALPHABAR_OK) {
                throw new IllegalStateException("Row " + found.get(LONG, 8) + " of the table names a tensor that it"
                        + " cannot have.");
            }
            send(tables.address(), entries, entries.byteSize());
            table.set(LONG, 0, tables.address());
            table.set(LONG, 8, cursors);
            table.set(LONG, 16, backend.address("times", times));
            for (int i = 0; i < slots.length; i++) {
                table.set(LONG, 24 + 8L * i, backend.address("state", slots[i]));
            }
            table.set(LONG, 88, rows);
            table.set(INT, 96, found.get(INT, 0));
            table.set(INT, 100, found.get(INT, 4));
        }
    }

    private static void writeEntry(SamplingPlan plan, int index, MemorySegment entry) {
        Step step = plan.steps().get(index);
        RowMemory.write(StepParams.narrow(plan, index, DType.F32), entry);
        entry.set(DOUBLE, 176, step.at().t());
        entry.set(DOUBLE, 184, 1);
        // Absolute, as a trajectory draws.
        entry.set(INT, 192, plan.steps().getFirst().edge() + index);
        int[] used = {step.in(), step.out(), slot(step, 0), slot(step, 1), slot(step, 2),
            step.store() == null ? -1 : step.store().slot()};
        for (int i = 0; i < used.length; i++) {
            entry.set(ValueLayout.JAVA_BYTE, 196 + i, (byte) used[i]);
        }
    }

    private static int slot(Step step, int k) {
        return k < step.history().size() ? step.history().get(k).slot() : -1;
    }

    private void writeOperands(Builder b) {
        StepOperands o = new StepOperands();
        o.samples = samples;
        o.elements = elements;
        o.out = slots[0];
        o.outputStride = plans.getFirst().outputs() * elements;
        o.output = b.output;
        if (plans.getFirst().guidance() != null) {
            o.uncond = b.uncond == null ? b.output : b.uncond;
            o.outputOffset = b.uncond == null ? samples * o.outputStride : 0;
        }
        o.input = input;
        o.inputCopies = inputCopies;
        o.preview = b.preview;
        o.mask = b.mask;
        o.known = b.known;
        memory.writeShared(o, seeds);
    }

    private void send(long to, MemorySegment from, long bytes) {
        backend.check("send a table",
                Alphabar.alphabar_copy(backend.context().address(), to, from.address(), bytes, backend.stream()));
    }

    /**
     * Starts describing a batch.
     *
     * @param backend
     *            the backend {@code cuda}, on a stream of choice, or {@code native}; stays open until the batch is closed
     * @return a builder
     */
    public static Builder builder(Backend backend) {
        if (!(backend instanceof RowBackend rows)) {
            throw new IllegalArgumentException("Tables are executed by the backends 'cuda' and 'native', but got '"
                    + backend.name() + "'; use a Trajectory.");
        }
        return new Builder(rows);
    }

    /** Describes a batch; mutable, for one thread. */
    public static final class Builder {
        private final RowBackend backend;
        private List<SamplingPlan> plans = List.of();
        private int samples;
        private long elements;
        private DType dtype = DType.F32;
        private DType inputType;
        private int inputCopies = 1;
        private Tensor output;
        private Tensor uncond;
        private Tensor preview;
        private Tensor mask;
        private Tensor known;

        private Builder(RowBackend backend) {
            this.backend = backend;
        }

        /**
         * Sets the plans.
         *
         * @param table
         *            the plans samples may walk along, alike in guidance and in the number of outputs. {@link #start()} gives sample s
         *            the plan s modulo their number.
         * @return this
         */
        public Builder plans(SamplingPlan... table) {
            plans = List.of(table);
            return this;
        }

        /**
         * Sets the size of the batch.
         *
         * @param samples
         *            1 to 65,535
         * @param elements
         *            elements of a sample, at least 1
         * @return this
         */
        public Builder shape(int samples, long elements) {
            if (samples < 1 || samples > 65_535 || elements < 1) {
                throw new IllegalArgumentException("A batch needs 1 to 65535 samples of at least one element, but got "
                        + samples + " samples of " + elements + " elements.");
            }
            this.samples = samples;
            this.elements = elements;
            return this;
        }

        /**
         * Sets the type of the state and of what solvers remember.
         *
         * @param dtype
         *            F32 (unless set), F16 or BF16
         * @return this
         */
        public Builder dtype(DType dtype) {
            if (dtype == DType.F64) {
                throw new IllegalArgumentException("F64 is not for tables; use a Trajectory.");
            }
            this.dtype = dtype;
            return this;
        }

        /**
         * Sets how the network takes its input.
         *
         * @param type
         *            the network's type; the state's unless set
         * @param copies
         *            2 writes the batch twice, for a guided network that takes 2N samples; else 1
         * @return this
         */
        public Builder modelInput(DType type, int copies) {
            if (copies != 1 && copies != 2) {
                throw new IllegalArgumentException("The model input is written once or twice, but got " + copies + ".");
            }
            inputType = type;
            inputCopies = copies;
            return this;
        }

        /**
         * Sets where the network writes.
         *
         * @param tensor
         *            the outputs, sample after sample; for guided plans all unconditional outputs, then all conditional ones. Kept.
         * @return this
         */
        public Builder output(Tensor tensor) {
            output = tensor;
            uncond = null;
            return this;
        }

        /**
         * Sets where the network writes, for guided plans and two tensors.
         *
         * @param unconditional
         *            the unconditional outputs; kept
         * @param conditional
         *            the conditional outputs; kept
         * @return this
         */
        public Builder outputs(Tensor unconditional, Tensor conditional) {
            uncond = unconditional;
            output = conditional;
            return this;
        }

        /**
         * Lets every step write the predicted clean sample.
         *
         * @param target
         *            receives it
         * @return this
         */
        public Builder preview(Tensor target) {
            preview = target;
            return this;
        }

        /**
         * Keeps a known region, as {@link io.github.alphabar.sampling.Trajectory.Builder#inpaint}.
         *
         * @param keep
         *            1 where the sampler paints, 0 where the image is known
         * @param image
         *            the known clean image
         * @return this
         */
        public Builder inpaint(Tensor keep, Tensor image) {
            mask = keep;
            known = image;
            return this;
        }

        /**
         * Makes the batch; no sample is started yet.
         *
         * @return the batch, to be closed by the caller
         * @throws IllegalArgumentException
         *             where plans do not go together or a tensor does not fit, with the expected size
         */
        public TableTrajectory build() {
            if (samples == 0 || plans.isEmpty() || output == null) {
                throw new IllegalStateException(
                        "A batch needs its shape, its plans and the tensor that the network writes:"
                                + " call shape, plans and output.");
            }
            SamplingPlan first = plans.getFirst();
            for (SamplingPlan plan : plans) {
                if (plan.outputs() != first.outputs() || (plan.guidance() == null) != (first.guidance() == null)) {
                    throw new IllegalArgumentException(
                            "The plans of one batch share the network, so they must be alike in"
                                    + " guidance and outputs, but '" + plan.solver() + "' and '" + first.solver()
                                    + "' are not.");
                }
                if (plan.slots() > MOST_SLOTS) {
                    throw new IllegalArgumentException("A table has " + MOST_SLOTS + " tensors of state, but '"
                            + plan.solver() + "' needs " + plan.slots() + "; use a Trajectory.");
                }
            }
            if (uncond != null && first.guidance() == null) {
                throw new IllegalArgumentException("Two outputs are for guided plans; build them with a Guidance.");
            }
            long total = samples * elements;
            long one = total * first.outputs();
            fits("the output", output, first.guidance() != null && uncond == null ? 2 * one : one);
            fits("the unconditional output", uncond, one);
            fits("the preview", preview, total);
            fits("the mask", mask, total);
            fits("the known image", known, total);
            if (mask != null && (known == null || mask.dtype() != dtype || known.dtype() != dtype)) {
                throw new IllegalArgumentException("A mask and its known image have the state's type, " + dtype
                        + ", but got " + mask + " and " + known + ".");
            }
            return new TableTrajectory(this);
        }

        private static void fits(String what, Tensor tensor, long expected) {
            if (tensor != null && tensor.elements() != expected) {
                throw new IllegalArgumentException("A tensor for " + what + " needs " + expected
                        + " elements, but has " + tensor.elements() + ".");
            }
        }
    }

    private void open() {
        if (closed) {
            throw new IllegalStateException("The batch is closed; build a new one.");
        }
    }

    /**
     * Starts every sample from noise of its plan's initial scale.
     *
     * @param values
     *            one seed for each sample
     */
    public void start(long... values) {
        open();
        if (values.length != samples) {
            throw new IllegalArgumentException("Every sample needs its seed: " + samples + " samples, but "
                    + values.length + " seeds.");
        }
        for (int s = 0; s < samples; s++) {
            start(s, plans.size() == 1 ? 0 : s % plans.size(), values[s]);
        }
    }

    /**
     * Starts one sample from noise while the others stay where they are. In the order of the stream: what was queued before is not
     * disturbed.
     *
     * @param sample
     *            which, 0 to samples - 1
     * @param plan
     *            which of the builder's plans it walks along
     * @param seed
     *            its seed
     */
    public void start(int sample, int plan, long seed) {
        SamplingPlan of = place(sample, plan);
        StepOperands o = one(slice(slots[of.steps().getFirst().in()], sample));
        o.seeds = new long[] {seed};
        backend.step(Rows.initial(of.initialSigma()), o, single);
        begin(sample, plan, seed);
    }

    /**
     * Starts one sample from a state at its plan's first level while the others stay where they are.
     *
     * @param sample
     *            which, 0 to samples - 1
     * @param plan
     *            which of the builder's plans it walks along
     * @param seed
     *            its seed
     * @param state
     *            as many elements as a sample has, of the state's type
     */
    public void start(int sample, int plan, long seed, Tensor state) {
        SamplingPlan of = place(sample, plan);
        backend.copy(state, slice(slots[of.steps().getFirst().in()], sample), single);
        begin(sample, plan, seed);
    }

    private SamplingPlan place(int sample, int plan) {
        open();
        if (sample < 0 || sample >= samples || plan < 0 || plan >= plans.size()) {
            throw new IllegalArgumentException("There are samples 0 to " + (samples - 1) + " and plans 0 to "
                    + (plans.size() - 1) + ", but got sample " + sample + " and plan " + plan + ".");
        }
        return plans.get(plan);
    }

    private StepOperands one(Tensor out) {
        StepOperands o = new StepOperands();
        o.samples = 1;
        o.elements = elements;
        o.outputStride = elements;
        o.x = out;
        o.out = out;
        return o;
    }

    private void begin(int sample, int plan, long seed) {
        SamplingPlan of = plans.get(plan);
        planOf[sample] = plan;
        StepOperands o = one(slice(slots[of.steps().getFirst().in()], sample));
        for (int copy = 0; copy < inputCopies; copy++) {
            o.input = slice(input, (long) copy * samples + sample);
            backend.step(Rows.IDENTITY, o, single);
        }
        staging.set(INT, 0, firstRow[plan]);
        staging.set(INT, 4, firstRow[plan] + of.evaluations());
        staging.set(LONG, 8, 0);
        staging.set(LONG, 16, seed);
        staging.set(ValueLayout.JAVA_FLOAT, 24, (float) of.steps().getFirst().at().t());
        send(cursors + sample * CURSOR_BYTES, staging, CURSOR_BYTES);
        send(seeds + sample * 8L, staging.asSlice(16), 8);
        send(backend.address("times", times) + sample * 4L, staging.asSlice(24), 4);
    }

    private Tensor slice(Tensor tensor, long sample) {
        if (tensor instanceof DeviceTensor there) {
            return new DeviceTensor(there.address() + sample * elements * there.dtype().bytes(), there.dtype(),
                    elements,
                    there.device());
        }
        return ((HostTensor) tensor).slice(sample * elements, elements);
    }

    /** Executes the next row of every sample that is not done. On a device it is queued, not waited for. */
    public void step() {
        open();
        int status = Alphabar.alphabar_table_step(backend.context().address(), table.address(),
                memory.operands.address(), memory.scratch, backend.stream());
        Reference.reachabilityFence(this);
        backend.check("execute a table", status);
    }

    /**
     * How many steps it takes from {@link #start(long...)} until every sample is done.
     *
     * @return the evaluations of the longest plan in use
     */
    public int steps() {
        return Arrays.stream(planOf).map(plan -> plans.get(plan).evaluations()).max().orElseThrow();
    }

    /**
     * What to feed the network: all samples, once or twice.
     *
     * @return memory of this batch, at the same address for as long as it is open
     */
    public Tensor modelInput() {
        open();
        return input;
    }

    /**
     * The time to give the network for each sample. A sample that is done keeps its last one.
     *
     * @return F32, one for each sample, at the same address for as long as the batch is open
     */
    public Tensor times() {
        open();
        return times;
    }

    /**
     * The state of a sample once its plan was walked to the end.
     *
     * @param sample
     *            which, 0 to samples - 1
     * @return memory of this batch, there for as long as the batch is referenced, overwritten when the sample is started again
     */
    public Tensor sample(int sample) {
        place(sample, 0);
        return slice(slots[plans.get(planOf[sample]).steps().getLast().out()], sample);
    }

    /**
     * Waits for the steps queued so far and copies a sample's final state to the host.
     *
     * @param sample
     *            which, 0 to samples - 1
     * @param to
     *            receives it: as many elements as a sample has, of the state's type
     */
    public void copySample(int sample, HostTensor to) {
        backend.copy(sample(sample), to, single);
    }

    /** Releases the table, once the device has done what was queued; results stay readable while
     * the batch is referenced. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            memory.close();
            single.close();
            tables.run();
            arena.close();
        }
    }
}
