// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vectors of one width. Kept in a static final, so that the JIT knows every species; a species it does not know makes vectors
 * objects on the heap.
 *
 * @param floats
 *            floats of the full width
 * @param ints
 *            as many ints
 * @param shorts
 *            as many shorts, in half the width
 * @param longs
 *            longs of the full width, half as many
 */
record Lanes(VectorSpecies<Float> floats, VectorSpecies<Integer> ints, VectorSpecies<Short> shorts,
        VectorSpecies<Long> longs) {
    /** What this machine prefers. */
    static final Lanes PREFERRED = of(FloatVector.SPECIES_PREFERRED);

    static Lanes of(VectorSpecies<Float> floats) {
        return new Lanes(floats, floats.withLanes(int.class),
                VectorSpecies.of(short.class, VectorShape.forBitSize(floats.vectorBitSize() / 2)),
                floats.withLanes(long.class));
    }
}
