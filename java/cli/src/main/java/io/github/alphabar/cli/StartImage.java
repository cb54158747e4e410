// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;

/** A picture to start from, brought to the network's shape and range: each value is the mean of the area it covers, in [-1, 1]. */
final class StartImage {
    private StartImage() {
    }

    static float[] read(Path file, int channels, int height, int width) {
        BufferedImage image = load(file);
        double[][] planes = planes(image, channels);
        float[] values = new float[channels * height * width];
        for (int c = 0; c < channels; c++) {
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < width; x++) {
                    double mean = mean(planes[c], image.getWidth(), (double) image.getWidth() / width * x,
                            (double) image.getWidth() / width * (x + 1), (double) image.getHeight() / height * y,
                            (double) image.getHeight() / height * (y + 1), image.getHeight());
                    values[(c * height + y) * width + x] = (float) (mean * 2 - 1);
                }
            }
        }
        return values;
    }

    private static BufferedImage load(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new UsageException("--start-from '" + file + "' is no file; give the path of a picture.");
        }
        try {
            BufferedImage image = ImageIO.read(file.toFile());
            if (image != null) {
                return image;
            }
        } catch (IOException | RuntimeException e) {
            // told below: the readers throw either on a damaged file
        }
        throw new UsageException(
                "--start-from '" + file + "' is no picture that can be read; give a PNG, JPEG, BMP or GIF.");
    }

    /** Channel by channel, from 0 to 1. */
    private static double[][] planes(BufferedImage image, int channels) {
        int w = image.getWidth();
        int h = image.getHeight();
        Raster raster = image.getRaster();
        // getRGB takes grey for linear light and would brighten it, so grey is read as stored.
        boolean grey = raster.getNumBands() <= 2 && !(image.getColorModel() instanceof IndexColorModel);
        double full = grey ? (1L << raster.getSampleModel().getSampleSize(0)) - 1 : 255;
        double[][] planes = new double[channels][w * h];
        for (int y = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
                double r;
                double g;
                double b;
                if (grey) {
                    r = g = b = raster.getSampleDouble(x, y, 0) / full;
                } else {
                    int rgb = image.getRGB(x, y);
                    r = (rgb >> 16 & 255) / full;
                    g = (rgb >> 8 & 255) / full;
                    b = (rgb & 255) / full;
                }
                int at = y * w + x;
                if (channels == 1) {
                    // Luma of ITU-R BT.601
                    planes[0][at] = grey ? r : 0.299 * r + 0.587 * g + 0.114 * b;
                } else {
                    planes[0][at] = r;
                    planes[1][at] = g;
                    planes[2][at] = b;
                }
            }
        }
        return planes;
    }

    private static double mean(double[] plane, int w, double left, double right, double top, double bottom, int h) {
        double sum = 0;
        double area = 0;
        for (int y = (int) top; y < Math.min(h, bottom); y++) {
            double tall = Math.min(y + 1, bottom) - Math.max(y, top);
            for (int x = (int) left; x < Math.min(w, right); x++) {
                double part = tall * (Math.min(x + 1, right) - Math.max(x, left));
                sum += part * plane[y * w + x];
                area += part;
            }
        }
        return sum / area;
    }
}
