// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.sampling;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.StepOperands;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.random.Normals;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Arrays;

/**
 * One batch on its way along a plan: the only mutable type. It holds the state, what the solver remembers, the place in the plan
 * and the seeds. For one thread at a time; any number of trajectories may share a plan and a backend.
 *
 * <pre>{@code
 * try (Trajectory t = Trajectory.builder(plan, backend).shape(samples, elements).seeds(seeds).start()) {
 *     while (!t.isDone()) {
 *         network.denoise(t.modelInput(), t.time(), output);
 *         t.advance(output);
 *     }
 *     use(t.sample());
 * }
 * }</pre>
 *
 * {@link #advance} allocates nothing and takes no lock.
 */
public final class Trajectory implements AutoCloseable {
    private final SamplingPlan plan;
    private final Backend backend;
    private final Backend.Workspace workspace;
    private final StepParams[] params;
    private final Tensor[] slots;
    private final StepOperands operands;
    private final long[] seeds;
    private final NoiseSource source;
    private final GivenNoise noise;
    private final GivenNoise knownNoise;
    private final double[] inputScales;
    private int cursor;
    private boolean closed;

    private Trajectory(Builder b) {
        plan = b.plan;
        backend = b.backend;
        seeds = b.seeds.clone();
        source = b.source;
        long total = Math.multiplyExact(b.samples, b.elements);
        slots = new Tensor[plan.slots()];
        for (int i = 0; i < slots.length; i++) {
            slots[i] = backend.allocate(b.dtype, total);
        }
        params = new StepParams[plan.evaluations()];
        for (int i = 0; i < params.length; i++) {
            params[i] = StepParams.narrow(plan, i, b.dtype);
        }
        workspace = backend.workspace(b.samples, b.elements);
        DType noiseType = b.dtype == DType.F64 ? DType.F64 : DType.F32;
        noise = source == null ? null : new GivenNoise(backend, noiseType, total);
        knownNoise = source == null || b.mask == null ? null : new GivenNoise(backend, noiseType, total);
        inputScales = b.inputScales;
        operands = new StepOperands();
        operands.samples = b.samples;
        operands.elements = b.elements;
        operands.seeds = seeds;
        operands.outputStride = plan.outputs() * b.elements;
        operands.mask = b.mask;
        operands.known = b.known;
        operands.preview = b.preview;
        if (b.inputType != null) {
            operands.inputCopies = b.inputCopies;
            operands.input = backend.allocate(b.inputType, total * b.inputCopies);
        }
    }

    /** A source's noise, filled on the host, and the same where the backend reads it. */
    private static final class GivenNoise {
        final HostTensor filled;
        final Tensor read;

        GivenNoise(Backend backend, DType dtype, long total) {
            Tensor there = backend.allocate(dtype, total);
            filled = there instanceof HostTensor here ? here : HostTensor.allocate(dtype, total);
            read = there;
        }

        Tensor fill(Trajectory t, Normals.Stream stream, int draw) {
            t.source.fill(stream, draw, filled);
            if (read != filled) {
                t.backend.copy(filled, read, t.workspace);
            }
            return read;
        }
    }

    /**
     * Starts describing a trajectory.
     *
     * @param plan
     *            what to do
     * @param backend
     *            what does it; stays open until the trajectory is closed
     * @return a builder
     */
    public static Builder builder(SamplingPlan plan, Backend backend) {
        return new Builder(plan, backend);
    }

    /** Describes a trajectory; mutable, for one thread. */
    public static final class Builder {
        private final SamplingPlan plan;
        private final Backend backend;
        private int samples;
        private long elements;
        private DType dtype = DType.F32;
        private long[] seeds;
        private NoiseSource source;
        private DType inputType;
        private int inputCopies = 1;
        private double[] inputScales;
        private Tensor preview;
        private Tensor mask;
        private Tensor known;

        private Builder(SamplingPlan plan, Backend backend) {
            this.plan = plan;
            this.backend = backend;
        }

