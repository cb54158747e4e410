// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.onnxruntime.OnnxDenoiser;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.sampling.Denoiser;
import io.github.alphabar.sampling.HostStaging;
import io.github.alphabar.sampling.NoiseSource;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.nio.file.Path;

/** One batch from noise, or from a picture, to samples. */
final class SampleRun {
    private final NetworkOptions options;
    private final OnnxDenoiser network;
    private final SamplingPlan plan;
    private final Backend backend;
    private final DType dtype;
    private final long[] seeds;
    /** Null where the seeds are drawn from. */
    private final NoiseSource source;

    SampleRun(NetworkOptions options, OnnxDenoiser network, SamplingPlan plan, Backend backend, DType dtype,
            long[] seeds, NoiseSource source) {
        this.options = options;
        this.network = network;
        this.plan = plan;
        this.backend = backend;
        this.dtype = dtype;
        this.seeds = seeds;
        this.source = source;
    }

    /** Samples and how long it took. */
    record Result(HostTensor samples, Timings timings) {
    }

    /** Where the predicted clean samples of each step go. */
    record Frames(Path folder, Sheet sheet) {
        void write(int step, int steps, HostTensor preview) {
            int digits = Math.max(3, Integer.toString(steps - 1).length());
            String name = String.format("frame-%0" + digits + "d.png", step);
            SafeFile.at(folder.resolve(name), "--frames").write(sheet.png(preview));
        }
    }

    /** Frames and image may be null. */
    Result run(float[] image, Frames frames) {
        Tensor output = output();
        Tensor preview = frames == null ? null : preview();
        Trajectory.Builder builder = describe().preview(preview);
        if (source != null) {
            builder.noise(source);
        }
        Timings timings = new Timings(plan.evaluations());
        try (HostStaging staging = new HostStaging(backend);
                Trajectory trajectory = image == null ? builder.start()
                        : builder.startFromImage(staging.toBackend(repeated(image)));
                Progress progress = Progress.of(plan.solver(), plan.evaluations())) {
            Denoiser staged = staging.around(network);
            while (!trajectory.isDone()) {
                int row = trajectory.cursor();
                long begin = System.nanoTime();
                staged.denoise(trajectory.modelInput(), options.time(plan.steps().get(row)), output);
                long answered = System.nanoTime();
                trajectory.advance(output);
                timings.add(answered - begin, System.nanoTime() - answered);
                if (frames != null) {
                    frames.write(row, plan.evaluations(), staging.toHost(preview));
                }
                progress.step();
            }
            HostTensor samples = staging.toHost(trajectory.sample());
            refuseNonFinite(samples);
            return new Result(samples, timings);
        }
    }

    private Trajectory.Builder describe() {
        Trajectory.Builder builder = Trajectory.builder(plan, backend)
                .shape(seeds.length, network.elements())
                .dtype(dtype)
                .seeds(seeds);
        return dtype == wide() ? builder : builder.modelInput(wide(), 1);
    }

    /** F64 goes with F64 only; all other states are computed in binary32. */
    private DType wide() {
        return dtype == DType.F64 ? DType.F64 : DType.F32;
    }

    private Tensor output() {
        long copies = plan.outputs() * (plan.guidance() == null ? 1L : 2L);
        return backend.allocate(wide(), seeds.length * copies * network.elements());
    }

    private Tensor preview() {
        return backend.allocate(wide(), (long) seeds.length * network.elements());
    }

    /** Runs the steps again and again on the network's first answer, until the JVM has compiled them. */
    void warmUp(double seconds, boolean previewed) {
        if (seconds == 0) {
            return;
        }
        Tensor output = output();
        Tensor preview = previewed ? preview() : null;
        // The network, too: classes it loads for the first time would undo compiled code.
        try (HostStaging staging = new HostStaging(backend); Trajectory first = describe().start()) {
            staging.around(network).denoise(first.modelInput(), options.time(plan.steps().getFirst()), output);
        }
        long begin = System.nanoTime();
        while (System.nanoTime() - begin < seconds * 1e9) {
            try (Trajectory trajectory = describe().preview(preview).start()) {
                while (!trajectory.isDone() && System.nanoTime() - begin < seconds * 1e9) {
                    trajectory.advance(output);
                }
            }
        }
    }

    private HostTensor repeated(float[] image) {
        HostTensor all = HostTensor.allocate(dtype, (long) seeds.length * image.length);
        for (int i = 0; i < seeds.length; i++) {
            all.slice((long) i * image.length, image.length).copyFrom(HostTensor.of(image));
        }
        return all;
    }

    private void refuseNonFinite(HostTensor samples) {
        long bad = 0;
        for (long i = 0; i < samples.elements(); i++) {
            bad += Double.isFinite(samples.getDouble(i)) ? 0 : 1;
        }
        if (bad > 0) {
            throw new RunException(bad + " of " + samples.elements() + " values came out infinite or not a number, and"
                    + " no picture was written; check the network, or use a wider --dtype or --clip range.");
        }
    }
}
