// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.onnxruntime.DigitsClassifier;
import io.github.alphabar.onnxruntime.DigitsModel;
import io.github.alphabar.tensor.HostTensor;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import picocli.CommandLine;

/** Runs commands and reads what they leave. */
record Cli(int status, String out, String err) {
    /** ONNX files with inputs x (float32 [n, c, h, w]) and t (int64 [n]), and the output tanh(x) or sqrt(x). */
    private static final String TINY_ONNX = "CAg6aRIBZ1ofCgF4EhoKGAgBEhQKAxIBbgoDEgFjCgMSAWgKAxIBd1oQCgF0EgsKCQgHEgUKAxIBbgoOCgF4"
            + "EgNlcHMiBFRhbmhiIQoDZXBzEhoKGAgBEhQKAxIBbgoDEgFjCgMSAWgKAxIBd0IECgAQDQ==";

    static Cli run(Object... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line = Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true));
        int status = line.execute(Arrays.stream(arguments).map(Object::toString).toArray(String[]::new));
        return new Cli(status, out.toString(), err.toString());
    }

    /** Runs a command that has to go well. */
    static Cli ok(Object... arguments) {
        Cli cli = run(arguments);
        assertEquals(0, cli.status, cli.err);
        assertEquals("", cli.err);
        return cli;
    }

    /** The command has to end with a status and one sentence that holds some words. */
    Cli failsWith(int expected, String words) {
        assertEquals(expected, status, err);
        assertTrue(err.contains(words), err);
        assertEquals(1, err.lines().count(), err);
        assertFalse(err.contains("Exception"), err);
        assertEquals("", out);
        return this;
    }

    static Path tanhNetwork(Path folder) throws IOException {
        return Files.write(folder.resolve("tanh.onnx"), Base64.getDecoder().decode(TINY_ONNX));
    }

    /** Not a number for every negative value. */
    static Path sqrtNetwork(Path folder) throws IOException {
        byte[] file = Base64.getDecoder().decode(TINY_ONNX);
        String text = new String(file, java.nio.charset.StandardCharsets.ISO_8859_1).replace("Tanh", "Sqrt");
        return Files.write(folder.resolve("sqrt.onnx"), text.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
    }

    /** The 8 by 8 digits of a sheet, from -1 to 1. */
    static float[] digits(Path png, int count) {
        try {
            BufferedImage image = ImageIO.read(png.toFile());
            Sheet sheet = new Sheet(count, 1, 8, 8);
            float[] pixels = new float[count * 64];
            for (int i = 0; i < pixels.length; i++) {
                int x = sheet.left(i / 64) + i % 8 * sheet.scale();
                int y = sheet.top(i / 64) + i % 64 / 8 * sheet.scale();
                pixels[i] = image.getRaster().getSample(x, y, 0) / 255f * 2 - 1;
            }
            return pixels;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** The share of a sheet's digits 0, 1, .. 9, 0, 1, .. that a classifier recognises. */
    static double recognised(Path png, int count) {
        return recognised(png, IntStream.range(0, count).map(i -> i % 10).toArray());
    }

    static double recognised(Path png, int[] classes) {
        try (DigitsClassifier classifier = DigitsModel.load().classifier()) {
            HostTensor samples = HostTensor.of(digits(png, classes.length));
            return classifier.classify(samples).recognised(classes) / (double) classes.length;
        }
    }
}
