// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import io.github.alphabar.backend.Backends;
import io.github.alphabar.random.Normals;
import io.github.alphabar.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/** Who can be timed here: the backends and the peers, by name. */
final class Contenders {
    private static final long WARM_ELEMENTS = 1 << 25;
    private static final long WARM_NANOS = 4_000_000_000L;

    private Contenders() {
    }

    /**
     * Opens a contender for a row and compares its result with the scalar backend's.
     *
     * @throws Gate.Refusal
     *             where the results differ
     */
    static Contender open(String name, Workload workload, int threads) {
        Optional<Peer> peer = peers().stream().filter(p -> p.name().equals(name)).findFirst();
        Contender contender;
        if (peer.isPresent()) {
            peer.get().unavailable().ifPresent(reason -> {
                throw new UnsupportedOperationException("Peer '" + name + "' cannot run here: " + reason);
            });
            contender = peer.get().open(task(workload), threads);
        } else {
            contender = new BackendContender(workload, name, threads);
        }
        try {
            Gate.check(name, workload, contender);
            warmUp(contender, workload.elements);
        } catch (RuntimeException | Error e) {
            contender.close();
            throw e;
        }
        return contender;
    }

    /**
     * Lets the JIT see enough calls: until then the Vector API is a thousand times slower, so that a warm-up by time alone may end
     * before it.
     */
    private static void warmUp(Contender contender, long elements) {
        long start = System.nanoTime();
        for (long done = 0; done < WARM_ELEMENTS && System.nanoTime() - start < WARM_NANOS; done += elements) {
            contender.step();
        }
    }

    static Task task(Workload w) {
        Row row = w.row;
        boolean sampler = row != Row.NORMALS;
        float[] noise = null;
        if (sampler && row.isNoisy()) {
            noise = new float[Math.toIntExact(w.elements)];
            Normals.fill(Workload.SEED, Workload.DRAW, w.params.stream, 0, noise, 0, noise.length);
        }
        return new Task(row.id(), w.dtype, w.elements, sampler ? row.levels() : List.of(), row.step().to(),
                row.clip().range(), row.isGuided() ? row.guidanceWeight() : 0, w.x, w.output, w.history, noise);
    }

    /** The built-in peers and those registered as services. */
    static List<Peer> peers() {
        List<Peer> all = new ArrayList<>(List.of(new JavaPeer(), new JdkNormals(), new CommonsRngNormals()));
        ServiceLoader.load(Peer.class, Peer.class.getClassLoader()).forEach(all::add);
        if (all.stream().noneMatch(p -> p.name().equals(TORCH))) {
            all.add(new AbsentTorch());
        }
        return List.copyOf(all);
    }

    static final String TORCH = "torch";

    /** Why a backend or peer cannot be timed here; empty if it can. */
    static Optional<String> unavailable(String name) {
        for (Peer peer : peers()) {
            if (peer.name().equals(name)) {
                return peer.unavailable();
            }
        }
        return Backends.status()
                .stream()
                .filter(s -> s.name().equals(name))
                .findFirst()
                .map(s -> s.usable() ? Optional.<String>empty() : Optional.of(s.detail()))
                .orElseGet(() -> Optional.of("there is no backend or peer of this name."));
    }

    /** Stands for libtorch where it was not asked for. */
    private static final class AbsentTorch implements Peer {
        @Override
        public String name() {
            return TORCH;
        }

        @Override
        public Optional<String> unavailable() {
            return Optional.of("libtorch is not on the class path; add -Ptorch to the Maven command (about 110 MB).");
        }

        @Override
        public Contender open(Task task, int threads) {
            throw new UnsupportedOperationException(unavailable().orElseThrow());
        }
    }

    /** All types but F64, which is for research. */
    static List<DType> dtypes() {
        return List.of(DType.F32, DType.F16, DType.BF16);
    }
}
