// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0

/** The alphabar command line. */
module io.github.alphabar.cli {
    requires io.github.alphabar;
    requires io.github.alphabar.huggingface;
    requires io.github.alphabar.onnxruntime;
    requires io.github.alphabar.research;
    requires com.fasterxml.jackson.databind;
    requires info.picocli;
    requires java.desktop;
    requires me.tongfei.progressbar;

    exports io.github.alphabar.cli;

    opens io.github.alphabar.cli to info.picocli;
}
