// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.grid.TimeGrid;
import io.github.alphabar.plan.Clip;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.schedule.Betas;
import io.github.alphabar.schedule.Level;
import io.github.alphabar.schedule.TabulatedSchedule;
import io.github.alphabar.solver.Arithmetic;
import io.github.alphabar.solver.Ddim;
import io.github.alphabar.solver.DpmAlgorithm;
import io.github.alphabar.solver.DpmSolver;
import io.github.alphabar.solver.Plms;
import io.github.alphabar.solver.ThirdOrder;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each switch, off, gives the behaviour its sentence promises; on, diffusers' (which the recorded traces test). */
class QuirkTest {

    private static LoadedScheduler without(SchedulerConfig config, Quirk... off) {
        Set<Quirk> quirks = EnumSet.allOf(Quirk.class);
        quirks.removeAll(List.of(off));
        return new LoadedScheduler(config, quirks);
    }

    private static LoadedScheduler with(SchedulerConfig config) {
        return new LoadedScheduler(config);
    }

    private static SchedulerConfig config(SchedulerClass type, String members) {
        return SchedulerConfig.parse("{" + members + "}", type);
    }

    private static SamplingPlan plan(LoadedScheduler scheduler, int n) {
        return scheduler.plan(LoadedScheduler.Run.steps(n));
    }

    private static boolean isContiguous(SamplingPlan plan) {
        return IntStream.range(1, plan.evaluations())
                .allMatch(i -> plan.steps().get(i).at().lambda() == plan.steps().get(i - 1).to().lambda());
    }

    @ParameterizedTest
    @EnumSource
    void eachCanBeSwitchedOffAlone(Quirk quirk) {
        for (Preset preset : Preset.values()) {
            LoadedScheduler scheduler = without(preset.config(), quirk);
            assertFalse(scheduler.quirks().contains(quirk));
            assertTrue(plan(scheduler, 10).evaluations() >= 10);
        }
    }

    @Test
    void float32TablesOffGivesDoubleTables() {
        SchedulerConfig linear = config(SchedulerClass.DDIM, "");
        double[] betas = Betas.linear(1000, 1e-4, 0.02);
        AlphaBarTable exact = without(linear, Quirk.FLOAT32_TABLES).table();
        AlphaBarTable rounded = with(linear).table();
        double bar = 1;
        double worst = 0;
        for (int t = 0; t < 1000; t++) {
            bar *= 1 - betas[t];
            assertEquals(bar, exact.alphaBar(t), 1e-15);
            double float32 = rounded.alphaBar(t);
            assertEquals((float) float32, float32);
            worst = Math.max(worst, Math.abs((1 - float32) / (1 - bar) - 1));
        }
        assertEquals(1.7e-4, worst, 0.1e-4);
    }

    /** The weight of the last difference on SD's last edge of 10: some 10 of the network's outputs, off by 6e-6. */
    @Test
    void float32CoefficientsOffGivesTheSolversRows() {
        SchedulerConfig c = config(SchedulerClass.DPM_MULTISTEP, "\"algorithm_type\": \"sde-dpmsolver\","
                + "\"final_sigmas_type\": \"sigma_min\", \"beta_schedule\": \"scaled_linear\"");
        LoadedScheduler exact = without(c, Quirk.FLOAT32_COEFFICIENTS);
        TimeGrid grid = exact.sigmas(LoadedScheduler.Run.steps(10)).grid(exact.schedule(), false, Arithmetic.DOUBLE);
        SamplingPlan rows = SamplingPlan.of(grid, new DpmSolver(DpmAlgorithm.SDE_DPM_SOLVER, 2),
                Prediction.EPSILON);
        assertEquals(rows.steps(), plan(exact, 10).steps());
        double worst = 0;
        for (int i = 0; i < 10; i++) {
            Step rounded = plan(with(c), 10).steps().get(i);
            // The levels themselves are float32 numbers then.
            assertEquals((float) rounded.at().alpha(), rounded.at().alpha());
            assertEquals((float) rounded.at().lambda(), rounded.at().lambda());
            worst = Math.max(worst, Math.abs(rounded.cz() - rows.steps().get(i).cz()));
        }
        // lambda has an ulp of 2.4e-7 where it is above 2, and the noise's sqrt(e^2h - 1) doubles what h lost.
        assertTrue(worst > 1e-7 && worst < 1e-5, "" + worst);
    }

