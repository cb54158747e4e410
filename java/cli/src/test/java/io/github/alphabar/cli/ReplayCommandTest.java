// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("build")
class ReplayCommandTest {
    private static final Path TRACES = Path
            .of("../huggingface/src/test/resources/io/github/alphabar/huggingface/traces");

    @Test
    void aGroupIsReplayedAndReported(@TempDir Path folder) throws IOException {
        Path json = folder.resolve("report.json");
        Cli cli = Cli.ok("replay", TRACES, "--group", "ddim_inverse", "--json", json);
        assertTrue(cli.out().contains("ddim_inverse"), cli.out());
        JsonNode report = new ObjectMapper().readTree(json.toFile());
        assertEquals("x64", report.path("variant").asText());
        JsonNode group = report.path("groups").path(0);
        assertEquals(group.path("cases").asInt(), group.path("passed").asInt());
        assertTrue(group.path("steps").asInt() > 50);
        assertTrue(group.path("worst").asDouble() < 1e-12);
        assertTrue(report.path("failures").isEmpty());
        assertTrue(report.path("unsupported").isEmpty());
        // One case divides by zero in the reference; that is decided, and told.
        assertEquals("ddim_inverse/pred_sample_alpha1_T4_quirk",
                report.path("decisions").path(0).path("case").asText());
    }

    @Test
    void oneCaseCanBeReplayedOnEveryVariantAndBackend() {
        for (String variant : new String[] {"f32", "f64", "x64"}) {
            for (String backend : new String[] {"scalar", "vector"}) {
                Cli.ok("replay", TRACES, "--case", "ddim/sd_T50", "--variant", variant, "--backend", backend);
            }
        }
    }

    /** The last double of the file belongs to a case of the group: moving it by 1e-6 must be seen. */
    @Test
    void aChangedRecordingFailsWithTheFirstDifference(@TempDir Path folder) throws IOException {
        Files.copy(TRACES.resolve("index.json"), folder.resolve("index.json"));
        byte[] bytes = Files.readAllBytes(TRACES.resolve("null_text.safetensors"));
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int header = (int) buffer.getLong(0) + 8;
        String json = new String(bytes, 8, header - 8, java.nio.charset.StandardCharsets.UTF_8);
        JsonNode x = new ObjectMapper().readTree(json).path("null_text/T10/x64/x").path("data_offsets");
        int last = header + x.path(1).asInt() - 8;
        buffer.putDouble(last, buffer.getDouble(last) + 1e-6);
        Files.write(folder.resolve("null_text.safetensors"), bytes);

        Cli cli = Cli.run("replay", folder, "--group", "null_text");
        assertEquals(1, cli.status(), cli.err());
        assertTrue(cli.out().contains("FAILED null_text/T10: row 9"), cli.out());
    }

    @Test
    void wrongArgumentsAreOneSentence(@TempDir Path folder) throws IOException {
        Cli.run("replay", folder).failsWith(1, "no index.json");
        Cli.run("replay", TRACES, "--group", "nothing").failsWith(2, "'nothing'");
        Cli.run("replay", TRACES, "--variant", "f8").failsWith(2, "f32, f64 and x64");
        Cli.run("replay", TRACES, "--backend", "gpu").failsWith(2, "'gpu'");
        Files.writeString(folder.resolve("index.json"), "{\"cases\": [");
        Cli.run("replay", folder).failsWith(1, "not JSON");
        Files.writeString(folder.resolve("index.json"),
                "{\"cases\": [{\"id\": \"a/b\", \"group\": \"a\", \"variants\": [\"x64\"]}]}");
        Cli.run("replay", folder).failsWith(1, "a.safetensors");
    }
}
