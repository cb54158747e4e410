// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import io.github.alphabar.schedule.Betas;
import io.github.alphabar.schedule.FlowSchedule;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.schedule.VpCosineSchedule;
import io.github.alphabar.schedule.VpLinearSchedule;
import java.util.Iterator;
import java.util.List;

/** The schedules by name. Those with betas take their ends after colons, as in {@code linear:0.0001:0.02}. */
final class Schedules {
    private static final List<String> NAMES = List.of("linear", "scaled-linear", "cosine", "sigmoid", "vp-linear",
            "vp-cosine", "flow");

    private Schedules() {
    }

    /** For the help text. */
    static final class Names implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return NAMES.iterator();
        }
    }

    static NoiseSchedule parse(String text, int steps, boolean zeroSnr) {
        String[] parts = text.strip().split(":");
        NoiseSchedule schedule = switch (parts[0]) {
            case "linear" -> betas(text, parts, 1e-4, 0.02, (start, end) -> Betas.linear(steps, start, end));
            case "scaled-linear" -> betas(text, parts, 0.00085, 0.012,
                    (start, end) -> Betas.scaledLinear(steps, start, end));
            case "sigmoid" -> betas(text, parts, 1e-4, 0.02, (start, end) -> Betas.sigmoid(steps, start, end));
            case "cosine" -> alone(text, parts, TabulatedSchedule.ofBetas(Betas.cosine(steps)));
            case "vp-linear" -> alone(text, parts, new VpLinearSchedule());
            case "vp-cosine" -> alone(text, parts, new VpCosineSchedule());
            case "flow" -> alone(text, parts, new FlowSchedule());
            default -> throw new UsageException(
                    "Unknown schedule '" + text + "'; the schedules are " + String.join(", ", NAMES) + ".");
        };
        return zeroSnr ? zeroSnr(schedule, text) : schedule;
    }

    static NoiseSchedule zeroSnr(NoiseSchedule schedule, String name) {
        if (!(schedule instanceof TabulatedSchedule table)) {
            throw new UsageException("--zero-snr rescales a table of betas, and schedule '" + name
                    + "' is continuous; leave one of the two out.");
        }
        return table.zeroTerminalSnr();
    }

    private interface Table {
        double[] of(double start, double end);
    }

    private static NoiseSchedule betas(String text, String[] parts, double start, double end, Table table) {
        if (parts.length == 1) {
            return TabulatedSchedule.ofBetas(table.of(start, end));
        }
        try {
            if (parts.length == 3) {
                return TabulatedSchedule
                        .ofBetas(table.of(Double.parseDouble(parts[1]), Double.parseDouble(parts[2])));
            }
        } catch (NumberFormatException e) {
            // told below
        }
        throw new UsageException("Schedule '" + text + "' needs its first and last beta, as in " + parts[0] + ":"
                + start + ":" + end + ", or neither.");
    }

    private static NoiseSchedule alone(String text, String[] parts, NoiseSchedule schedule) {
        if (parts.length > 1) {
            throw new UsageException("Schedule '" + parts[0] + "' has nothing to set, but got '" + text + "'.");
        }
        return schedule;
    }
}
