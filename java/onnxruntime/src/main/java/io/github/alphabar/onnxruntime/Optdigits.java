// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.onnxruntime;

import io.github.alphabar.tensor.HostTensor;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The 1,797 handwritten digits the digits model was trained on: E. Alpaydin, C. Kaynak (1998), <em>Optical Recognition of Handwritten
 * Digits</em>, UCI Machine Learning Repository, DOI 10.24432/C50P49, licence CC BY 4.0.
 */
public final class Optdigits {
    private static final int PIXELS = 64;

    private final float[] images;
    private final int[] labels;

    private Optdigits(float[] images, int[] labels) {
        this.images = images;
        this.labels = labels;
    }

    /**
     * Reads the digits.
     *
     * @return 1,797 images of 8 by 8 pixels
     */
    public static Optdigits load() {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                DigitsModel.resource("optdigits.csv"), StandardCharsets.UTF_8))) {
            List<String> rows = lines.lines().filter(line -> !line.startsWith("#") && !line.isBlank()).toList();
            float[] images = new float[rows.size() * PIXELS];
            int[] labels = new int[rows.size()];
            for (int i = 0; i < labels.length; i++) {
                String[] cells = rows.get(i).split(",");
                for (int k = 0; k < PIXELS; k++) {
                    images[i * PIXELS + k] = Integer.parseInt(cells[k]) / 8f - 1;
                }
                labels[i] = Integer.parseInt(cells[PIXELS]);
            }
            return new Optdigits(images, labels);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The number of digits.
     *
     * @return 1,797
     */
    public int count() {
        return labels.length;
    }

    /**
     * All images, one after the other, 64 pixels each, from -1 (paper) to 1 (ink).
     *
     * @return a copy
     */
    public HostTensor images() {
        return HostTensor.of(images.clone());
    }

    /**
     * What an image shows.
     *
     * @param index
     *            0 .. count() - 1
     * @return 0 to 9
     */
    public int label(int index) {
        return labels[index];
    }
}
