// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;

/** Recorded values, as test resources. */
final class RecordedValues {

    private RecordedValues() {
    }

    static Safetensors open(String name) throws IOException {
        try {
            return Safetensors
                    .open(Path.of(RecordedValues.class.getResource("traces/" + name + ".safetensors").toURI()));
        } catch (URISyntaxException e) {
            throw new IOException(e);
        }
    }
}