        /**
         * Sets the size of the batch.
         *
         * @param samples
         *            at least 1
         * @param elements
         *            elements of a sample, at least 1
         * @return this
         */
        public Builder shape(int samples, long elements) {
            if (samples < 1 || elements < 1) {
                throw new IllegalArgumentException(
                        "A batch needs samples and elements, but got " + samples + " samples of " + elements
                                + " elements.");
            }
            this.samples = samples;
            this.elements = elements;
            return this;
        }

        /**
         * Sets the type of the state and of what the solver remembers.
         *
         * @param dtype
         *            F32 unless set
         * @return this
         */
        public Builder dtype(DType dtype) {
            this.dtype = dtype;
            return this;
        }

        /**
         * Sets the seeds.
         *
         * @param seeds
         *            one for each sample
         * @return this
         */
        public Builder seeds(long... seeds) {
            this.seeds = seeds.clone();
            return this;
        }

        /**
         * Takes all noise from a source instead of the seeds.
         *
         * @param source
         *            the source
         * @return this
         */
        public Builder noise(NoiseSource source) {
            this.source = source;
            return this;
        }

        /**
         * Lets every step write the next model input beside the state, in the network's type.
         *
         * @param type
         *            the network's type
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
         * Multiplies each model input by a number, for networks that were trained on a scaled state. Needs {@link #modelInput}.
         *
         * @param scales
         *            one for each evaluation of the plan, finite and not 0
         * @return this
         */
        public Builder inputScales(double... scales) {
            for (double scale : scales) {
                if (!Double.isFinite(scale) || scale == 0) {
                    throw new IllegalArgumentException(
                            "Input scales must be finite and not 0, but got " + Arrays.toString(scales) + ".");
                }
            }
            inputScales = scales.clone();
            return this;
        }

        /**
         * Lets every step write the predicted clean sample.
         *
         * @param target
         *            receives it after each step
         * @return this
         */
        public Builder preview(Tensor target) {
            preview = target;
            return this;
        }

        /**
         * Keeps a known region: after every step it is replaced by the known image, noised to the level the step arrives at.
         *
         * @param keep
         *            1 where the sampler paints, 0 where the image is known; of the state's type and size
         * @param image
         *            the known clean image, of the state's type and size
         * @return this
         */
        public Builder inpaint(Tensor keep, Tensor image) {
            mask = keep;
            known = image;
            return this;
        }

        private Trajectory build() {
            if (samples == 0) {
                throw new IllegalStateException("A trajectory needs its shape first: call shape(samples, elements).");
            }
            if (seeds == null) {
                seeds = new long[samples];
                for (int i = 0; i < samples; i++) {
                    seeds[i] = i;
                }
            }
            if (seeds.length != samples) {
                throw new IllegalArgumentException(
                        "Every sample needs its seed: " + samples + " samples, but " + seeds.length + " seeds.");
            }
            if (inputScales != null && (inputType == null || inputScales.length != plan.evaluations())) {
                throw new IllegalArgumentException("Input scales need a modelInput and one number for each of the "
                        + plan.evaluations() + " evaluations, but there are " + inputScales.length + " and "
                        + (inputType == null ? "no" : "a") + " modelInput.");
            }
            return new Trajectory(this);
        }

        /**
         * Starts from noise of the plan's initial scale.
         *
         * @return a trajectory before its first step; the caller closes it
         */
        public Trajectory start() {
            Trajectory t = build();
            int slot = t.plan.steps().getFirst().in();
            double scale = t.plan.initialSigma();
            Tensor given = source == null ? null : t.noise.fill(t, Normals.Stream.INITIAL, 0);
            ForwardProcess.initial(backend, scale, given, t.seeds, t.slots[slot], samples);
            t.writeInput();
            return t;
        }

        /**
         * Starts from a state at the plan's first level, for instance a clean image that is to be inverted.
         *
         * @param state
         *            samples times elements values; copied
         * @return a trajectory before its first step; the caller closes it
         */
        public Trajectory startFrom(HostTensor state) {
            Trajectory t = build();
            t.write(state, t.slots[t.plan.steps().getFirst().in()]);
            t.writeInput();
            return t;
        }