    @ParameterizedTest
    @EnumSource(names = {"DDPM", "DDIM"})
    void float32CoefficientsOffStochasticRowsAreTheSolversOwn(SchedulerClass type) {
        SchedulerConfig c = config(type, "\"clip_sample\": false");
        LoadedScheduler.Run run = new LoadedScheduler.Run(1000, null, type == SchedulerClass.DDIM ? 1 : 0, false, null,
                null, 0);
        List<Step> rounded = with(c).plan(run).steps();
        List<Step> exact = without(c, Quirk.FLOAT32_COEFFICIENTS).plan(run).steps();
        double worst = 0;
        for (int i = 0; i + 1 < 1000; i++) {
            worst = Math.max(worst, Math.abs(rounded.get(i).cz() / exact.get(i).cz() - 1));
        }
        // 1 - alphaBar / alphaBar' is 1e-4 at the clean end, and half an ulp of 1 is 3e-4 of that; its root has half the error.
        assertTrue(worst > 5e-5 && worst < 3e-4, "" + worst);
        if (type == SchedulerClass.DDIM) {
            LoadedScheduler loaded = without(c, Quirk.FLOAT32_COEFFICIENTS);
            TimeGrid grid = new TimeGrid(loaded.schedule(), List.of(loaded.table().level(500),
                    loaded.table().level(499)));
            assertEquals(SamplingPlan.of(grid, new Ddim(1), Prediction.EPSILON).steps().getFirst().cz(),
                    exact.get(499).cz());
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"DDIM", "PNDM"})
    void stridesOffEachStepEndsWhereTheNextBegins(SchedulerClass type) {
        SchedulerConfig c = config(type, "\"timestep_spacing\": \"linspace\", \"skip_prk_steps\": true");
        // 7 does not divide 1000: the stride is 142, the timesteps are 166 or 167 apart.
        assertFalse(isContiguous(plan(with(c), 7)));
        SamplingPlan native7 = plan(without(c, Quirk.STRIDE_PREVIOUS_TIMESTEP), 7);
        assertTrue(isContiguousButForRepeats(native7), native7.toTable());
    }

    /** PNDM's second row repeats the second timestep and starts over from the first. */
    private static boolean isContiguousButForRepeats(SamplingPlan plan) {
        List<Step> steps = plan.steps();
        return IntStream.range(1, steps.size())
                .allMatch(i -> steps.get(i).at().lambda() == steps.get(i - 1).to().lambda()
                        || steps.get(i).at().t() == steps.get(i - 1).at().t());
    }

    @Test
    void stridesOffTheRungeKuttaStartIsContiguous() {
        SchedulerConfig c = config(SchedulerClass.PNDM, "\"timestep_spacing\": \"linspace\"");
        List<Step> steps = plan(without(c, Quirk.STRIDE_PREVIOUS_TIMESTEP), 7).steps();
        for (int i = 0; i + 1 < steps.size(); i++) {
            // Slot 0 holds the state at the end of an edge, slot 1 one inside it.
            if (steps.get(i).out() == 0) {
                assertEquals(steps.get(i).to().lambda(), steps.get(i + 1).at().lambda(), "row " + i);
            }
        }
    }

    @Test
    void stridesOffTheInverseIsContiguous() {
        SchedulerConfig c = config(SchedulerClass.DDIM_INVERSE, "\"timestep_spacing\": \"trailing\"");
        SamplingPlan plan = plan(without(c, Quirk.STRIDE_PREVIOUS_TIMESTEP), 7);
        for (int i = 1; i < 7; i++) {
            assertEquals(plan.steps().get(i - 1).to().alpha(), plan.steps().get(i).at().alpha());
        }
    }

