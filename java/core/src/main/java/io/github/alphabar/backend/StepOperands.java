// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.Tensor;

/**
 * The memory of one row: a plain, mutable struct, filled once and reused from step to step. For one thread at a time.
 *
 * <p>
 * State tensors ({@code x}, {@code out}, {@code h0} to {@code h2}, {@code store}, {@code mask}, {@code known}) hold
 * {@code samples * elements} values of one type. The others have types of their own; F64 goes with F64 only.
 */
public final class StepOperands {
    /** Samples in the batch. */
    public int samples;
    /** Elements of a sample. */
    public long elements;

    /** The state the network saw. */
    public Tensor x;
    /** Receives x'; may be x. */
    public Tensor out;
    /** The network's output; the conditional one where guided. */
    public Tensor output;
    /** Where in {@code output} the first sample starts. */
    public long outputOffset;
    /** From one sample to the next in both outputs: {@code elements}, or twice that with a learned variance. */
    public long outputStride;
    /** Guided rows: the unconditional output. */
    public Tensor uncond;
    /** Where in {@code uncond} the first sample starts. */
    public long uncondOffset;

    /** The first stored value. */
    public Tensor h0;
    /** The second stored value. */
    public Tensor h1;
    /** The third stored value. */
    public Tensor h2;
    /** Receives what the row stores; may be one of the stored values it reads. */
    public Tensor store;

    /** Noise given by the caller; null draws it from {@code seeds}. */
    public Tensor noise;
    /** One seed for each sample. */
    public long[] seeds;
    /** The draw. */
    public int draw;

    /** Receives p, or null. */
    public Tensor preview;
    /** Receives x' in the model's type, or null. */
    public Tensor input;
    /** How often {@code input} is written, one batch after the other: 1, or 2 for guidance. */
    public int inputCopies = 1;
    /** What {@code input} is multiplied by: 1 where the network takes the state itself. Rounded to the type of the arithmetic. */
    public double inputScale = 1;

    /** Inpainting: 1 keeps x', 0 takes the known region; null for none. */
    public Tensor mask;
    /** Inpainting: the clean known image. */
    public Tensor known;
    /** Inpainting: noise given by the caller; null draws it from {@code seeds}. */
    public Tensor knownNoise;

    /** Makes an empty struct. */
    public StepOperands() {
    }

    /**
     * Checks that the operands fit a row. Cheap enough for every step: it looks at sizes and types, never at values.
     *
     * @param p
     *            the row
     * @throws IllegalArgumentException
     *             naming the operand that does not fit
     */
    public void check(StepParams p) {
        if (samples < 1 || elements < 0) {
            throw new IllegalArgumentException(
                    "A step needs at least one sample, but got samples=" + samples + ", elements=" + elements + ".");
        }
        long total = samples * elements;
        boolean previewed = preview != null;
        DType state = out == null ? null : out.dtype();
        need("out", out, total, state);
        if (p.needsX(previewed)) {
            need("x", x, total, state);
        }
        if (p.needsG(previewed) || p.has(StepParams.LEARNED | StepParams.LEARNED_LOG)) {
            boolean learned = p.has(StepParams.LEARNED | StepParams.LEARNED_LOG);
            if (outputStride < (learned ? 2 * elements : elements)) {
                throw new IllegalArgumentException("The outputs of " + elements + " elements"
                        + (learned ? " and as many variances" : "") + " do not fit a stride of " + outputStride + ".");
            }
            need("output", output, outputOffset + (samples - 1) * outputStride + (learned ? 2 * elements : elements),
                    null);
            same("output", output, state);
            if (p.has(StepParams.GUIDED)) {
                need("uncond", uncond, uncondOffset + (samples - 1) * outputStride + elements, output.dtype());
            }
        }
        if (p.has(StepParams.H0)) {
            need("h0", h0, total, state);
        }
        if (p.has(StepParams.H1)) {
            need("h1", h1, total, state);
        }
        if (p.has(StepParams.H2)) {
            need("h2", h2, total, state);
        }
        if (p.has(StepParams.STORE)) {
            need("store", store, total, state);
        }
        if (p.needsNoise()) {
            noise("noise", noise, total, state);
        }
        if (previewed) {
            need("preview", preview, total, null);
            same("preview", preview, state);
        }
        if (input != null) {
            if (inputCopies < 1 || inputCopies > 2) {
                throw new IllegalArgumentException(
                        "The model input is written once or twice, but got " + inputCopies + ".");
            }
            if (!Double.isFinite(inputScale) || inputScale == 0) {
                throw new IllegalArgumentException("The scale of the model input must be finite and not 0, but is "
                        + inputScale + "; 1 gives the state itself.");
            }
            need("input", input, total * inputCopies, null);
            same("input", input, state);
        }
        if (mask != null) {
            need("mask", mask, total, state);
            need("known", known, total, state);
            if (p.knownSigma != 0) {
                noise("knownNoise", knownNoise, total, state);
            }
        }
    }

    private void noise(String name, Tensor given, long total, DType state) {
        if (given != null) {
            need(name, given, total, null);
            same(name, given, state);
        } else if (seeds == null || seeds.length < samples) {
            throw new IllegalArgumentException("A noisy step of " + samples + " samples needs '" + name
                    + "' or as many seeds, but got " + (seeds == null ? "neither" : seeds.length + " seeds") + ".");
        }
    }

    private static void need(String name, Tensor tensor, long least, DType dtype) {
        if (tensor == null) {
            throw new IllegalArgumentException("The row reads or writes '" + name + "', but none was given.");
        }
        if (tensor.elements() < least) {
            throw new IllegalArgumentException(
                    "'" + name + "' needs " + least + " elements, but has " + tensor.elements() + ".");
        }
        if (dtype != null && tensor.dtype() != dtype) {
            throw new IllegalArgumentException(
                    "'" + name + "' must be " + dtype + " like the other tensors of its kind, but is "
                            + tensor.dtype() + ".");
        }
    }

    private static void same(String name, Tensor tensor, DType state) {
        if ((tensor.dtype() == DType.F64) != (state == DType.F64)) {
            throw new IllegalArgumentException(
                    "F64 goes with F64 only, but the state is " + state + " and '" + name + "' is " + tensor.dtype()
                            + ".");
        }
    }
}
