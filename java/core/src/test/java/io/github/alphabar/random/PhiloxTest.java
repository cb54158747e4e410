// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.random;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class PhiloxTest {

    @Test
    void theKnownAnswersOfRandom123ComeOut() throws IOException {
        List<String> rows;
        try (BufferedReader in = new BufferedReader(new InputStreamReader(
                PhiloxTest.class.getResourceAsStream("philox4x32-10.csv"), StandardCharsets.US_ASCII))) {
            rows = in.lines().filter(line -> line.matches("([0-9a-f]{8},?){10}")).toList();
        }
        // 3 published by Random123 (zeros, ones, pi) and 56 of an implementation that reproduces them.
        assertEquals(3 + 56, rows.size());
        for (String row : rows) {
            String[] hex = row.split(",");
            int[] w = new int[hex.length];
            for (int i = 0; i < w.length; i++) {
                w[i] = Integer.parseUnsignedInt(hex[i], 16);
            }
            int[] block = new int[4];
            Philox.block((long) w[5] << 32 | w[4] & 0xffffffffL, w[0], w[1], w[2], w[3], block);
            assertArrayEquals(new int[] {w[6], w[7], w[8], w[9]}, block, row);
        }
    }

    @Test
    void theThreePublishedAnswersAreAlsoWrittenHere() {
        // Again in full, so that the file cannot drift.
        int[] block = new int[4];
        Philox.block(0, 0, 0, 0, 0, block);
        assertArrayEquals(new int[] {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}, block);
        Philox.block(-1, -1, -1, -1, -1, block);
        assertArrayEquals(new int[] {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}, block);
        Philox.block(0x299f31d0a4093822L, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, block);
        assertArrayEquals(new int[] {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}, block);
    }
}
