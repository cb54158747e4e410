// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Copies of a class that differ in one constant. The JIT trusts static finals, so each copy is compiled as if its lane width or its
 * row had been written into the source; the Vector API needs that, or every vector becomes an object.
 */
final class HiddenCopy {
    private HiddenCopy() {
    }

    /**
     * Makes an instance of a copy.
     *
     * @param template
     *            the lookup of the class to copy, which has a constructor without arguments
     * @param constant
     *            what {@link #constant} gives the copy
     */
    static Object of(MethodHandles.Lookup template, Object constant) {
        Class<?> type = template.lookupClass();
        try (InputStream in = type.getResourceAsStream(type.getSimpleName() + ".class")) {
            MethodHandles.Lookup copy = template.defineHiddenClassWithClassData(in.readAllBytes(), constant, true);
            // By the copy's own lookup: its private constructor is closed to the template, of which it is no nestmate.
            return copy.findConstructor(copy.lookupClass(), MethodType.methodType(void.class)).invoke();
        } catch (IOException e) {
            throw new UncheckedIOException("The class file of " + type.getSimpleName() + " cannot be read.", e);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new BackendException("The JVM refused to specialise a vector kernel; use the scalar backend.", e);
        }
    }

    /** The constant of the copy that asks; null for the template itself, which only makes copies. */
    static <T> T constant(MethodHandles.Lookup asking, Class<T> type) {
        try {
            return asking.lookupClass().isHidden() ? MethodHandles.classData(asking, "_", type) : null;
        } catch (IllegalAccessException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
