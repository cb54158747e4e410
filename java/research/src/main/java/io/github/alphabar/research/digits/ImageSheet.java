// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.digits;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** Rows of 8 by 8 digits as one picture, each pixel enlarged; -1 is black, 1 is white. */
final class ImageSheet {
    private static final int SIDE = 8;
    private static final int SCALE = 5;
    private static final int GAP = 4;
    private static final int GROUND = 96;

    private ImageSheet() {
    }

    /** Each row holds images of 64 pixels, one after the other. */
    static byte[] png(List<float[]> rows) {
        int columns = rows.stream().mapToInt(r -> r.length / DigitsLab.PIXELS).max().orElseThrow();
        int cell = SIDE * SCALE + GAP;
        BufferedImage image = new BufferedImage(GAP + columns * cell, GAP + rows.size() * cell,
                BufferedImage.TYPE_BYTE_GRAY);
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                image.getRaster().setSample(x, y, 0, GROUND);
            }
        }
        for (int r = 0; r < rows.size(); r++) {
            float[] row = rows.get(r);
            for (int i = 0; i < row.length; i++) {
                int column = i / DigitsLab.PIXELS;
                int left = GAP + column * cell + i % SIDE * SCALE;
                int top = GAP + r * cell + i % DigitsLab.PIXELS / SIDE * SCALE;
                int grey = (int) Math.clamp(Math.round((row[i] + 1) / 2 * 255.0), 0L, 255L);
                for (int p = 0; p < SCALE * SCALE; p++) {
                    image.getRaster().setSample(left + p % SCALE, top + p / SCALE, 0, grey);
                }
            }
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
            ImageIO.write(image, "png", out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}
