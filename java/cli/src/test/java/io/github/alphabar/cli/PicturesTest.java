// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.tensor.HostTensor;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PicturesTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"-1, 0", "1, 255", "0, 128", "-3, 0", "1.01, 255", "-0.5, 64", "NaN, 0", "Infinity, 255"})
    void aValueIsRoundedToAGreyAndClamped(double value, int grey) {
        assertEquals(grey, Sheet.grey(value));
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "2, 2", "3, 2", "4, 2", "10, 4", "64, 8", "65, 9"})
    void aSheetIsAboutSquare(int count, int columns) {
        assertEquals(columns, Sheet.of(count, new long[] {1, 8, 8}).columns());
    }

    @Test
    void everySampleHasItsPlaceWithoutBlur() throws IOException {
        Sheet sheet = Sheet.of(3, new long[] {1, 1, 2});
        BufferedImage image = ImageIO
                .read(new ByteArrayInputStream(sheet.png(HostTensor.of(new float[] {-1, 1, 0, 0, 1, -1}))));
        int scale = 32;
        assertEquals(scale, sheet.scale());
        assertEquals(Sheet.GAP + 2 * (2 * scale + Sheet.GAP), image.getWidth());
        assertEquals(Sheet.GAP + 2 * (scale + Sheet.GAP), image.getHeight());
        int[] expected = {0, 255, 128, 128, 255, 0};
        for (int i = 0; i < expected.length; i++) {
            for (int k = 0; k < scale * scale; k++) {
                assertEquals(expected[i], image.getRaster()
                        .getSample(
                                sheet.left(i / 2) + i % 2 * scale + k % scale, sheet.top(i / 2) + k / scale, 0));
            }
        }
    }

    @Test
    void aPictureGoesOutAndInUnchanged() throws IOException {
        float[] values = {-1, 1, 0.2f, -0.6f};
        Path file = Files.write(folder.resolve("one.png"),
                new Sheet(1, 1, 2, 2).png(HostTensor.of(values)));
        BufferedImage whole = ImageIO.read(file.toFile());
        ImageIO.write(whole.getSubimage(Sheet.GAP, Sheet.GAP, 64, 64), "png", file.toFile());
        // Half a grey level
        assertArrayEquals(values, StartImage.read(file, 1, 2, 2), 1 / 255f);
    }

    @Test
    void anImageIsScaledByTheMeanOfTheAreaCovered() throws IOException {
        BufferedImage image = new BufferedImage(3, 1, BufferedImage.TYPE_BYTE_GRAY);
        image.getRaster().setSample(0, 0, 0, 255);
        image.getRaster().setSample(2, 0, 0, 51);
        Path file = folder.resolve("three.png");
        ImageIO.write(image, "png", file.toFile());
        // 1, 0, 0.2 onto two places: (1 + 0 / 2) / 1.5 and (0 / 2 + 0.2) / 1.5
        assertArrayEquals(new float[] {2 / 1.5f - 1, 0.4f / 1.5f - 1}, StartImage.read(file, 1, 1, 2), 1e-6f);
        assertArrayEquals(new float[] {1, 1, -1, -1, -0.6f, -0.6f}, StartImage.read(file, 1, 1, 6), 1e-6f);
        assertArrayEquals(new float[] {1, -1, -0.6f, 1, -1, -0.6f, 1, -1, -0.6f},
                StartImage.read(file, 3, 1, 3), 1e-6f);
    }

    @Test
    void colourIsReadByChannelAndAsLuma() throws IOException {
        BufferedImage image = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB);
        image.setRGB(0, 0, 0xff3300);
        Path file = folder.resolve("red.png");
        ImageIO.write(image, "png", file.toFile());
        assertArrayEquals(new float[] {1, -0.6f, -1}, StartImage.read(file, 3, 1, 1), 1e-6f);
        assertArrayEquals(new float[] {2 * (0.299f + 0.587f * 0.2f) - 1}, StartImage.read(file, 1, 1, 1), 1e-6f);
    }

    @Test
    void aFileIsReplacedWholeAndALinkStaysALink() throws IOException {
        Path file = Files.writeString(folder.resolve("data"), "old");
        Path link = Files.createSymbolicLink(folder.resolve("link"), file);
        SafeFile.at(link, "--out").write(new byte[] {'n', 'e', 'w'});
        assertTrue(Files.isSymbolicLink(link));
        assertEquals("new", Files.readString(file));
        try (Stream<Path> all = Files.list(folder)) {
            assertEquals(List.of(file, link), all.sorted().toList());
        }
    }

    @Test
    void aFileThatCannotBeFinishedLeavesNothing() throws IOException {
        Path gone = Files.createDirectory(folder.resolve("gone"));
        SafeFile file = SafeFile.at(gone.resolve("data"), "--out");
        Files.delete(gone);
        RunException e = assertThrows(RunException.class, () -> file.write(new byte[3]));
        assertTrue(e.getMessage().contains("could not be written"), e.getMessage());
        assertFalse(Files.exists(gone));
    }

    @Test
    void theBarAppearsForAPersonOnly() {
        try (Progress hidden = Progress.of("test", 3, false); Progress shown = Progress.of("test", 3, true)) {
            for (int i = 0; i < 3; i++) {
                hidden.step();
                shown.step();
            }
        }
    }
}
