// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.onnxruntime;

import ai.onnxruntime.OnnxTensor;
import io.github.alphabar.sampling.Denoiser;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * A network in an ONNX file, run by ONNX Runtime on the CPU. For one thread at a time; who opens it closes it.
 *
 * <p>
 * The file has one sample input (float32 or float16, rank 2 or more, samples first), one timestep input (float32, float64, int64 or
 * int32, rank 0 or 1; a fractional time is rounded for integers) and one output like the sample, or twice its size where the network
 * returns a variance as well.
 *
 * <p>
 * The network always runs on the same number of samples, the <em>chunk</em>; the last chunk of a batch is filled up with zeros.
 * ONNX Runtime chooses its kernels by shape, so only this makes a sample's result independent of the batch it is in. For a guided
 * batch all unconditional chunks run first, so that a sample keeps its place within the chunk, too.
 */
public final class OnnxDenoiser implements Denoiser, AutoCloseable {
    private final OnnxModel model;
    private final long[] shape;
    private final int elements;
    private final int chunk;
    private final int outputs;
    private float[][] conditions;
    private float[] unconditional;

    private final BoundTensor time;
    private final HostTensor sampleValues;
    private final HostTensor conditionValues;
    private final HostTensor outputValues;
    private final Map<String, OnnxTensor> in = new HashMap<>();
    private final Map<String, OnnxTensor> out;

    private OnnxDenoiser(OnnxModel model, Builder b) {
        this.model = model;
        conditions = b.conditions;
        unconditional = b.unconditional;
        DenoiserSignature signature = DenoiserSignature.of(model, conditions != null);
        shape = signature.sampleShape(model, b.shape);
        elements = Math.toIntExact(product(shape));
        chunk = signature.chunk(model, b.chunk);
        BoundTensor sample = model.bind(signature.sample(), batch(chunk, shape));
        sampleValues = sample.values();
        time = model.bind(signature.time(), signature.timeShape(chunk));
        in.put(signature.sample().name(), sample.tensor());
        in.put(signature.time().name(), time.tensor());
        if (conditions == null) {
            conditionValues = null;
        } else {
            BoundTensor condition = model.bind(signature.condition(), chunk, unconditional.length);
            conditionValues = condition.values();
            in.put(signature.condition().name(), condition.tensor());
        }
        // One call on zeros: it shows that the network takes these shapes, and what it returns.
        long[] returned = model.outputShape(in, signature.output().name());
        outputs = outputs(signature, returned);
        BoundTensor output = model.bind(signature.output(), returned);
        outputValues = output.values();
        out = Map.of(signature.output().name(), output.tensor());
    }

    private int outputs(DenoiserSignature signature, long[] returned) {
        long each = returned[0] == chunk ? product(returned) / chunk : 0;
        if (each != elements && each != 2L * elements) {
            throw new OnnxModelException("'" + model.name() + "' returns " + signature.output().name() + " "
                    + OnnxModel.text(returned) + " for a sample " + OnnxModel.text(batch(chunk, shape))
                    + "; expected the same shape, or twice the channels where the network returns a variance.");
        }
        return (int) (each / elements);
    }

    private static long product(long[] shape) {
        return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }

    private static long[] batch(int samples, long[] shape) {
        long[] all = new long[shape.length + 1];
        all[0] = samples;
        System.arraycopy(shape, 0, all, 1, shape.length);
        return all;
    }

    /**
     * Starts describing a network in a file.
     *
     * @param file
     *            an .onnx file
     * @return a builder
     */
    public static Builder builder(Path file) {
        return new Builder(threads -> OnnxModel.open(file, threads));
    }

    /**
     * Starts describing a network in memory.
     *
     * @param name
     *            what to call it in messages
     * @param model
     *            the bytes of an .onnx file
     * @return a builder
     */
    public static Builder builder(String name, byte[] model) {
        return new Builder(threads -> OnnxModel.open(name, model, threads));
    }

    private interface Opener {
        OnnxModel open(int threads);
    }

    /** Describes a network; mutable, for one thread. */
    public static final class Builder {
        private final Opener opener;
        private long[] shape;
        private int chunk;
        private int threads = 1;
        private float[][] conditions;
        private float[] unconditional;

        private Builder(Opener opener) {
            this.opener = opener;
        }

        /**
         * Sets the shape of one sample, for files that leave it open.
         *
         * @param sizes
         *            for instance 3, 32, 32; must agree with what the file fixes
         * @return this
         */
        public Builder shape(long... sizes) {
            if (sizes.length == 0 || Arrays.stream(sizes).anyMatch(d -> d < 1)) {
                throw new IllegalArgumentException(
                        "The shape of a sample is sizes of at least 1, such as 3, 32, 32, but got "
                                + OnnxModel.text(sizes) + ".");
            }
            shape = sizes.clone();
            return this;
        }

        /**
         * Sets how many samples each call of the network has. More is faster for small networks; a large network wants 1, the
         * default, since unused places cost as much as used ones.
         *
         * @param samples
         *            at least 1; left out where the file fixes it
         * @return this
         */
        public Builder chunk(int samples) {
            if (samples < 1) {
                throw new IllegalArgumentException("A call of the network needs samples, but got " + samples + ".");
            }
            chunk = samples;
            return this;
        }

        /**
         * Sets the threads of one call.
         *
         * @param threads
         *            1 unless set
         * @return this
         */
        public Builder threads(int threads) {
            if (threads < 1) {
                throw new IllegalArgumentException("A network needs a thread, but got " + threads + ".");
            }
            this.threads = threads;
            return this;
        }

