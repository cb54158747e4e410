// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import io.github.alphabar.huggingface.LoadedScheduler;
import io.github.alphabar.huggingface.LoadedScheduler.Run;
import io.github.alphabar.huggingface.SchedulerClass;
import io.github.alphabar.huggingface.SchedulerConfig;
import io.github.alphabar.plan.Guidance;
import io.github.alphabar.plan.SamplingPlan;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;

/** A plan from a scheduler_config.json. */
final class SchedulerFile {
    private SchedulerFile() {
    }

    /**
     * Reads the file and lays out its run.
     *
     * @param ofDigits
     *            whether the network is the digits model, which brings its own schedule and prediction
     */
    static SamplingPlan plan(PlanOptions options, boolean ofDigits, Double strength, PrintWriter notes) {
        SchedulerConfig config = read(options.scheduler, options.schedulerClass);
        if (config.report().isWorthReading()) {
            notes.print(options.scheduler + ":\n" + config.report());
        }
        if (ofDigits) {
            // A network knows its own schedule; a file for another network can only say how to walk it.
            config = config.with("num_train_timesteps", "1000")
                    .with("beta_schedule", "\"linear\"")
                    .with("beta_start", "0.0001")
                    .with("beta_end", "0.02")
                    .with("trained_betas", "null")
                    .with("prediction_type", "\"epsilon\"");
            notes.println("note: the digits model's own schedule (linear betas) and prediction (epsilon) are used.");
        }
        notes.flush();
        SchedulerConfig chosen = config;
        return UsageException.checked(() -> {
            LoadedScheduler scheduler = new LoadedScheduler(chosen);
            int skipped = strength == null ? 0
                    : options.steps - Math.max(1, (int) Math.floor(strength * options.steps + 1e-9));
            Guidance guidance = options.guidance();
            return scheduler.plan(new Run(options.steps, null, options.eta == null ? 0 : options.eta, false, null,
                    guidance, skipped));
        });
    }

    private static SchedulerConfig read(Path file, String into) {
        if (!Files.isRegularFile(file)) {
            throw new UsageException("--scheduler '" + file + "' is not a file; name a scheduler_config.json.");
        }
        try {
            SchedulerConfig config = SchedulerConfig.parse(Files.readString(file),
                    into == null ? null : SchedulerClass.named(into));
            return config;
        } catch (IOException e) {
            throw new UsageException("--scheduler '" + file + "' cannot be read (" + SafeFile.reason(e) + ").");
        } catch (IllegalArgumentException e) {
            throw new UsageException("--scheduler '" + file + "': " + e.getMessage());
        }
    }
}