    @Test
    void floatRangeOffTrailingHasAsManyTimestepsAsAskedFor() {
        SchedulerConfig c = config(SchedulerClass.DDIM, "\"timestep_spacing\": \"trailing\"");
        int longer = 0;
        for (int n = 1; n <= 1000; n++) {
            int quirky = with(c).timesteps(LoadedScheduler.Run.steps(n)).size();
            longer += quirky - n;
            List<Double> times = without(c, Quirk.FLOAT_RANGE_TRAILING).timesteps(LoadedScheduler.Run.steps(n));
            assertEquals(n, times.size());
            assertTrue(times.getLast() >= 0);
            assertEquals(999, times.getFirst());
        }
        assertEquals(62, longer);
    }

    @Test
    void extraPointOffTheFirstTimestepsAreThoseOfTheSpacing() {
        SchedulerConfig c = config(SchedulerClass.DPM_MULTISTEP, "");
        LoadedScheduler.Run run = LoadedScheduler.Run.steps(10);
        assertEquals(List.of(999.0, 899.0, 799.0, 699.0, 599.0, 500.0, 400.0, 300.0, 200.0, 100.0),
                with(c).timesteps(run));
        assertEquals(List.of(999.0, 888.0, 777.0, 666.0, 555.0, 444.0, 333.0, 222.0, 111.0, 0.0),
                without(c, Quirk.DPM_EXTRA_POINT).timesteps(run));
    }

    @Test
    void wholeTimestepsOffTheNetworkIsToldTheTimeOfTheSigma() {
        SchedulerConfig c = Preset.STABLE_DIFFUSION_1_DPM_KARRAS.config();
        LoadedScheduler.Run run = LoadedScheduler.Run.steps(50);
        List<Double> whole = with(c).timesteps(run);
        List<Double> exact = without(c, Quirk.WHOLE_TIMESTEPS).timesteps(run);
        assertTrue(whole.stream().distinct().count() < 50);
        assertEquals(50, exact.stream().distinct().count());
        for (int i = 0; i < 50; i++) {
            assertEquals(whole.get(i), exact.get(i), 0.5);
        }
        // The sigmas are the same.
        assertEquals(plan(with(c), 50).steps().get(20).at().lambda(),
                plan(without(c, Quirk.WHOLE_TIMESTEPS), 50).steps().get(20).at().lambda());
    }

    @Test
    void lowerOrderBelow15OffLongRunsAlsoEndWithLowerOrder() {
        SchedulerConfig c = config(SchedulerClass.DPM_MULTISTEP, "\"final_sigmas_type\": \"sigma_min\"");
        for (int n : new int[] {14, 15, 40}) {
            boolean lowered = plan(with(c), n).steps().getLast().history().isEmpty();
            assertEquals(n < 15, lowered);
            assertTrue(plan(without(c, Quirk.LOWER_ORDER_BELOW_15), n).steps().getLast().history().isEmpty());
        }
    }

    @Test
    void thirdOrderAsPublishedOffTakesTheExactFormulas() {
        SchedulerConfig c = config(SchedulerClass.DPM_MULTISTEP, "\"solver_order\": 3");
        LoadedScheduler exact = without(c, Quirk.THIRD_ORDER_AS_PUBLISHED, Quirk.FLOAT32_COEFFICIENTS);
        SamplingPlan plan = plan(exact, 20);
        assertNotEquals(plan(without(c, Quirk.FLOAT32_COEFFICIENTS), 20), plan);
        TimeGrid grid = exact.sigmas(LoadedScheduler.Run.steps(20)).grid(exact.schedule(), false, Arithmetic.DOUBLE);
        DpmSolver solver = new DpmSolver(DpmAlgorithm.DPM_SOLVER_PP, 3, DpmAlgorithm.Form.MIDPOINT, false, false,
                ThirdOrder.EXACT);
        assertEquals(SamplingPlan.of(grid, solver, Prediction.EPSILON).steps().get(10), plan.steps().get(10));
    }