        /**
         * Starts from clean images noised to the plan's first level: image-to-image, on a grid cut by
         * {@link io.github.alphabar.grid.TimeGrid#fromStrength(double)}.
         *
         * @param images
         *            samples times elements values, of the state's type
         * @return a trajectory before its first step; the caller closes it
         */
        public Trajectory startFromImage(Tensor images) {
            Trajectory t = build();
            Step first = t.plan.steps().getFirst();
            Tensor given = source == null ? null : t.noise.fill(t, Normals.Stream.FORWARD, 0);
            ForwardProcess.noised(backend, first.at(), images, given, t.seeds, t.slots[first.in()], samples);
            t.writeInput();
            return t;
        }

        /**
         * Goes on where a saved trajectory stopped.
         *
         * @param in
         *            what {@link Trajectory#save(OutputStream)} wrote for the same plan, shape and dtype; not closed
         * @return a trajectory that continues to the same bits; the caller closes it
         * @throws IOException
         *             where the stream fails, ends early or holds something else
         */
        public Trajectory restore(InputStream in) throws IOException {
            if (samples == 0) {
                throw new IllegalStateException("A trajectory needs its shape first: call shape(samples, elements).");
            }
            SavedTrajectory saved = SavedTrajectory.read(in, plan, dtype, samples, elements);
            seeds = saved.seeds();
            Trajectory t = build();
            for (int i = 0; i < t.slots.length; i++) {
                t.write(saved.slots().get(i), t.slots[i]);
            }
            t.cursor = saved.cursor();
            t.writeInput();
            return t;
        }
    }

    private void write(HostTensor from, Tensor to) {
        if (to instanceof HostTensor here) {
            here.copyFrom(from);
            return;
        }
        if (from.elements() != to.elements()) {
            throw new IllegalArgumentException("The state has " + to.elements() + " elements, but got "
                    + from.elements() + ".");
        }
        HostTensor same = from;
        if (from.dtype() != to.dtype()) {
            same = HostTensor.allocate(to.dtype(), to.elements());
            same.copyFrom(from);
        }
        backend.copy(same, to, workspace);
    }

    private HostTensor read(Tensor from) {
        if (from instanceof HostTensor here) {
            return here;
        }
        HostTensor copy = HostTensor.allocate(from.dtype(), from.elements());
        backend.copy(from, copy, workspace);
        return copy;
    }

    /** The first model input; later ones are written by the steps. A row x' = x in place has it written wherever it lies. */
    private void writeInput() {
        if (operands.input == null || isDone()) {
            return;
        }
        StepOperands o = new StepOperands();
        o.samples = operands.samples;
        o.elements = operands.elements;
        o.x = sample();
        o.out = o.x;
        o.input = operands.input;
        o.inputCopies = operands.inputCopies;
        o.inputScale = inputScale(cursor);
        backend.step(ForwardProcess.identity(o.x.dtype()), o, workspace);
    }

    private double inputScale(int evaluation) {
        return inputScales == null || evaluation == inputScales.length ? 1 : inputScales[evaluation];
    }

    private void open() {
        if (closed) {
            throw new IllegalStateException("The trajectory is closed; start a new one.");
        }
    }

    /**
     * The plan.
     *
     * @return the plan this trajectory follows
     */
    public SamplingPlan plan() {
        return plan;
    }

    /**
     * Whether every row was executed.
     *
     * @return true at the end
     */
    public boolean isDone() {
        return cursor == params.length;
    }

    /**
     * The number of rows executed.
     *
     * @return 0 .. plan().evaluations()
     */
    public int cursor() {
        return cursor;
    }

    /**
     * The time to give the network now.
     *
     * @return the level's time
     */
    public double time() {
        open();
        return current().at().t();
    }

    private Step current() {
        if (isDone()) {
            throw new IllegalStateException(
                    "The trajectory has made all its " + params.length + " steps; read sample(), or start a new one.");
        }
        return plan.steps().get(cursor);
    }

    /**
     * The state: what the network is asked about, and the result at the end.
     *
     * @return memory of this trajectory, overwritten by the next step; some solvers alternate between two tensors
     */
    public Tensor sample() {
        open();
        return slots[isDone() ? plan.steps().getLast().out() : current().in()];
    }

