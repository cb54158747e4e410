// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.Tensor;

/**
 * Executes rows. A backend may be used by many threads at once, each with its own {@link Workspace}; who creates it closes it.
 *
 * <p>
 * All arithmetic is IEEE binary32 (binary64 for F64 tensors) in the order below, one fma for every multiply-add; the first term
 * present is a plain product, terms with a coefficient of 0 are not read. F16 and BF16 are widened exactly and rounded once.
 *
 * <pre>
 * g  = fma(weight, c - u, u)                            guided; otherwise the output itself; rescaled: factor g
 * p  = px x, fma pg g; clamped (or thresholded: clamp(p, -s, s) / s)
 * x' = cx x, fma cp p, fma cg g, fma h0 slot, fma h1 slot, fma h2 slot, fma cz z
 * m  = sx x, fma sp p, fma sg g
 * x' = fma(mask, x', (1 - mask) fma(sigma', z2, alpha' known))    inpainting
 * in = inputScale x'                                    the next model input
 * </pre>
 *
 * The factor of rescaled guidance comes from sums in double over a sample, in one order: element e is added to lane e mod 1024,
 * lanes are folded in halves.
 *
 * Outputs may share memory with inputs, element for element.
 */
public interface Backend extends AutoCloseable {

    /**
     * The backend's name.
     *
     * @return for instance {@code vector}
     */
    String name();

    /**
     * One sentence about what was found and chosen.
     *
     * @return for instance the lanes and threads used
     */
    String description();

    /**
     * Allocates memory the backend reads and writes best, zeroed.
     *
     * @param dtype
     *            the element type
     * @param elements
     *            how many
     * @return a tensor that lives as long as it is referenced or the backend is open
     */
    Tensor allocate(DType dtype, long elements);

    /**
     * Makes the scratch memory of one trajectory. It is for one thread at a time.
     *
     * @param samples
     *            samples in the batch
     * @param elements
     *            elements of a sample
     * @return the scratch memory
     */
    Workspace workspace(int samples, long elements);

    /**
     * Executes one row. Allocates nothing, takes no lock and, on a device, neither blocks nor synchronises.
     *
     * @param params
     *            the coefficients
     * @param operands
     *            the memory
     * @param workspace
     *            made by this backend
     * @throws IllegalArgumentException
     *             where an operand is missing, too small or of the wrong type
     */
    void step(StepParams params, StepOperands operands, Workspace workspace);

    /**
     * Copies between any two of this backend's tensors and the host's, in the order of the workspace's steps.
     *
     * @param from
     *            what is copied
     * @param to
     *            receives it: as many elements of the same type
     * @param workspace
     *            made by this backend; its earlier steps are seen, its later ones see the copy. Where a tensor is the host's, the call
     *            returns when the copy is done.
     * @throws IllegalArgumentException
     *             where sizes or types differ
     */
    void copy(Tensor from, Tensor to, Workspace workspace);

    @Override
    void close();

    /** Scratch memory; opaque to callers. */
    interface Workspace extends AutoCloseable {
        @Override
        void close();
    }
}
