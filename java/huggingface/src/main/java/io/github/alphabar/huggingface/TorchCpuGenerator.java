// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import io.github.alphabar.random.Normals;
import io.github.alphabar.sampling.NoiseSource;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.util.Objects;

/**
 * The normal noise of PyTorch's CPU generator: after {@code new TorchCpuGenerator(seed)} each call gives what the next
 * {@code torch.randn} of as many elements gives after {@code torch.manual_seed(seed)}. Mutable, as its model is: the state carries
 * over from call to call, so the order and the sizes of the calls are part of the result. For one thread.
 *
 * <p>
 * The words come from MT19937 (Matsumoto and Nishimura 1998), seeded with the low 32 bits of the seed alone. A uniform float is
 * the low 24 bits of one word, a uniform double the low 53 bits of two. Box and Muller make them normal, in one of two ways:
 *
 * <pre>
 * 16 elements or more   each 16 uniforms b give, for j = 0 .. 7, with u1 = 1 - b[j] and theta = 2 pi b[j + 8],
 *                       out[j] = sqrt(-2 log u1) cos theta and out[j + 8] = sqrt(-2 log u1) sin theta;
 *                       a size that 16 does not divide spends its odd uniforms and draws the last 16 elements afresh
 * fewer than 16         two uniform doubles (u1, u2) give sqrt(-2 log(1 - u2)) cos(2 pi u1), and sqrt(-2 log(1 - u2))
 *                       sin(2 pi u1), which is kept for the next call that is as small, whatever is drawn in between
 * </pre>
 *
 * <p>
 * Promised are the words, and, for calls of 16 floats or more, every bit of what a torch build gives that takes ATen's AVX2 path:
 * all builds for x86-64, on processors with AVX2, those with AVX-512 included. On other processors, or with
 * {@code ATEN_CPU_CAPABILITY=default}, torch takes log, sin and cos from its C library; some 39 % of the floats differ then, by at
 * most 1.7e-6.
 *
 * <p>
 * Doubles, and all calls of fewer than 16 elements, use the C library in every build. Here each log, sin and cos is the nearest
 * double; glibc 2.36 returns a neighbour of it for 1 or 2 arguments in 1000, and then the noise may differ in its last bits. For
 * fewer than 16 elements current ATen writes log1p(-u2) where torch 1.13 wrote log(1 - u2). The true values are equal, since
 * 1 - u2 is exact, but glibc's log1p returns a neighbour for 7 arguments in 100. Rounded to float such noise is rarely another.
 *
 * <p>
 * The noise of other devices ({@code device="cuda"}) is another generator's.
 */
public final class TorchCpuGenerator implements NoiseSource {
    private static final float TWO_PI = (float) (2 * Math.PI);

    private final MersenneTwister words;
    private final float[] floats = new float[16];
    private final double[] doubles = new double[16];
    private double kept;
    private boolean keeps;

    /**
     * Begins where {@code torch.manual_seed(seed)} begins.
     *
     * @param seed
     *            any seed; only its low 32 bits count, as in PyTorch
     */
    public TorchCpuGenerator(long seed) {
        words = new MersenneTwister((int) seed);
    }

    /**
     * One call of {@code torch.randn(out.length)}.
     *
     * @param out
     *            receives the noise
     */
    public void normal(float[] out) {
        normal(HostTensor.of(out));
    }

    /**
     * One call of {@code torch.randn(out.length, dtype=torch.float64)}.
     *
     * @param out
     *            receives the noise
     */
    public void normal(double[] out) {
        normal(HostTensor.of(out));
    }

    /**
     * One call of {@code torch.randn} for the whole batch; what for is ignored, since only the order of the calls counts in
     * PyTorch. Where a script has one generator for each sample, give each its own slice of the batch instead.
     *
     * @param stream
     *            ignored
     * @param draw
     *            ignored
     * @param target
     *            receives the noise: F64 as {@code dtype=torch.float64}, all others as float32, which F16 and BF16 round
     */
    @Override
    public void fill(Normals.Stream stream, int draw, HostTensor target) {
        normal(target);
    }

    private void normal(HostTensor target) {
        Objects.requireNonNull(target, "target");
        long size = target.elements();
        if (size < 16) {
            for (long i = 0; i < size; i++) {
                target.setDouble(i, single());
            }
            return;
        }
        for (long i = 0; i + 16 <= size; i += 16) {
            sixteen(target, i);
        }
        if (size % 16 != 0) {
            for (long i = 0; i < size % 16; i++) {
                skip(target.dtype());
            }
            sixteen(target, size - 16);
        }
    }

    private double single() {
        if (keeps) {
            keeps = false;
            return kept + 0.0;
        }
        double theta = 2 * Math.PI * uniformDouble();
        double radius = Math.sqrt(-2 * CorrectlyRounded.log(1 - uniformDouble()));
        kept = radius * CorrectlyRounded.sin(theta);
        keeps = true;
        // ATen scales by 1 and adds 0, which has one effect: -0 becomes 0.
        return radius * CorrectlyRounded.cos(theta) + 0.0;
    }

    private void sixteen(HostTensor target, long at) {
        if (target.dtype() == DType.F64) {
            sixteenDoubles();
            for (int j = 0; j < 16; j++) {
                target.setDouble(at + j, doubles[j]);
            }
        } else {
            sixteenFloats();
            for (int j = 0; j < 16; j++) {
                target.setFloat(at + j, floats[j]);
            }
        }
    }

    private void sixteenFloats() {
        for (int j = 0; j < 16; j++) {
            floats[j] = (words.nextInt() & 0xffffff) * 0x1p-24f;
        }
        for (int j = 0; j < 8; j++) {
            float radius = (float) Math.sqrt(-2 * Cephes.log(1 - floats[j]));
            float theta = TWO_PI * floats[j + 8];
            int octant = Cephes.octant(theta);
            float x = Cephes.reduce(theta, octant);
            float s = Cephes.sin(x);
            float c = Cephes.cos(x);
            boolean swap = (octant & 2) != 0;
            float sin = swap ? c : s;
            float cos = swap ? s : c;
            floats[j] = radius * (((octant + 2) & 4) == 0 ? cos : -cos) + 0f;
            floats[j + 8] = radius * ((octant & 4) == 0 ? sin : -sin) + 0f;
        }
    }

    private void sixteenDoubles() {
        for (int j = 0; j < 16; j++) {
            doubles[j] = uniformDouble();
        }
        for (int j = 0; j < 8; j++) {
            double radius = Math.sqrt(-2 * CorrectlyRounded.log(1 - doubles[j]));
            double theta = 2 * Math.PI * doubles[j + 8];
            doubles[j] = radius * CorrectlyRounded.cos(theta) + 0.0;
            doubles[j + 8] = radius * CorrectlyRounded.sin(theta) + 0.0;
        }
    }

    private double uniformDouble() {
        return (words.nextLong() & ((1L << 53) - 1)) * 0x1p-53;
    }

    private void skip(DType dtype) {
        words.nextInt();
        if (dtype == DType.F64) {
            words.nextInt();
        }
    }
}
