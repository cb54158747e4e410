// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A team that hangs would hang the build: every test ends by itself or fails. */
@Timeout(60)
class WorkerTeamTest {

    @Test
    void everyPartyRunsItsPartOnceInEveryJob() {
        try (WorkerTeam team = new WorkerTeam(4)) {
            AtomicIntegerArray runs = new AtomicIntegerArray(4);
            for (int job = 0; job < 500; job++) {
                assertTrue(team.run(runs::incrementAndGet));
            }
            for (int worker = 0; worker < 4; worker++) {
                assertEquals(500, runs.get(worker), "worker " + worker);
            }
        }
    }

    @Test
    void workersWakeAgainAfterTheyWentToSleep() throws InterruptedException {
        try (WorkerTeam team = new WorkerTeam(2)) {
            AtomicIntegerArray runs = new AtomicIntegerArray(2);
            for (int job = 0; job < 3; job++) {
                // Far longer than a worker spins.
                Thread.sleep(20);
                assertTrue(team.run(runs::incrementAndGet));
            }
            assertEquals(3, runs.get(1));
        }
    }

    @Test
    void theResultsOfWorkersAreSeenByTheCaller() {
        try (WorkerTeam team = new WorkerTeam(3)) {
            int[] plain = new int[3];
            for (int job = 1; job <= 2_000; job++) {
                int now = job;
                assertTrue(team.run(worker -> plain[worker] = now));
                assertArrayEquals(new int[] {job, job, job}, plain, () -> Arrays.toString(plain));
            }
        }
    }

    @Test
    void aWorkersFailureIsThrownOnceWithItsCause() {
        try (WorkerTeam team = new WorkerTeam(3)) {
            RuntimeException cause = new IllegalArgumentException("part 2 is bad");
            IllegalStateException thrown = assertThrows(IllegalStateException.class, () -> team.run(worker -> {
                if (worker == 2) {
                    throw cause;
                }
            }));
            assertSame(cause, thrown.getCause());
            assertTrue(thrown.getMessage().contains("part 2 is bad"), thrown.getMessage());
            assertTrue(team.run(worker -> {
            }), "the team works on");
        }
    }

    @Test
    void anErrorOfAWorkerIsThrownAsWell() {
        try (WorkerTeam team = new WorkerTeam(2)) {
            Error cause = new AssertionError("broken");
            IllegalStateException thrown = assertThrows(IllegalStateException.class, () -> team.run(worker -> {
                if (worker == 1) {
                    throw cause;
                }
            }));
            assertSame(cause, thrown.getCause());
        }
    }

    @Test
    void theCallersOwnFailureComesFirstAndNothingOfItStays() {
        try (WorkerTeam team = new WorkerTeam(3)) {
            RuntimeException own = new IllegalArgumentException("part 0 is bad");
            assertSame(own, assertThrows(IllegalArgumentException.class, () -> team.run(worker -> {
                throw worker == 0 ? own : new IllegalStateException("part " + worker + " is bad too");
            })));
            assertTrue(team.run(worker -> {
            }), "no failure of the last job is left");
        }
    }

    @Test
    void aBusyTeamRefusesAtOnceAndDoesNothing() throws InterruptedException {
        try (WorkerTeam team = new WorkerTeam(2)) {
            CountDownLatch running = new CountDownLatch(2);
            CountDownLatch end = new CountDownLatch(1);
            AtomicReference<Throwable> failure = new AtomicReference<>();
            Thread first = Thread.ofPlatform().start(() -> {
                try {
                    team.run(worker -> {
                        running.countDown();
                        await(end);
                    });
                } catch (Throwable e) {
                    failure.set(e);
                }
            });
            running.await();
            assertFalse(team.run(worker -> failure.set(new AssertionError("ran"))));
            end.countDown();
            first.join();
            assertSame(null, failure.get());
            assertTrue(team.run(worker -> {
            }));
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aClosedTeamDoesNothingAndItsThreadsEnd() throws InterruptedException {
        Thread[] before = workers();
        WorkerTeam team = new WorkerTeam(3);
        Thread[] mine = Arrays.stream(workers()).filter(t -> !Arrays.asList(before).contains(t)).toArray(Thread[]::new);
        assertEquals(2, mine.length);
        team.close();
        team.close();
        assertFalse(team.run(worker -> {
            throw new AssertionError("ran");
        }));
        for (Thread worker : mine) {
            worker.join();
        }
    }

    private static Thread[] workers() {
        return Thread.getAllStackTraces()
                .keySet()
                .stream()
                .filter(t -> t.getName().startsWith("alphabar-worker-"))
                .toArray(Thread[]::new);
    }

    @Test
    void closingWhileJobsRunHangsNobody() throws InterruptedException {
        // A worker that saw the end before the job must not be waited for. The window is small: many teams, no pause.
        for (int round = 0; round < 100; round++) {
            WorkerTeam team = new WorkerTeam(3);
            Thread caller = Thread.ofPlatform().start(() -> {
                while (team.run(worker -> Thread.onSpinWait())) {
                    Thread.onSpinWait();
                }
            });
            Thread.onSpinWait();
            team.close();
            caller.join();
        }
    }
}
