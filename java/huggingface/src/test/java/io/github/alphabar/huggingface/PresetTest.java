// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import java.io.IOException;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every preset can be run. */
class PresetTest {

    @ParameterizedTest
    @EnumSource
    void givesPlansOfAnyLength(Preset preset) {
        for (Set<Quirk> quirks : List.of(EnumSet.allOf(Quirk.class), EnumSet.noneOf(Quirk.class))) {
            LoadedScheduler scheduler = new LoadedScheduler(preset.config(), quirks);
            for (int n : new int[] {1, 2, 10, 50}) {
                SamplingPlan plan = scheduler.plan(LoadedScheduler.Run.steps(n));
                // PNDM evaluates its second timestep twice.
                boolean twice = preset.config().type() == SchedulerClass.PNDM && n > 1;
                assertEquals(twice ? n + 1 : n, plan.evaluations());
                for (Step s : plan.steps()) {
                    // A coefficient far above 1 / alpha would amplify the network's errors: 1 / alpha of Stable Diffusion is 15,
                    // of cosine betas 4e4.
                    double most = Math.max(1e3, 2 / Math.max(s.at().alpha(), 1e-5));
                    assertTrue(Math.abs(s.cx()) < most && Math.abs(s.cg()) < most && s.cz() <= 1, n + " " + s);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void hasNoUnknownOrContradictingKeys(Preset preset) {
        SchedulerConfig.Report report = preset.config().report();
        assertEquals(List.of(), report.unknown());
        assertEquals(List.of(), report.conflicts());
        assertEquals(preset.config(), SchedulerConfig.parse(preset.config().toJson()));
    }

    @Test
    void noTwoAreTheSame() {
        Set<SchedulerConfig> all = new HashSet<>();
        for (Preset preset : Preset.values()) {
            all.add(preset.config());
        }
        assertEquals(Preset.values().length, all.size());
    }

    /** The files of Stable Diffusion 1.5 and XL are among the recorded ones. */
    @Test
    void repeatsTheRecordedFiles() throws IOException {
        int found = 0;
        for (JsonNode c : RecordedValues.cases("config_load")) {
            Preset preset = switch (c.path("id").asText()) {
                case "config_load/sd15_to_pndm" -> Preset.STABLE_DIFFUSION_1;
                case "config_load/sd15_to_ddim" -> Preset.STABLE_DIFFUSION_1_DDIM;
                case "config_load/sd15_to_ddim_inverse" -> Preset.STABLE_DIFFUSION_1_DDIM_INVERSE;
                case "config_load/sdxl_to_dpm_multi" -> Preset.STABLE_DIFFUSION_XL_DPM_KARRAS;
                case "config_load/sdxl_to_ddim" -> Preset.STABLE_DIFFUSION_XL_DDIM;
                default -> null;
            };
            if (preset != null) {
                SchedulerConfig recorded = SchedulerConfig.parse(c.path("result_json").asText());
                SchedulerConfig config = preset.config();
                for (String key : recorded.type().defaults().keySet()) {
                    boolean chosen = key.equals("use_karras_sigmas") && preset == Preset.STABLE_DIFFUSION_XL_DPM_KARRAS;
                    assertEquals(chosen ? "true" : recorded.value(key), config.value(key), preset + " " + key);
                }
                found++;
            }
        }
        assertEquals(5, found);
    }
}
