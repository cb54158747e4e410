// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import io.github.alphabar.tensor.HostTensor;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/**
 * Samples side by side as one picture, row after row. Small ones are enlarged without blur. A value v becomes
 * {@code round((v + 1) / 2 * 255)}, clamped.
 *
 * @param count
 *            samples
 * @param channels
 *            1 (grey) or 3 (RGB)
 * @param height
 *            of a sample, in its own pixels
 * @param width
 *            of a sample, in its own pixels
 */
record Sheet(int count, int channels, int height, int width) {
    /** Between the samples, and around them. */
    static final int GAP = 4;
    private static final int GROUND = 96;
    private static final long MOST_PIXELS = 100_000_000;

    Sheet {
        if (channels != 1 && channels != 3) {
            throw new UsageException("A picture has 1 channel (grey) or 3 (RGB), but the network's samples have "
                    + channels + "; a network of latents needs its decoder, which this command does not run.");
        }
    }

    /** The sheet of samples of a shape. */
    static Sheet of(int count, long[] shape) {
        if (shape.length != 3) {
            throw new UsageException("A picture needs samples of channels, height and width, but the network's have "
                    + shape.length + " sizes.");
        }
        Sheet sheet = new Sheet(count, Math.toIntExact(shape[0]), Math.toIntExact(shape[1]),
                Math.toIntExact(shape[2]));
        if ((long) sheet.sheetWidth() * sheet.sheetHeight() > MOST_PIXELS) {
            throw new UsageException("A sheet of " + count + " pictures of " + sheet.width + " x " + sheet.height
                    + " pixels is too large; ask for fewer with --count.");
        }
        return sheet;
    }

    /** How many pixels a pixel becomes, in each direction. */
    int scale() {
        return Math.max(1, 64 / Math.max(height, width));
    }

    int columns() {
        return (int) Math.ceil(Math.sqrt(count));
    }

    private int rows() {
        return (count + columns() - 1) / columns();
    }

    private int sheetWidth() {
        return GAP + columns() * (width * scale() + GAP);
    }

    private int sheetHeight() {
        return GAP + rows() * (height * scale() + GAP);
    }

    /** Where a sample's left edge is. */
    int left(int sample) {
        return GAP + sample % columns() * (width * scale() + GAP);
    }

    /** Where a sample's upper edge is. */
    int top(int sample) {
        return GAP + sample / columns() * (height * scale() + GAP);
    }

    byte[] png(HostTensor samples) {
        int type = channels == 1 ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_INT_RGB;
        BufferedImage image = new BufferedImage(sheetWidth(), sheetHeight(), type);
        for (int c = 0; c < channels; c++) {
            for (int y = 0; y < image.getHeight(); y++) {
                for (int x = 0; x < image.getWidth(); x++) {
                    image.getRaster().setSample(x, y, c, GROUND);
                }
            }
        }
        long element = 0;
        for (int sample = 0; sample < count; sample++) {
            for (int c = 0; c < channels; c++) {
                for (int y = 0; y < height; y++) {
                    for (int x = 0; x < width; x++) {
                        square(image, c, left(sample) + x * scale(), top(sample) + y * scale(),
                                grey(samples.getDouble(element++)));
                    }
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

    private void square(BufferedImage image, int channel, int left, int top, int value) {
        for (int y = 0; y < scale(); y++) {
            for (int x = 0; x < scale(); x++) {
                image.getRaster().setSample(left + x, top + y, channel, value);
            }
        }
    }

    static int grey(double value) {
        return (int) Math.clamp(Math.round((value + 1) / 2 * 255), 0L, 255L);
    }
}
