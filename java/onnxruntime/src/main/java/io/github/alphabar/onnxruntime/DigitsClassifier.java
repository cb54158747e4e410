// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.onnxruntime;

import ai.onnxruntime.OnnxTensor;
import io.github.alphabar.tensor.HostTensor;
import java.util.List;
import java.util.Map;

/** A small trained network that tells which digit an image shows. For one thread at a time; who opens it closes it. */
public final class DigitsClassifier implements AutoCloseable {
    private static final int PIXELS = 64;
    private static final int CLASSES = 10;
    private static final int FEATURES = 64;

    private final OnnxModel model = OnnxModel.open("the digits classifier", DigitsModel.bytes("classifier.onnx"), 1);
    private final BoundTensor sample = model.bind(port(model.inputs(), "sample"), DigitsModel.CHUNK, 1, 8,
            8);
    private final BoundTensor logits = model.bind(port(model.outputs(), "logits"), DigitsModel.CHUNK,
            CLASSES);
    private final BoundTensor features = model.bind(port(model.outputs(), "features"), DigitsModel.CHUNK,
            FEATURES);

    DigitsClassifier() {
    }

    private static OnnxModel.Port port(List<OnnxModel.Port> ports, String name) {
        return ports.stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow();
    }

    /**
     * What the network saw.
     *
     * @param labels
     *            the digit each image shows, 0 to 9
     * @param features
     *            for each image the 64 values before the last layer, for distances between sets of images
     */
    public record Result(int[] labels, float[][] features) {

        /**
         * Counts images that show what was asked for.
         *
         * @param classes
         *            the digit asked for, for each image
         * @return how many agree
         */
        public int recognised(int... classes) {
            int count = 0;
            for (int i = 0; i < labels.length; i++) {
                count += labels[i] == classes[i] ? 1 : 0;
            }
            return count;
        }
    }

    /**
     * Reads digits.
     *
     * @param samples
     *            images of 64 pixels from -1 (paper) to 1 (ink), one after the other
     * @return what they show
     */
    public Result classify(HostTensor samples) {
        if (samples.elements() % PIXELS != 0) {
            throw new IllegalArgumentException("The classifier takes images of " + PIXELS + " pixels, but got "
                    + samples.elements() + " elements.");
        }
        int count = Math.toIntExact(samples.elements() / PIXELS);
        int[] labels = new int[count];
        float[][] all = new float[count][];
        Map<String, OnnxTensor> in = Map.of("sample", sample.tensor());
        Map<String, OnnxTensor> out = Map.of("logits", logits.tensor(), "features", features.tensor());
        HostTensor to = sample.values();
        for (int at = 0; at < count; at += DigitsModel.CHUNK) {
            int rows = Math.min(DigitsModel.CHUNK, count - at);
            to.slice(0, (long) rows * PIXELS).copyFrom(samples.slice((long) at * PIXELS, (long) rows * PIXELS));
            model.run(in, out);
            for (int row = 0; row < rows; row++) {
                labels[at + row] = largest(logits.values(), row * CLASSES);
                all[at + row] = features.values().slice((long) row * FEATURES, FEATURES).toFloatArray();
            }
        }
        return new Result(labels, all);
    }

    private static int largest(HostTensor logits, int from) {
        int best = 0;
        for (int c = 1; c < CLASSES; c++) {
            if (logits.getFloat(from + c) > logits.getFloat(from + best)) {
                best = c;
            }
        }
        return best;
    }

    @Override
    public void close() {
        model.close();
    }
}
