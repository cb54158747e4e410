// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.plan.StepParams;
import io.github.alphabar.random.Normals;
import io.github.alphabar.tensor.HostTensor;
import java.util.Optional;

/** The reference backend: plain Java, one thread, one element at a time. */
public final class ScalarBackend extends HostBackend {

    /** Makes the backend; it holds no resources. */
    public ScalarBackend() {
        super(1, Long.MAX_VALUE);
    }

    /** Finds the backend; it is always there. */
    public static final class Provider implements BackendProvider {
        /** For the service loader. */
        public Provider() {
        }

        @Override
        public String name() {
            return "scalar";
        }

        @Override
        public int priority() {
            return 0;
        }

        @Override
        public Optional<String> unavailable() {
            return Optional.empty();
        }

        @Override
        public Backend open(Options options) {
            return new ScalarBackend();
        }
    }

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public String description() {
        return "plain Java, the reference; one thread.";
    }

    @Override
    RowKernel kernel(StepParams p, StepOperands o, HostWorkspace workspace) {
        return ScalarRow.INSTANCE;
    }

    @Override
    void normals(long seed, int draw, Normals.Stream stream, long from, Chunk c, HostTensor target, int count) {
        Normals.fill(seed, draw, stream, from, target, 0, count, c.words, c.four);
    }
}