    @Test
    void zeroSnrFloorOffTheWalkStartsAtPureNoise() {
        SchedulerConfig v = config(SchedulerClass.DPM_MULTISTEP,
                "\"rescale_betas_zero_snr\": true, \"prediction_type\": \"v_prediction\"");
        assertEquals(0x1p-12, plan(with(v), 10).steps().getFirst().at().alpha(), 1e-9);
        assertEquals(0, plan(without(v, Quirk.ZERO_SNR_FLOOR), 10).steps().getFirst().at().alpha());
        SchedulerConfig epsilon = v.with("prediction_type", "\"epsilon\"");
        String message = assertThrows(IllegalArgumentException.class,
                () -> plan(without(epsilon, Quirk.ZERO_SNR_FLOOR), 10)).getMessage();
        assertTrue(message.contains("v_prediction"), message);
        SchedulerConfig karras = v.with("use_karras_sigmas", "true");
        assertTrue(plan(with(karras), 10).evaluations() == 10);
        message = assertThrows(IllegalArgumentException.class,
                () -> plan(without(karras, Quirk.ZERO_SNR_FLOOR), 10)).getMessage();
        assertTrue(message.contains("use_karras_sigmas"), message);
    }

    @Test
    void noiseIntoCleanOffTheLastStepAddsNone() {
        SchedulerConfig c = config(SchedulerClass.DDPM,
                "\"timestep_spacing\": \"trailing\", \"variance_type\": \"fixed_large\"");
        assertTrue(plan(with(c), 10).steps().getLast().cz() > 0.1);
        assertEquals(0, plan(without(c, Quirk.NOISE_INTO_CLEAN), 10).steps().getLast().cz());
        assertEquals(plan(with(c), 10).steps().subList(0, 9),
                plan(without(c, Quirk.NOISE_INTO_CLEAN), 10).steps().subList(0, 9));
    }

    @Test
    void clippedInfiniteX0OffSuchAStartIsRefused() {
        SchedulerConfig c = config(SchedulerClass.DDIM,
                "\"timestep_spacing\": \"trailing\", \"rescale_betas_zero_snr\": true");
        assertEquals(10, plan(with(c), 10).evaluations());
        String message = assertThrows(IllegalArgumentException.class,
                () -> plan(without(c, Quirk.CLIPPED_INFINITE_X0), 10)).getMessage();
        assertTrue(message.contains("zero terminal SNR"), message);
    }

    @Test
    void combiningRawVOffIsTheNativePlms() {
        SchedulerConfig c = config(SchedulerClass.PNDM,
                "\"skip_prk_steps\": true, \"prediction_type\": \"v_prediction\", \"set_alpha_to_one\": true");
        LoadedScheduler loaded = without(c, Quirk.PNDM_COMBINES_RAW_V, Quirk.FLOAT32_TABLES,
                Quirk.FLOAT32_COEFFICIENTS);
        SamplingPlan plan = plan(loaded, 10);
        assertNotEquals(plan(without(c, Quirk.FLOAT32_TABLES, Quirk.FLOAT32_COEFFICIENTS), 10), plan);
        // What is stored is the noise, eps = alpha v + sigma x, and not v.
        Step first = plan.steps().getFirst();
        assertEquals(first.at().sigma(), first.store().sx());
        assertEquals(first.at().alpha(), first.store().sg());
        // From the third row on the native solver has the same coefficients.
        TimeGrid grid = new TimeGrid(loaded.schedule(),
                IntStream.range(0, 11)
                        .mapToObj(i -> i < 10 ? loaded.table().level(900 - 100 * i)
                                : Level.clean(0))
                        .toList());
        List<Step> nativeSteps = SamplingPlan.of(grid, new Plms(), Prediction.V_PREDICTION, Clip.NONE, null).steps();
        for (int i = 1; i <= 5; i++) {
            Step ours = plan.steps().get(plan.evaluations() - i);
            Step theirs = nativeSteps.get(nativeSteps.size() - i);
            assertEquals(theirs.cx(), ours.cx(), 1e-12);
            assertEquals(theirs.cg(), ours.cg(), 1e-12);
            assertEquals(theirs.history().size(), ours.history().size());
        }
    }

    @Test
    void withNoQuirksTheScheduleIsTheTable() {
        LoadedScheduler plain = new LoadedScheduler(Preset.STABLE_DIFFUSION_1_DDIM.config(), Set.of());
        TabulatedSchedule sd = TabulatedSchedule.stableDiffusion();
        for (int t : new int[] {0, 1, 500, 999}) {
            assertEquals(sd.level(t).alpha(), plain.schedule().level(t).alpha(), 1e-15);
        }
        assertThrows(UnsupportedOperationException.class, () -> plain.quirks().add(Quirk.FLOAT32_TABLES));
    }
}
