// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** A job in as many parts as threads, again and again: the caller's thread and helpers that wait by looking. For one caller. */
final class Together implements AutoCloseable {
    private final int threads;
    private final IntConsumer part;
    private final AtomicInteger pending = new AtomicInteger();
    private volatile int round;
    private volatile boolean closed;

    Together(int threads, IntConsumer part) {
        this.threads = threads;
        this.part = part;
        for (int i = 1; i < threads; i++) {
            int index = i;
            Thread.ofPlatform().daemon().name("floor-" + i).start(() -> help(index));
        }
    }

    void run() {
        if (threads > 1) {
            pending.set(threads - 1);
            round++;
        }
        part.accept(0);
        while (pending.get() > 0) {
            Thread.onSpinWait();
        }
    }

    private void help(int index) {
        int seen = 0;
        while (!closed) {
            if (round == seen) {
                Thread.onSpinWait();
            } else {
                seen++;
                part.accept(index);
                pending.decrementAndGet();
            }
        }
    }

    @Override
    public void close() {
        closed = true;
    }
}
