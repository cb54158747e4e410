// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.RowCase.Noise;
import io.github.alphabar.plan.StepParams;
import io.github.alphabar.tensor.HostTensor;
import io.github.alphabar.tensor.Tensor;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

/** A term whose coefficient is 0 is absent: its operand is not read, not even to be multiplied by 0. */
class AbsentTermsTest {
    /** One vector of 16 lanes and a tail of 3, so that both ways of computing are met. */
    private static final int[] SIZES = {19};

    private static void poison(Tensor tensor, long from, long count) {
        if (tensor instanceof HostTensor t) {
            for (long i = from; i < from + count; i++) {
                t.setDouble(i, Double.NaN);
            }
        }
    }

    private static RowCase sparse(long seed) {
        RowCase c = RowCase.random(seed, SIZES);
        c.special = false;
        c.alias = RowCase.Alias.NONE;
        // Half of the coefficients are absent.
        c.px = seed % 2 == 0 ? 0 : c.px;
        c.pg = seed / 2 % 2 == 0 ? 0 : c.pg;
        c.cp = seed / 4 % 2 == 0 ? 0 : c.cp;
        for (int k = 0; k < c.history.length; k++) {
            c.history[k] = (seed >> 3 + k & 1) == 0 ? 0 : c.history[k];
        }
        if (c.noise == Noise.GIVEN && seed / 64 % 2 == 0) {
            c.cz = 0;
        }
        return c;
    }

    private static boolean readsX(RowCase c) {
        boolean p = c.preview || c.cp != 0 || (c.store && c.sp != 0);
        return c.cx != 0 || (c.store && c.sx != 0) || (p && c.px != 0);
    }

    private static boolean readsG(RowCase c) {
        boolean p = c.preview || c.cp != 0 || (c.store && c.sp != 0);
        return c.cg != 0 || (c.store && c.sg != 0) || (p && c.pg != 0);
    }

    private static List<Backend> backends() {
        return List.of(new ScalarBackend(), new VectorBackend(1, Long.MAX_VALUE, FloatVector.SPECIES_PREFERRED));
    }

    @Test
    void nanInAnOperandThatIsNotReadLeavesTheResultAsItWas() {
        for (Backend backend : backends()) {
            for (int seed = 0; seed < 512; seed++) {
                RowCase c = sparse(seed);
                RowCase.Built plain = c.run(backend);
                RowCase.Built poisoned = c.build();
                StepOperands o = poisoned.operands;
                poisonUnread(c, o);
                step(backend, c, o);
                finite(plain.operands.out, "seed " + seed + " of " + c);
                same(plain.operands.out, o.out, "x' of seed " + seed + " on " + backend.description() + " of " + c);
                same(plain.operands.store, o.store, "store of seed " + seed + " of " + c);
                same(plain.operands.preview, o.preview, "preview of seed " + seed + " of " + c);
                same(plain.operands.input, o.input, "input of seed " + seed + " of " + c);
            }
            backend.close();
        }
    }

    private static void poisonUnread(RowCase c, StepOperands o) {
        long total = (long) c.samples * c.elements;
        if (!readsX(c)) {
            poison(o.x, 0, total);
        }
        if (!readsG(c)) {
            for (int s = 0; s < c.samples; s++) {
                poison(o.output, o.outputOffset + s * o.outputStride, c.elements);
                poison(o.uncond, o.uncondOffset + s * o.outputStride, o.uncond == null ? 0 : c.elements);
            }
        }
        Tensor[] slots = {o.h0, o.h1, o.h2};
        for (int k = 0; k < c.history.length; k++) {
            if (c.history[k] == 0) {
                poison(slots[k], 0, total);
            }
        }
        if (c.cz == 0 && !c.learned()) {
            poison(o.noise, 0, o.noise == null ? 0 : total);
        }
        if (c.mask && c.knownSigma == 0) {
            poison(o.knownNoise, 0, o.knownNoise == null ? 0 : total);
        }
        // The variances of the unconditional output are never read.
        if (o.uncond != null && c.learned()) {
            for (int s = 0; s < c.samples; s++) {
                poison(o.uncond, o.uncondOffset + s * o.outputStride + c.elements, c.elements);
            }
        }
        // What is only written may hold anything.
        if (o.out != o.x) {
            poison(o.out, 0, total);
        }
        if (o.store != o.h0) {
            poison(o.store, 0, o.store == null ? 0 : total);
        }
        poison(o.preview, 0, o.preview == null ? 0 : total);
        poison(o.input, 0, o.input == null ? 0 : total * c.inputCopies);
    }

