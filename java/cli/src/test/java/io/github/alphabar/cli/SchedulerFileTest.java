// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.plan.SamplingPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Configurations as published beside well-known models, on the digits model. */
class SchedulerFileTest {
    private static final String SD_15 = """
            {"_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012, "beta_schedule": "scaled_linear",
             "beta_start": 0.00085, "num_train_timesteps": 1000, "set_alpha_to_one": false, "skip_prk_steps": true,
             "steps_offset": 1, "trained_betas": null, "clip_sample": false}""";
    private static final String SD_21 = """
            {"_class_name": "DDIMScheduler", "_diffusers_version": "0.8.0", "beta_end": 0.012, "beta_schedule": "scaled_linear",
             "beta_start": 0.00085, "clip_sample": false, "num_train_timesteps": 1000, "prediction_type": "v_prediction",
             "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1, "trained_betas": null}""";
    private static final String KARRAS = """
            {"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "dpmsolver++", "solver_order": 2,
             "use_karras_sigmas": true, "lambda_min_clipped": -Infinity, "beta_start": 0.00085, "beta_end": 0.012,
             "beta_schedule": "scaled_linear"}""";

    private static Path file(Path folder, String json) throws IOException {
        return Files.writeString(folder.resolve("scheduler_config.json"), json);
    }

    @Test
    void theConfigurationsOfWellKnownModelsDrawDigits(@TempDir Path folder) throws IOException {
        for (String json : new String[] {SD_15, SD_21, KARRAS}) {
            Path png = folder.resolve("out.png");
            Cli cli = Cli.run("sample", "--scheduler", file(folder, json), "--count", 100, "--out", png);
            assertEquals(0, cli.status(), cli.err());
            assertTrue(cli.err().contains("digits model's own schedule"), cli.err());
            // 97 to 99 of 100 are recognised; a wrong schedule gives noise, of which 10 are.
            assertTrue(Cli.recognised(png, 100) >= 0.9, json);
        }
    }

    @Test
    void theReportNamesWhatHasNoEffect(@TempDir Path folder) throws IOException {
        Cli cli = Cli.run("plan", "--scheduler", file(folder, SD_15.replace("{", "{\"colour\": 1, ")));
        assertEquals(0, cli.status(), cli.err());
        assertTrue(cli.err().contains("ignored (another scheduler's): clip_sample"), cli.err());
        assertTrue(cli.err().contains("unknown: colour"), cli.err());
    }

    @Test
    void aPlanOfAFileHasTheFilesTimesteps(@TempDir Path folder) throws IOException {
        SamplingPlan plan = SamplingPlan
                .fromJson(Cli.run("plan", "--scheduler", file(folder, SD_15), "--steps", 10, "--format", "json").out());
        assertEquals(11, plan.evaluations());
        assertEquals(901, plan.steps().getFirst().at().t());
        SamplingPlan other = SamplingPlan.fromJson(Cli.run("plan", "--scheduler", file(folder, SD_15),
                "--scheduler-class", "DDIMScheduler", "--steps", 10, "--format", "json").out());
        assertEquals(10, other.evaluations());
    }

    @Test
    void optionsTheFileSettlesAreRefusedBesideIt(@TempDir Path folder) throws IOException {
        Path file = file(folder, KARRAS);
        Cli.run("sample", "--scheduler", file, "--solver", "ddim").failsWith(2, "--solver is settled by --scheduler");
        Cli.run("plan", "--scheduler", file, "--spacing", "karras").failsWith(2, "--spacing");
        Cli.run("plan", "--scheduler", file, "--prediction", "epsilon").failsWith(2, "--prediction");
        Cli.run("sample", "--scheduler", folder.resolve("none.json")).failsWith(2, "not a file");
        Cli.run("sample", "--scheduler", file(folder, "[1]")).failsWith(2, "JSON object");
        Cli.run("sample", "--scheduler", file(folder, KARRAS.replace("\"solver_order\": 2", "\"solver_order\": 7")))
                .failsWith(2, "solver_order");
        Cli.run("sample", "--scheduler", file(folder, "{\"_class_name\": \"EulerDiscreteScheduler\"}"))
                .failsWith(2, "DDIMScheduler");
    }

    @Test
    void torchNoiseIsAnotherPictureAndTheSameEveryTime(@TempDir Path folder) throws IOException {
        Path a = folder.resolve("a.png");
        Path b = folder.resolve("b.png");
        Path c = folder.resolve("c.png");
        Cli.ok("sample", "--noise", "torch-cpu", "--count", 8, "--out", a);
        Cli.ok("sample", "--noise", "torch-cpu", "--count", 8, "--out", b);
        Cli.ok("sample", "--count", 8, "--out", c);
        assertArrayEquals(Files.readAllBytes(a), Files.readAllBytes(b));
        assertFalse(Arrays.equals(Files.readAllBytes(a), Files.readAllBytes(c)));
        Cli.run("sample", "--noise", "mersenne").failsWith(2, "philox or torch-cpu");
    }
}
