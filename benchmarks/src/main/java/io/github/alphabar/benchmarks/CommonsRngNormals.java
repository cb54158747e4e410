// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import java.util.Optional;
import org.apache.commons.rng.sampling.distribution.ContinuousSampler;
import org.apache.commons.rng.sampling.distribution.ZigguratSampler;
import org.apache.commons.rng.simple.RandomSource;

/** The ziggurat of Apache Commons RNG over xoshiro256++. */
final class CommonsRngNormals implements Peer {
    @Override
    public String name() {
        return "commons-rng";
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.empty();
    }

    @Override
    public Contender open(Task task, int threads) {
        ContinuousSampler sampler = ZigguratSampler.NormalizedGaussian.of(RandomSource.XO_SHI_RO_256_PP.create(1L));
        return new NormalsContender(name(), task, sampler::sample);
    }
}
