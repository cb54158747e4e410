// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.research.cost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.ScalarBackend;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.Solver;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.tensor.DType;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class OrderStudyTest {
    static Stream<Solver> solvers() {
        return Solvers.all().stream().map(Solvers.Entry::solver);
    }

    @ParameterizedTest
    @MethodSource("solvers")
    void everySolverHasTheOrderItStates(Solver solver) {
        try (Backend backend = new ScalarBackend()) {
            OrderStudy.Order order = new OrderStudy(backend).measure(solver, DType.F64);
            assertEquals(solver.order(), order.measured(), 0.2, order.toString());
            assertTrue(order.agrees());
            assertTrue(order.r2() > 0.99, order.toString());
        }
    }
}