    /**
     * What to feed the network: the converted and repeated input where {@link Builder#modelInput} asked for one, else
     * {@link #sample()}.
     *
     * @return memory of this trajectory, overwritten by the next step
     */
    public Tensor modelInput() {
        open();
        return operands.input != null ? operands.input : sample();
    }

    /**
     * Makes one step.
     *
     * @param output
     *            what the network returned; for a guided plan all unconditional outputs, then all conditional ones
     */
    public void advance(Tensor output) {
        open();
        long one = operands.samples * operands.outputStride;
        boolean guided = plan.guidance() != null;
        if (output.elements() != (guided ? 2 * one : one)) {
            throw shape(output, guided ? 2 * one : one,
                    guided ? ", unconditional and conditional one after the other" : "");
        }
        operands.output = output;
        operands.outputOffset = guided ? one : 0;
        operands.uncond = guided ? output : null;
        operands.uncondOffset = 0;
        execute();
    }

    /**
     * Makes one step of a guided plan from two outputs.
     *
     * @param uncond
     *            the unconditional output
     * @param cond
     *            the conditional output
     */
    public void advance(Tensor uncond, Tensor cond) {
        open();
        if (plan.guidance() == null) {
            throw new IllegalArgumentException(
                    "The plan has no guidance and takes one output, but got two; build it with a Guidance.");
        }
        long one = operands.samples * operands.outputStride;
        if (cond.elements() != one || uncond.elements() != one) {
            throw shape(cond.elements() != one ? cond : uncond, one, "");
        }
        operands.output = cond;
        operands.outputOffset = 0;
        operands.uncond = uncond;
        operands.uncondOffset = 0;
        execute();
    }

    private IllegalArgumentException shape(Tensor given, long expected, String how) {
        return new IllegalArgumentException(
                "The network's output must have " + expected + " elements (" + operands.samples
                        + " samples of " + operands.outputStride + how + "), but has " + given.elements() + ".");
    }

    private void execute() {
        Step step = current();
        operands.x = slots[step.in()];
        operands.out = slots[step.out()];
        operands.h0 = history(step, 0);
        operands.h1 = history(step, 1);
        operands.h2 = history(step, 2);
        operands.store = step.store() == null ? null : slots[step.store().slot()];
        operands.draw = draw();
        operands.inputScale = inputScale(cursor + 1);
        if (source != null) {
            drawFromSource(step);
        }
        backend.step(params[cursor], operands, workspace);
        cursor++;
    }

    /** Absolute, so that a trajectory that starts later draws what a whole one draws. */
    private int draw() {
        return plan.steps().getFirst().edge() + cursor;
    }

    private void drawFromSource(Step step) {
        operands.noise = step.isNoisy() ? noise.fill(this, Normals.Stream.STEP, operands.draw) : noise.read;
        if (knownNoise != null && step.to().sigma() > 0) {
            operands.knownNoise = knownNoise.fill(this, Normals.Stream.INPAINT, operands.draw);
        }
    }

    private Tensor history(Step step, int k) {
        return k < step.history().size() ? slots[step.history().get(k).slot()] : null;
    }

    /**
     * Runs the rest of the plan.
     *
     * @param network
     *            the network
     * @param output
     *            room for its output
     * @return the final sample, memory of this trajectory
     */
    public Tensor run(Denoiser network, Tensor output) {
        while (!isDone()) {
            network.denoise(modelInput(), time(), output);
            advance(output);
        }
        return sample();
    }

    /**
     * Writes the state, what the solver remembers, the place and the seeds, so that {@link Builder#restore} can go on to the same
     * bits.
     *
     * @param out
     *            receives the bytes; not closed
     * @throws IOException
     *             where writing fails
     */
    public void save(OutputStream out) throws IOException {
        open();
        HostTensor[] values = new HostTensor[slots.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = read(slots[i]);
        }
        SavedTrajectory.write(out, plan, operands.samples, operands.elements, cursor, seeds, values);
    }

    /** Closes the scratch memory; tensors handed out before stay readable. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            workspace.close();
        }
    }
}
