// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import java.util.Optional;
import java.util.random.RandomGenerator;

/** {@link RandomGenerator#nextGaussian()} of the JDK, by its default generator (L32X64MixRandom). */
final class JdkNormals implements Peer {
    @Override
    public String name() {
        return "jdk";
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.empty();
    }

    @Override
    public Contender open(Task task, int threads) {
        RandomGenerator generator = RandomGenerator.of("L32X64MixRandom");
        return new NormalsContender(name(), task, generator::nextGaussian);
    }
}
