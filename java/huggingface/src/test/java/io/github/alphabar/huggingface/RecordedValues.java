// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;

/** Recorded values, as test resources. */
final class RecordedValues {

    private RecordedValues() {
    }

    static Path folder() throws IOException {
        try {
            return Path.of(RecordedValues.class.getResource("traces/index.json").toURI()).getParent();
        } catch (URISyntaxException e) {
            throw new IOException(e);
        }
    }

    static Safetensors open(String name) throws IOException {
        return Safetensors.open(folder().resolve(name + ".safetensors"));
    }

    /** The cases of a JSON file. */
    static JsonNode cases(String name) throws IOException {
        return new ObjectMapper().readTree(folder().resolve(name + ".json").toFile()).path("cases");
    }
}
