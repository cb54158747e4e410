// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0

/** What a step costs, beside the floor and beside what people use today. */
module io.github.alphabar.benchmarks {
    requires transitive io.github.alphabar;
    requires io.github.alphabar.cuda;
    requires com.fasterxml.jackson.databind;
    requires info.picocli;
    requires java.desktop;
    requires jdk.management;
    requires transitive jmh.core;
    requires me.tongfei.progressbar;
    requires org.apache.commons.rng.api;
    requires org.apache.commons.rng.sampling;
    requires org.apache.commons.rng.simple;
    requires xchart;

    exports io.github.alphabar.benchmarks;

    opens io.github.alphabar.benchmarks to info.picocli;

    uses io.github.alphabar.benchmarks.Peer;
}
