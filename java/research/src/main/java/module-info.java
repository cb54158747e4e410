// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0

/**
 * Which solver, how many steps, at what cost: problems with exact answers, error against model calls against time, and the field's
 * experiments in miniature on the digits model.
 */
module io.github.alphabar.research {
    requires transitive io.github.alphabar;
    requires io.github.alphabar.onnxruntime;
    requires com.fasterxml.jackson.annotation;
    requires com.fasterxml.jackson.databind;
    requires hipparchus.core;
    requires hipparchus.ode;
    requires java.desktop;
    requires java.management;
    requires jdk.management;

    exports io.github.alphabar.research.problem;
    exports io.github.alphabar.research.cost;
    exports io.github.alphabar.research.digits;
    exports io.github.alphabar.research.report;
}