    @Test
    void anOperandThatIsNotReadMayBeMissing() {
        for (Backend backend : backends()) {
            for (int seed = 0; seed < 512; seed++) {
                RowCase c = sparse(seed);
                RowCase.Built plain = c.run(backend);
                StepOperands o = c.build().operands;
                o.x = readsX(c) ? o.x : null;
                if (!readsG(c) && !c.learned()) {
                    o.output = null;
                    o.uncond = null;
                }
                Tensor[] slots = {o.h0, o.h1, o.h2};
                for (int k = 0; k < c.history.length; k++) {
                    slots[k] = c.history[k] == 0 ? null : slots[k];
                }
                o.h0 = slots[0];
                o.h1 = slots[1];
                o.h2 = slots[2];
                if (c.cz == 0 && !c.learned()) {
                    o.noise = null;
                }
                boolean drawsKnown = c.mask && c.knownSigma != 0 && !c.knownGiven;
                if (o.noise != null || (c.cz == 0 && !c.learned() && !drawsKnown)) {
                    o.seeds = drawsKnown ? o.seeds : null;
                }
                step(backend, c, o);
                same(plain.operands.out, o.out, "x' of seed " + seed + " of " + c);
                same(plain.operands.store, o.store, "store of seed " + seed + " of " + c);
            }
            backend.close();
        }
    }

    @Test
    void aMissingOperandThatIsReadIsNamed() {
        RowCase c = new RowCase();
        c.cx = 1;
        c.cg = 1;
        c.history = new double[] {1, 1, 1};
        c.noise = Noise.GIVEN;
        c.cz = 1;
        c.store = true;
        c.sx = 1;
        c.mask = true;
        for (Backend backend : backends()) {
            for (String name : List.of("x", "out", "output", "h0", "h1", "h2", "store", "mask's known")) {
                StepOperands o = c.build().operands;
                switch (name) {
                    case "x" -> o.x = null;
                    case "out" -> o.out = null;
                    case "output" -> o.output = null;
                    case "h0" -> o.h0 = null;
                    case "h1" -> o.h1 = null;
                    case "h2" -> o.h2 = null;
                    case "store" -> o.store = null;
                    default -> o.known = null;
                }
                String said = assertThrows(IllegalArgumentException.class, () -> step(backend, c, o)).getMessage();
                assertTrue(said.contains("'" + name.replace("mask's ", "") + "'"), said);
            }
            StepOperands o = c.build().operands;
            o.noise = null;
            o.seeds = null;
            String said = assertThrows(IllegalArgumentException.class, () -> step(backend, c, o)).getMessage();
            assertTrue(said.contains("'noise'") && said.contains("seeds"), said);
            backend.close();
        }
    }

    private static void step(Backend backend, RowCase c, StepOperands o) {
        try (Backend.Workspace w = backend.workspace(c.samples, c.elements)) {
            StepParams p = c.params();
            backend.step(p, o, w);
        }
    }

    private static void finite(Tensor tensor, String what) {
        for (long i = 0; i < tensor.elements(); i++) {
            assertTrue(Double.isFinite(((HostTensor) tensor).getDouble(i)), what);
        }
    }

    private static void same(Tensor want, Tensor got, String what) {
        assertFalse((want == null) != (got == null), what);
        for (long i = 0; want != null && i < want.elements(); i++) {
            assertEquals(RowCase.bits((HostTensor) want, i), RowCase.bits((HostTensor) got, i), what + " at " + i);
        }
    }
}
