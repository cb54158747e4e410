// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A few threads that run parts of one job together with the thread that brings it. No allocation and no lock: a job is announced
 * by a counter, and whoever finds the team busy does its job alone.
 */
final class WorkerTeam implements AutoCloseable {
    /** How often a worker looks before it sleeps: the steps of a sampler follow each other after a network evaluation. */
    private static final int SPINS = 2_000;

    /** Work cut into as many parts as there are parties. */
    interface Job {
        void run(int worker);
    }

    private final Thread[] workers;
    private final AtomicBoolean busy = new AtomicBoolean();
    private final AtomicInteger pending = new AtomicInteger();
    private volatile int announced;
    /** Set first, so that no job begins while {@link #close} waits for the one that runs. */
    private volatile boolean closing;
    private volatile boolean closed;
    private volatile Throwable failure;
    private Job job;

    WorkerTeam(int parties) {
        workers = new Thread[parties - 1];
        for (int i = 0; i < workers.length; i++) {
            int worker = i + 1;
            workers[i] = Thread.ofPlatform().daemon().name("alphabar-worker-" + worker).unstarted(() -> loop(worker));
            workers[i].start();
        }
    }

    /** Runs a job on all parties; false if the team is busy or closed, with nothing done. */
    boolean run(Job work) {
        if (!busy.compareAndSet(false, true)) {
            return false;
        }
        try {
            if (closing) {
                return false;
            }
            failure = null;
            job = work;
            pending.set(workers.length);
            announced++;
            for (Thread worker : workers) {
                LockSupport.unpark(worker);
            }
            try {
                work.run(0);
            } finally {
                for (int spins = 0; pending.get() > 0; spins++) {
                    pause(spins);
                }
                job = null;
            }
            Throwable thrown = failure;
            if (thrown != null) {
                throw new IllegalStateException("A worker failed: " + thrown, thrown);
            }
            return true;
        } finally {
            busy.set(false);
        }
    }

    /** Who is waited for may have lost its processor: gives way rather than burn the one it waits for. */
    private static void pause(int spins) {
        if (spins < SPINS) {
            Thread.onSpinWait();
        } else {
            Thread.yield();
        }
    }

    private void loop(int worker) {
        int seen = 0;
        while (true) {
            int spins = 0;
            while (announced == seen) {
                if (closed) {
                    return;
                }
                if (++spins < SPINS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.park(this);
                }
            }
            seen++;
            try {
                job.run(worker);
            } catch (RuntimeException | Error e) {
                failure = e;
            } finally {
                pending.decrementAndGet();
            }
        }
    }

    /** Ends the workers, after the job they are at: a worker that left before its part would keep the job waiting for ever. */
    @Override
    public void close() {
        closing = true;
        for (int spins = 0; !busy.compareAndSet(false, true); spins++) {
            pause(spins);
        }
        closed = true;
        busy.set(false);
        for (Thread worker : workers) {
            LockSupport.unpark(worker);
        }
    }
}
