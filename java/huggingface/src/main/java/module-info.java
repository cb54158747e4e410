// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/** Hugging Face formats: scheduler configurations, safetensors, recorded traces; and noise with PyTorch's seeds. */
module io.github.alphabar.huggingface {
    requires transitive io.github.alphabar;
    requires com.fasterxml.jackson.databind;

    exports io.github.alphabar.huggingface;
}