        /**
         * Feeds a third input, float32 of rank 2, with one embedding for each sample. The batch then has as many samples as there
         * are embeddings, and the network can be guided.
         *
         * @param embeddings
         *            one row for each sample
         * @param nothing
         *            the row that means "no condition", for the unconditional half of a guided batch
         * @return this
         */
        public Builder condition(float[][] embeddings, float[] nothing) {
            if (embeddings.length == 0
                    || Arrays.stream(embeddings).anyMatch(row -> row.length != nothing.length)) {
                throw new IllegalArgumentException("Every sample needs an embedding of " + nothing.length
                        + " numbers, as long as the empty one.");
            }
            conditions = Arrays.stream(embeddings).map(float[]::clone).toArray(float[][]::new);
            unconditional = nothing.clone();
            return this;
        }

        /**
         * Loads the network and runs it once on zeros.
         *
         * @return the network; the caller closes it
         * @throws OnnxModelException
         *             where the file cannot be loaded or is no denoiser, saying what it has and what was expected
         */
        public OnnxDenoiser open() {
            OnnxModel model = opener.open(threads);
            try {
                return new OnnxDenoiser(model, this);
            } catch (RuntimeException e) {
                model.close();
                throw e;
            }
        }
    }

    /**
     * Feeds other embeddings from the next call on: to search for one, the network need not be loaded again.
     *
     * @param embeddings
     *            one row for each sample, each as long as before; the batch has as many samples as there are rows
     * @param nothing
     *            the row that means "no condition"
     * @throws IllegalArgumentException
     *             where the network takes no condition, or one of another length
     */
    public void condition(float[][] embeddings, float[] nothing) {
        if (conditions == null) {
            throw new IllegalArgumentException(
                    "'" + model.name() + "' was opened without conditions; open it with condition(..).");
        }
        int length = unconditional.length;
        if (embeddings.length == 0 || nothing.length != length
                || Arrays.stream(embeddings).anyMatch(row -> row.length != length)) {
            throw new IllegalArgumentException("Every sample needs an embedding of " + length + " numbers.");
        }
        conditions = Arrays.stream(embeddings).map(float[]::clone).toArray(float[][]::new);
        unconditional = nothing.clone();
    }

    /**
     * The shape of one sample.
     *
     * @return for instance 1, 8, 8
     */
    public long[] shape() {
        return shape.clone();
    }

    /**
     * The elements of one sample.
     *
     * @return at least 1
     */
    public int elements() {
        return elements;
    }

    /**
     * The values returned for each element.
     *
     * @return 2 where the network returns a variance beside its prediction, else 1
     */
    public int outputs() {
        return outputs;
    }

    /**
     * The samples in each call of the network.
     *
     * @return at least 1
     */
    public int chunk() {
        return chunk;
    }

    /**
     * Evaluates the network.
     *
     * @param input
     *            N samples in host memory of any type; for a guided batch N, or the same N twice
     * @param t
     *            the time
     * @param result
     *            host memory of any type: N outputs, or, with conditions, N unconditional and then N conditional ones
     */
    @Override
    public void denoise(Tensor input, double t, Tensor result) {
        HostTensor from = host(input);
        HostTensor to = host(result);
        long given = from.elements() / elements;
        long wanted = to.elements() / ((long) elements * outputs);
        long samples = conditions == null ? given : conditions.length;
        boolean guided = conditions != null && wanted == 2 * samples;
        boolean fits = from.elements() == given * elements && to.elements() == wanted * elements * outputs
                && (wanted == samples || guided) && (given == samples || (guided && given == wanted));
        if (!fits || samples == 0) {
            throw new IllegalArgumentException("The network takes " + (conditions == null ? "N" : samples)
                    + " samples of " + elements + " elements and returns " + outputs + " x as many"
                    + (conditions == null ? "" : ", or twice that when guided") + ", but got " + from.elements()
                    + " elements and room for " + to.elements() + ".");
        }
        time.fill(t);
        if (guided) {
            pass(from, 0, true, to, 0, (int) samples);
        }
        long second = guided ? samples : 0;
        pass(from, given == wanted ? second : 0, false, to, second, (int) samples);
    }

    private static HostTensor host(Tensor tensor) {
        if (tensor instanceof HostTensor h) {
            return h;
        }
        throw new IllegalArgumentException("The network runs on the CPU and takes host memory, but got " + tensor
                + "; copy it to the host first.");
    }

    private void pass(HostTensor from, long firstIn, boolean empty, HostTensor to, long firstOut, int samples) {
        long outElements = (long) elements * outputs;
        for (int at = 0; at < samples; at += chunk) {
            int rows = Math.min(chunk, samples - at);
            sampleValues.slice(0, (long) rows * elements)
                    .copyFrom(from.slice((firstIn + at) * elements, (long) rows * elements));
            sampleValues.slice((long) rows * elements, (long) (chunk - rows) * elements).segment().fill((byte) 0);
            for (int row = 0; conditionValues != null && row < chunk; row++) {
                float[] values = empty || row >= rows ? unconditional : conditions[at + row];
                conditionValues.slice((long) row * values.length, values.length).copyFrom(HostTensor.of(values));
            }
            model.run(in, out);
            to.slice((firstOut + at) * outElements, rows * outElements)
                    .copyFrom(outputValues.slice(0, rows * outElements));
        }
    }

    @Override
    public void close() {
        model.close();
    }
}
