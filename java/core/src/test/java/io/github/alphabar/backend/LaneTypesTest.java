// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.LaneKernels.Block;
import io.github.alphabar.backend.LaneKernels.Blocks;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Step;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.random.Elementary;
import io.github.alphabar.random.Normals;
import io.github.alphabar.random.Normals.Stream;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.DTypeTest;
import io.github.alphabar.tensor.HostTensor;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The passes over lanes, each against its scalar counterpart, at every lane width. */
class LaneTypesTest {

    private static VectorSpecies<Float> species(int bits) {
        return switch (bits) {
            case 128 -> FloatVector.SPECIES_128;
            case 256 -> FloatVector.SPECIES_256;
            default -> FloatVector.SPECIES_512;
        };
    }

    private static LaneKernels lanes(int bits) {
        return LaneKernels.of(species(bits));
    }

    /** A row that copies the output into the state, from one type to another, and so converts in its loop. */
    private static void convert(int width, HostTensor from, HostTensor to) {
        Level level = Level.of(0, 1, 0);
        Step step = new Step(0, level, level, 0, 0, 0, 0, 0, 0, 1, List.of(), 0, null, null);
        StepOperands o = new StepOperands();
        o.samples = 1;
        o.elements = from.elements();
        o.outputStride = from.elements();
        o.output = from;
        o.out = to;
        try (Backend backend = new VectorBackend(1, Long.MAX_VALUE, species(width));
                Backend.Workspace workspace = backend.workspace(1, o.elements)) {
            backend.step(StepParams.narrow(step, Clip.NONE, Stream.STEP, to.dtype()), o, workspace);
        }
    }

    private static void same(float want, float got, String what) {
        assertEquals(Float.floatToIntBits(want), Float.floatToIntBits(got), what);
    }

