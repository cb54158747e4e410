// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Step;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.random.Normals;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.ArrayList;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

/** Noise depends on the seed, the draw and the element: not on the batch, the place in it, threads, lanes or types. */
class NoiseAddressTest {
    /** 1 and 17 end inside a Philox block of 4; 1023 to 1025 surround a block of noise; 3073 is three of those and one element. */
    private static final int[] SIZES = {1, 17, 1023, 1025, 3073};

    private static List<Backend> backends() {
        List<Backend> all = new ArrayList<>(List.of(new ScalarBackend()));
        for (int threads : new int[] {1, 2, 3}) {
            all.add(new VectorBackend(threads, 1, FloatVector.SPECIES_PREFERRED));
        }
        all.add(new VectorBackend(2, 1, FloatVector.SPECIES_128));
        all.add(new VectorBackend(2, 1, FloatVector.SPECIES_256));
        return all;
    }

    private static HostTensor noise(Backend backend, DType type, int draw, int elements, long... seeds) {
        Level none = Level.clean(0);
        Step step = new Step(0, none, none, 0, 0, 0, 0, 0, 0, 0, List.of(), 1, null, null);
        StepOperands o = new StepOperands();
        o.samples = seeds.length;
        o.elements = elements;
        o.seeds = seeds;
        o.draw = draw;
        HostTensor out = HostTensor.allocate(type, (long) seeds.length * elements);
        o.out = out;
        try (Backend.Workspace w = backend.workspace(seeds.length, elements)) {
            backend.step(StepParams.narrow(step, Clip.NONE, Normals.Stream.STEP, type), o, w);
        }
        return out;
    }

    @Test
    void aSampleHasItsNoiseInAnyBatchAndAtAnyPlace() {
        long[] batch = {5, -9, 1L << 40};
        for (Backend backend : backends()) {
            for (int size : SIZES) {
                float[] want = new float[size];
                for (int rotation = 0; rotation < batch.length; rotation++) {
                    for (int samples = 1; samples <= batch.length; samples++) {
                        long[] seeds = new long[samples];
                        for (int s = 0; s < samples; s++) {
                            seeds[s] = batch[(s + rotation) % batch.length];
                        }
                        HostTensor got = noise(backend, DType.F32, 12, size, seeds);
                        for (int s = 0; s < samples; s++) {
                            Normals.fill(seeds[s], 12, Normals.Stream.STEP, 0, want, 0, size);
                            for (int e = 0; e < size; e++) {
                                // The row multiplies by 1, which changes no bit.
                                assertEquals(Float.floatToRawIntBits(want[e]),
                                        Float.floatToRawIntBits(got.getFloat((long) s * size + e)),
                                        "element " + e + " of " + size + ", sample " + s + " of " + samples + " on "
                                                + backend.description());
                            }
                        }
                    }
                }
            }
            backend.close();
        }
    }

    @Test
    void otherTypesHaveTheSameNoiseRounded() {
        for (Backend backend : backends()) {
            float[] want = new float[1025];
            Normals.fill(8, 2, Normals.Stream.STEP, 0, want, 0, want.length);
            for (DType type : DType.values()) {
                HostTensor got = noise(backend, type, 2, want.length, 8);
                HostTensor rounded = HostTensor.allocate(type, 1);
                for (int e = 0; e < want.length; e++) {
                    rounded.setFloat(0, want[e]);
                    assertEquals(rounded.getDouble(0), got.getDouble(e), type + " element " + e);
                }
            }
            backend.close();
        }
    }
}
