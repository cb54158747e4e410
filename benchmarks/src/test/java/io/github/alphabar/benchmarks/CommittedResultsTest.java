// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What is committed is what the committed results say. */
class CommittedResultsTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Path README = ROOT.resolve("README.md");

    @Test
    void theReadmesFiguresAreThoseOfTheCommittedResults() throws IOException {
        String text = Files.readString(README);
        int begin = text.indexOf(Readme.BEGIN);
        assertTrue(begin >= 0, "The README has no figures.");
        String place = text.substring(begin + Readme.BEGIN.length(), text.indexOf(" --readme", begin));
        assertEquals(Readme.updated(text, README, ROOT.resolve(place)), text,
                "Run 'benchmarks report " + place + " --readme README.md'.");
    }

    @Test
    void everyCommittedReportIsThatOfItsResults() throws IOException {
        try (Stream<Path> reports = Files.walk(ROOT.resolve("benchmarks/results"))) {
            List<Path> all = reports.filter(f -> f.endsWith("report.md")).toList();
            assertFalse(all.isEmpty());
            for (Path report : all) {
                Path of = report.getParent();
                assertEquals(ReportCommand.text(Results.read(of), of), Files.readString(report), report.toString());
            }
        }
    }
}