    @ParameterizedTest
    @ValueSource(ints = {128, 256, 512})
    void everyPatternWidensAsTheScalarDoes(int width) {
        LaneKernels lanes = lanes(width);
        short[] all = new short[1 << 16];
        for (int bits = 0; bits < all.length; bits++) {
            all[bits] = (short) bits;
        }
        Block block = new Block();
        for (DType type : List.of(DType.F16, DType.BF16)) {
            HostTensor t = HostTensor.of(all, type);
            HostTensor row = HostTensor.of(new float[all.length]);
            convert(width, t, row);
            for (int from = 0; from < all.length; from += Blocks.SIZE) {
                lanes.types().widen(type, t.segment(), from, block, Blocks.SIZE);
                for (int i = 0; i < Blocks.SIZE; i++) {
                    String what = type + " 0x" + Integer.toHexString(from + i);
                    same(t.getFloat(from + i), block.values[i], what);
                    same(t.getFloat(from + i), row.getFloat(from + i), what + " in a row");
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {128, 256, 512})
    void everyBoundaryRoundsAsTheScalarDoes(int width) {
        LaneKernels lanes = lanes(width);
        // Each type's own boundaries, and the other's: what is ordinary for one is beyond the other.
        float[] f16 = DTypeTest.boundaries(5, 10);
        float[] bf16 = DTypeTest.boundaries(8, 7);
        // Any bits at all, and values near the ends of binary16.
        float[] any = new float[1 << 18];
        SplittableRandom r = new SplittableRandom(5);
        for (int i = 0; i < any.length; i++) {
            any[i] = (i & 1) == 0 ? Float.intBitsToFloat(r.nextInt())
                    : Math.scalb((float) r.nextDouble(-2, 2), r.nextInt(-28, 20));
        }
        for (DType type : List.of(DType.F16, DType.BF16)) {
            for (float[] all : List.of(f16, bf16, any)) {
                assertNarrows(lanes, type, all);
                assertRowNarrows(width, type, all);
            }
        }
    }

    private static void assertRowNarrows(int width, DType type, float[] all) {
        // Whole vectors: what is left over would be the scalar row's.
        float[] padded = Arrays.copyOf(all, (all.length + 63) & ~63);
        HostTensor got = HostTensor.of(new short[padded.length], type);
        HostTensor want = HostTensor.of(new short[1], type);
        convert(width, HostTensor.of(padded), got);
        for (int i = 0; i < all.length; i++) {
            want.setFloat(0, all[i]);
            assertEquals(RowCase.bits(want, 0), RowCase.bits(got, i), type + " of " + all[i] + " in a row");
        }
    }

    private static void assertNarrows(LaneKernels lanes, DType type, float[] all) {
        Block block = new Block();
        HostTensor got = HostTensor.of(new short[Blocks.SIZE], type);
        HostTensor want = HostTensor.of(new short[1], type);
        for (int from = 0; from < all.length; from += Blocks.SIZE) {
            int count = Math.min(Blocks.SIZE, all.length - from);
            Arrays.fill(block.values, 0);
            System.arraycopy(all, from, block.values, 0, count);
            lanes.types().narrow(type, block, got.segment(), 0, Blocks.SIZE);
            for (int i = 0; i < count; i++) {
                want.setFloat(0, all[from + i]);
                assertEquals(RowCase.bits(want, 0), RowCase.bits(got, i), type + " of " + all[from + i]);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {128, 256, 512})
    void theExponentialHasTheScalarBits(int width) {
        LaneKernels lanes = lanes(width);
        float[] v = new float[Blocks.SIZE];
        float[] x = new float[Blocks.SIZE];
        for (int seed = 0; seed < 400; seed++) {
            SplittableRandom r = new SplittableRandom(seed);
            float factor = seed == 0 ? 1 : (float) r.nextDouble(-3, 3);
            float offset = seed == 0 ? 0 : (float) r.nextDouble(-3, 3);
            for (int i = 0; i < v.length; i++) {
                // Any bits at all, or a value between the ends and a little beyond.
                v[i] = r.nextInt(4) == 0 ? Float.intBitsToFloat(r.nextInt()) : (float) r.nextDouble(-95, 95);
                x[i] = v[i];
            }
            lanes.types().exp(factor, offset, v, v.length);
            for (int i = 0; i < v.length; i++) {
                same(Elementary.exp(Math.fma(factor, x[i], offset)), v[i], "seed " + seed + ", x " + x[i]);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {128, 256, 512})
    void noiseHasTheScalarBits(int width) {
        LaneKernels lanes = lanes(width);
        float[] got = new float[1024];
        float[] want = new float[1024];
        for (int seed = 0; seed < 200; seed++) {
            SplittableRandom r = new SplittableRandom(seed);
            long key = r.nextLong();
            int draw = r.nextInt();
            Stream stream = Stream.values()[r.nextInt(Stream.values().length)];
            // From the start, anywhere, and across the element where the high word of the counter changes.
            long from = switch (seed % 3) {
                case 0 -> 0;
                case 1 -> r.nextLong(1L << 40) & ~3L;
                default -> (1L << 34) - 512;
            };
            int count = r.nextInt(1025);
            int done = lanes.normals().fill(key, draw, stream, from, got, 0, count);
            assertTrue(done <= count && count - done < lanes.species().length() * 2, "seed " + seed);
            Normals.fill(key, draw, stream, from, want, 0, count);
            for (int i = 0; i < done; i++) {
                same(want[i], got[i], "seed " + seed + ", element " + (from + i));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {128, 256, 512})
    void aUniformThatRoundsToOneGivesTheScalarZeros(int width) {
        // A block whose third word is within 2^-25 of the largest: log(1) = 0, and zeros keep their signs.
        long element = 4 * 52_825_872L;
        float[] want = new float[128];
        float[] got = new float[128];
        Normals.fill(42, 0, Stream.INITIAL, element - 64, want, 0, want.length);
        assertEquals(0, Math.abs(want[66]));
        assertEquals(want.length, lanes(width).normals()
                .fill(42, 0, Stream.INITIAL, element - 64, got, 0, got.length));
        for (int i = 0; i < want.length; i++) {
            same(want[i], got[i], "element " + i);
        }
    }
}
