// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.onnxruntime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.schedule.Betas;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;

/**
 * A small trained diffusion model of handwritten digits, 8 by 8 pixels, with a class to ask for: a network to try samplers on. What it
 * is and how well it does stands in MODEL_CARD.md beside its sources. Immutable.
 */
public final class DigitsModel {
    /** Samples in each call of the network; small enough for a few digits, large enough to keep the processor busy. */
    static final int CHUNK = 64;

    private final long[] shape;
    private final Prediction prediction;
    private final NoiseSchedule schedule;
    private final int nullClass;
    private final float[][] embeddings;

    private DigitsModel(JsonNode json) {
        shape = new long[json.get("shape").size()];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = json.get("shape").get(i).asLong();
        }
        prediction = Prediction.parse(json.get("prediction").asText());
        JsonNode betas = json.get("schedule");
        schedule = TabulatedSchedule.ofBetas(Betas.linear(betas.get("trainSteps").asInt(),
                betas.get("betaStart").asDouble(), betas.get("betaEnd").asDouble()));
        nullClass = json.get("nullClass").asInt();
        JsonNode rows = json.get("embeddings");
        embeddings = new float[rows.size()][];
        for (int i = 0; i < embeddings.length; i++) {
            embeddings[i] = new float[rows.get(i).size()];
            for (int k = 0; k < embeddings[i].length; k++) {
                embeddings[i][k] = Float.parseFloat(rows.get(i).get(k).asText());
            }
        }
    }

    /**
     * Reads the model's description.
     *
     * @return the model; nothing to close
     */
    public static DigitsModel load() {
        try (InputStream in = resource("digits.json")) {
            return new DigitsModel(new ObjectMapper().readTree(in));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static InputStream resource(String name) throws IOException {
        InputStream in = DigitsModel.class.getResourceAsStream("digits/" + name);
        if (in == null) {
            throw new IOException("The jar of alphabar-onnxruntime lacks digits/" + name + "; build it again.");
        }
        return in;
    }

    static byte[] bytes(String name) {
        try (InputStream in = resource(name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The shape of one digit.
     *
     * @return 1, 8, 8
     */
    public long[] shape() {
        return shape.clone();
    }

    /**
     * What the network returns.
     *
     * @return EPSILON
     */
    public Prediction prediction() {
        return prediction;
    }

    /**
     * The schedule it was trained with.
     *
     * @return 1,000 linear betas
     */
    public NoiseSchedule schedule() {
        return schedule;
    }

    /**
     * The class that means "any digit".
     *
     * @return 10; the digits 0 to 9 are classes 0 to 9
     */
    public int nullClass() {
        return nullClass;
    }

    /**
     * Opens the network for a batch.
     *
     * @param classes
     *            one for each sample, 0 to 9 or {@link #nullClass()}
     * @return the network; the caller closes it
     */
    public OnnxDenoiser denoiser(int... classes) {
        return denoiser(classes, 1);
    }

    /**
     * Opens the network for a batch.
     *
     * @param classes
     *            one for each sample, 0 to 9 or {@link #nullClass()}
     * @param threads
     *            threads of one call; the result is the same for any number
     * @return the network; the caller closes it
     */
    public OnnxDenoiser denoiser(int[] classes, int threads) {
        float[][] rows = Arrays.stream(classes).mapToObj(this::row).toArray(float[][]::new);
        return OnnxDenoiser.builder("the digits model", bytes("denoiser.onnx"))
                .chunk(CHUNK)
                .threads(threads)
                .condition(rows, embeddings[nullClass])
                .open();
    }

    private float[] row(int c) {
        if (c < 0 || c >= embeddings.length) {
            throw new IllegalArgumentException("The classes are 0 to " + (nullClass - 1) + ", and " + nullClass
                    + " for any digit, but got " + c + ".");
        }
        return embeddings[c];
    }

    /**
     * What the network is fed for a class.
     *
     * @param c
     *            0 to 9 or {@link #nullClass()}
     * @return a copy of its embedding, 32 numbers
     */
    public float[] embedding(int c) {
        return row(c).clone();
    }

    /**
     * Opens the network that reads digits.
     *
     * @return the classifier; the caller closes it
     */
    public DigitsClassifier classifier() {
        return new DigitsClassifier();
    }
}
