// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/** The backends of this machine. Nothing is remembered between calls. */
public final class Backends {
    private Backends() {
    }

    /**
     * What is known of a backend.
     *
     * @param name
     *            its name
     * @param usable
     *            whether it can run here
     * @param detail
     *            what it would use, or why it cannot run and what to do
     */
    public record Status(String name, boolean usable, String detail) {
    }

    /**
     * A backend that was chosen, and why.
     *
     * @param backend
     *            the backend, to be closed by the caller
     * @param reason
     *            what was chosen and why not the better ones
     */
    public record Choice(Backend backend, String reason) {
    }

    /**
     * All backends known to this program, best first.
     *
     * @return their states
     */
    public static List<Status> status() {
        List<Status> list = new ArrayList<>();
        for (BackendProvider provider : providers()) {
            Optional<String> reason = provider.unavailable();
            if (reason.isPresent()) {
                list.add(new Status(provider.name(), false, reason.get()));
            } else {
                try (Backend backend = provider.open(BackendProvider.Options.DEFAULT)) {
                    list.add(new Status(provider.name(), true, backend.description()));
                } catch (BackendException e) {
                    list.add(new Status(provider.name(), false, e.getMessage()));
                }
            }
        }
        return list;
    }

    /**
     * Opens the best backend that can run here.
     *
     * @return the backend and the reasons
     */
    public static Choice best() {
        return best(BackendProvider.Options.DEFAULT);
    }

    /**
     * Opens the best backend that can run here.
     *
     * @param options
     *            threads and device
     * @return the backend and the reasons
     */
    public static Choice best(BackendProvider.Options options) {
        List<String> passed = new ArrayList<>();
        for (BackendProvider provider : providers()) {
            Optional<String> reason = provider.unavailable();
            if (reason.isEmpty()) {
                try {
                    Backend backend = provider.open(options);
                    String why = "Using " + backend.name() + ": " + backend.description();
                    return new Choice(backend, passed.isEmpty() ? why : why + " Not " + String.join(" Not ", passed));
                } catch (BackendException e) {
                    reason = Optional.of(e.getMessage());
                }
            }
            passed.add(provider.name() + ": " + reason.get());
        }
        throw new BackendException("No backend can run here: " + String.join(" ", passed));
    }

    /**
     * Opens a backend by name: that one, or an exception.
     *
     * @param name
     *            for instance {@code vector}
     * @return the backend, to be closed by the caller
     */
    public static Backend named(String name) {
        return named(name, BackendProvider.Options.DEFAULT);
    }

    /**
     * Opens a backend by name: that one, or an exception.
     *
     * @param name
     *            for instance {@code vector}
     * @param options
     *            threads and device
     * @return the backend, to be closed by the caller
     * @throws IllegalArgumentException
     *             for an unknown name, listing the known ones
     * @throws BackendException
     *             where it cannot run here, with the remedy
     */
    public static Backend named(String name, BackendProvider.Options options) {
        List<BackendProvider> all = providers();
        BackendProvider provider = all.stream()
                .filter(p -> p.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("Unknown backend '" + name + "'; the backends are "
                        + all.stream().map(BackendProvider::name).collect(Collectors.joining(", ")) + "."));
        provider.unavailable().ifPresent(reason -> {
            throw new BackendException("Backend '" + name + "' cannot run here: " + reason);
        });
        return provider.open(options);
    }

    private static List<BackendProvider> providers() {
        return ServiceLoader.load(BackendProvider.class, Backends.class.getClassLoader())
                .stream()
                .map(ServiceLoader.Provider::get)
                .sorted(Comparator.comparingInt(BackendProvider::priority).reversed())
                .toList();
    }
}
