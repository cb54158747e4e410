// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PointStoreTest {
    @TempDir
    private Path folder;

    private static Point point(int nfe) {
        Setting s = new Setting("gaussian:4", "linear", "ddim", 0, "leading", "clean", "none", "f64", nfe, 64, 0);
        return new Point(s, "ok", "a \"quoted\"\treason\nof two lines", nfe, nfe, 0.1 / nfe, 1.0 / 3, null, null, null,
                null, null, null, null, 640L, 1.5, 2.5, 3.5, 0.0);
    }

    @Test
    void whatIsPutComesBackAfterAnyCut() throws IOException {
        Path whole = folder.resolve("whole");
        try (PointStore store = PointStore.open(whole)) {
            for (int n = 1; n <= 4; n++) {
                store.put(point(n).setting().key(), point(n));
            }
        }
        byte[] bytes = Files.readAllBytes(whole);
        Path cut = folder.resolve("cut");
        int before = 0;
        for (int length = 0; length <= bytes.length; length++) {
            Files.write(cut, Arrays.copyOf(bytes, length));
            try (PointStore store = PointStore.open(cut)) {
                int found = store.resumed();
                assertTrue(found == before || found == before + 1, "at " + length);
                before = found;
                for (int n = 1; n <= 4; n++) {
                    Point known = store.get(point(n).setting().key(), Point.class);
                    assertEquals(n <= found ? point(n) : null, known);
                }
                store.put("next", point(9));
            }
            try (PointStore store = PointStore.open(cut)) {
                assertEquals(before + 1, store.resumed(), "what follows a cut is not lost");
                assertEquals(point(9), store.get("next", Point.class));
            }
        }
        assertEquals(4, before);
    }

    @Test
    void aChangedByteEndsTheStoreBeforeItsLine() throws IOException {
        Path file = folder.resolve("store");
        try (PointStore store = PointStore.open(file)) {
            store.put("a", point(1));
            store.put("b", point(2));
        }
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 10] ^= 1;
        Files.write(file, bytes);
        try (PointStore store = PointStore.open(file)) {
            assertEquals(1, store.resumed());
            assertNull(store.get("b", Point.class));
        }
    }

    @Test
    void twoRunsDoNotShareAStore() throws IOException {
        Path file = folder.resolve("store");
        try (PointStore store = PointStore.open(file)) {
            String message = assertThrows(IOException.class, () -> PointStore.open(file)).getMessage();
            assertTrue(message.contains("another run is writing"), message);
            store.delete();
        }
        assertFalse(Files.exists(file));
    }

    @Test
    void aKeyIsOneLine() throws IOException {
        try (PointStore store = PointStore.open(folder.resolve("store"))) {
            assertThrows(IllegalArgumentException.class, () -> store.put("a\tb", point(1)));
            assertThrows(IllegalArgumentException.class, () -> store.put("a\nb", point(1)));
        }
    }
}
