// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Copies of a class with a constant of their own. A hidden class reads its class data into static finals, which the JIT knows as
 * constants: lane widths, types and the terms of a row then cost nothing at run time, and the source stays one readable class.
 */
final class Template {
    private Template() {
    }

    /**
     * Defines a hidden copy of a class and makes one instance of it.
     *
     * @param lookup
     *            the class's own lookup
     * @param data
     *            what {@link #data} will return in the copy
     */
    static Object copy(MethodHandles.Lookup lookup, Object data) {
        Class<?> template = lookup.lookupClass();
        String file = template.getName().substring(template.getName().lastIndexOf('.') + 1) + ".class";
        try (InputStream in = template.getResourceAsStream(file)) {
            MethodHandles.Lookup hidden = lookup.defineHiddenClassWithClassData(in.readAllBytes(), data, true);
            return hidden.findConstructor(hidden.lookupClass(), MethodType.methodType(void.class)).invoke();
        } catch (IOException e) {
            throw new UncheckedIOException("The class file " + file + " cannot be read.", e);
        } catch (Throwable e) {
            throw new BackendException("The JVM refused to specialise " + file + "; use the scalar backend.", e);
        }
    }

    /** The constant of a copy; in the template itself, which only makes copies, the default. */
    static <T> T data(MethodHandles.Lookup lookup, Class<T> type, T inTemplate) {
        try {
            return lookup.lookupClass().isHidden() ? MethodHandles.classData(lookup, "_", type) : inTemplate;
        } catch (IllegalAccessException e) {
            throw new IllegalStateException("A class may always read its own class data.", e);
        }
    }
}
