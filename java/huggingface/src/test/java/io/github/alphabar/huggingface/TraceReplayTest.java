// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.Backends;
import io.github.alphabar.huggingface.TraceReplay.Outcome;
import io.github.alphabar.huggingface.TraceReplay.Report;
import io.github.alphabar.huggingface.TraceReplay.Variant;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.sampling.Trajectory;
import io.github.alphabar.solver.StepEquation.Term;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every recorded case, in every variant, through the planner and a backend. */
class TraceReplayTest {

    /** The cases in which diffusers gives NaN, and what this library does there. */
    private static final Map<String, String> DECISIONS = Map.of(
            // The variance's root is taken of its logarithm; here it is taken of the variance.
            "ddpm/var_fixed_large_log_T5_quirk_nan", "finite",
            // 1 - alphaBar' - sigma^2 is 0 up to rounding, and its root NaN where that falls below; here it is 0.
            "ddim/zero_snr_trailing_v_eta1_T10_quirk", "finite",
            // x0 = (x - eps) / 0, unclipped.
            "ddim/zero_snr_trailing_eps_noclip_T4_quirk", "refused: The step from t=999.0",
            // eps = (x - x0) / 0 at the clean level.
            "ddim_inverse/pred_sample_alpha1_T4_quirk", "refused: The inversion starts at the clean level",
            // The last sigma repeats the one before: 0 / 0 in the second difference; here the step stays where it is.
            "dpm_multistep/pp2m_heun_karras_sigma_min_T16_quirk", "finite",
            "dpm_multistep/pp3_karras_sigma_min_T16_quirk", "finite",
            // The root of a negative variance.
            "dpm_inverse/grid_sde-dpmsolver++_o2_T10_quirk_nan", "refused: algorithm_type sde-dpmsolver++");

    /** The cases with rows beyond 2e-6 of max(1, |x|) in float32, and how many: the last sums of weights near 10, the others divide by alpha. */
    private static final Map<String, Integer> BADLY_CONDITIONED = Map.of("dpm_multistep/pp3_T10_nolof_sigma_min", 1,
            "dpm_multistep/pp2m_cos_karras_T10", 1, "dpm_multistep/pp2m_cos_noclip_T6", 2,
            "dpm_singlestep/pp2_cos_clip_T8", 1);

    private static Report replay(Variant variant, String backend) throws IOException {
        try (Backend b = Backends.named(backend)) {
            return TraceReplay.run(RecordedValues.folder(), variant, b, null, null, _ -> {
            });
        }
    }

    private static boolean isRecorded(JsonNode c, Variant variant) {
        for (JsonNode v : c.path("variants")) {
            if (v.asText().equals(variant.text())) {
                return true;
            }
        }
        return false;
    }

    @ParameterizedTest
    @EnumSource
    void everyRecordedCaseIsRepeated(Variant variant) throws IOException {
        Report report = replay(variant, "scalar");
        assertEquals("",
                report.failures().stream().map(o -> o.id() + ": " + o.failure()).collect(Collectors.joining("\n")));
        Set<String> notRecorded = new TreeSet<>();
        Set<String> notFinite = new TreeSet<>();
        for (JsonNode c : RecordedValues.cases("index")) {
            if (!isRecorded(c, variant)) {
                notRecorded.add(c.path("id").asText());
            }
            if (c.path("has_nan").path(variant.text()).asBoolean()) {
                notFinite.add(c.path("id").asText());
            }
        }
        assertEquals(List.of(), report.unsupported());
        assertEquals(notRecorded.size(), report.absent());
        // Only the authors' codes have no float64 run with float32 tables.
        assertEquals(variant == Variant.F64 ? 49 : 0, notRecorded.size());
        Map<String, String> decisions = new TreeMap<>();
        for (Outcome o : report.outcomes()) {
            if (o.decision() != null) {
                decisions.put(o.id(), o.decision());
                assertTrue(o.decision().startsWith(DECISIONS.get(o.id())), o.id() + ": " + o.decision());
            } else {
                assertTrue(o.steps() > 0 || o.unsupported() != null, o.id() + " was passed without a comparison");
            }
        }
        assertEquals(notFinite, decisions.keySet());
        if (variant == Variant.F32) {
            assertEquals(DECISIONS.keySet(), decisions.keySet());
        }
        assertEquals(variant == Variant.F32 ? BADLY_CONDITIONED : Map.of(),
                report.conditioned().stream().collect(Collectors.toMap(Outcome::id, Outcome::conditioned)));
        for (Outcome o : report.outcomes()) {
            assertTrue(o.conditioned() > 0 || o.letter() <= o.tolerance(), o.id() + ": " + o.letter());
            assertTrue(o.worst() <= o.tolerance(), o.id() + ": " + o.worst());
        }
    }

    @Test
    void everyGroupIsThere() throws IOException {
        Map<String, Integer> cases = new TreeMap<>();
        RecordedValues.cases("index").forEach(c -> cases.merge(c.path("group").asText(), 1, Integer::sum));
        assertEquals(
                "{compvis=5, ddim=26, ddim_inverse=9, ddpm=29, dpm_inverse=11, dpm_multistep=68, dpm_singlestep=23,"
                        + " ermon_ddim=6, null_text=1, official_dpm_solver=33, pndm=12, pndm_original=4, q_sample=8}",
                cases.toString());
    }

    /** Equal outcomes hold equal bits of the largest error; the rollouts below compare every value. */
    @ParameterizedTest
    @EnumSource
    void theVectorBackendGivesTheSameOutcomes(Variant variant) throws IOException {
        assertEquals(replay(variant, "scalar").outcomes(), replay(variant, "vector").outcomes());
    }

    @Test
    void rolloutsHaveTheSameBitsInBothBackends() throws IOException {
        int runs = 0;
        try (Backend scalar = Backends.named("scalar"); Backend vector = Backends.named("vector")) {
            // One in 3 keeps every group and takes half a second.
            for (TraceCase trace : traces(Variant.F32, 3)) {
                for (TraceCase.Part part : trace.parts()) {
                    if (part.whole()) {
                        assertArrayEquals(rollout(part, scalar), rollout(part, vector), trace.id());
                        runs++;
                    }
                }
            }
        }
        assertTrue(runs > 60, () -> "only some rollouts were compared");
    }

    private static float[] rollout(TraceCase.Part part, Backend backend) {
        int[] row = new int[1];
        Trajectory.Builder b = Trajectory.builder(part.plan(), backend)
                .shape(part.samples(), part.before()[0].length / part.samples())
                .dtype(DType.F32);
        if (part.noise() != null) {
            b.noise((_, _, target) -> fill(target, part.noise()[row[0]]));
        }
        try (Trajectory t = b.startFrom(tensor(part.before()[0]))) {
            for (int k = 0; k < part.rows().length; k++) {
                row[0] = k;
                if (part.uncond() != null) {
                    t.advance(tensor(part.uncond()[k]), tensor(part.output()[k]));
                } else {
                    t.advance(tensor(part.output()[k]));
                }
            }
            HostTensor end = (HostTensor) t.sample();
            float[] values = new float[part.before()[0].length];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) end.getDouble(i);
            }
            return values;
        }
    }

    private static HostTensor tensor(double[] values) {
        HostTensor t = HostTensor.allocate(DType.F32, values.length);
        fill(t, values);
        return t;
    }

    private static void fill(HostTensor target, double[] values) {
        for (int i = 0; i < values.length; i++) {
            target.setDouble(i, values[i]);
        }
    }

    /** Every n-th case that is recorded, planned and of finite values. */
    private static List<TraceCase> traces(Variant variant, int n) throws IOException {
        List<TraceCase> traces = new ArrayList<>();
        int i = 0;
        for (JsonNode c : RecordedValues.cases("index")) {
            if (i++ % n != 0 || !isRecorded(c, variant) || c.path("has_nan").path(variant.text()).asBoolean()) {
                continue;
            }
            try (Safetensors file = Safetensors.open(RecordedValues.folder().resolve(c.path("file").asText()))) {
                traces.add(TraceCases.build(c, new TraceTensors(file, c.path("id").asText(), variant.text()), variant));
            } catch (UnsupportedCaseException e) {
                throw new AssertionError(c.path("id").asText(), e);
            }
        }
        return traces;
    }

    /** The coefficients a row can be wrong in, each made larger by a factor; none so small that others would hide the change. */
    private static Map<String, Step> mutants(Step s, boolean preview, double m, double least) {
        Map<String, Step> all = new TreeMap<>();
        if (Math.abs(s.cx()) > least) {
            all.put("cx", new Step(s.edge(), s.at(), s.to(), s.in(), s.out(), s.px(), s.pg(), s.cx() * m, s.cp(),
                    s.cg(), s.history(), s.cz(), s.variance(), s.store()));
        }
        if (Math.abs(s.cp()) > least) {
            all.put("cp", new Step(s.edge(), s.at(), s.to(), s.in(), s.out(), s.px(), s.pg(), s.cx(), s.cp() * m,
                    s.cg(), s.history(), s.cz(), s.variance(), s.store()));
        }
        if (Math.abs(s.cg()) > least) {
            all.put("cg", new Step(s.edge(), s.at(), s.to(), s.in(), s.out(), s.px(), s.pg(), s.cx(), s.cp(),
                    s.cg() * m, s.history(), s.cz(), s.variance(), s.store()));
        }
        if (Math.abs(s.cz()) > least) {
            all.put("cz", new Step(s.edge(), s.at(), s.to(), s.in(), s.out(), s.px(), s.pg(), s.cx(), s.cp(),
                    s.cg(), s.history(), s.cz() * m, s.variance(), s.store()));
        }
        if (preview && Math.abs(s.px()) > least) {
            all.put("px", new Step(s.edge(), s.at(), s.to(), s.in(), s.out(), s.px() * m, s.pg(), s.cx(), s.cp(),
                    s.cg(), s.history(), s.cz(), s.variance(), s.store()));
        }
        if (preview && Math.abs(s.pg()) > least) {
            all.put("pg", new Step(s.edge(), s.at(), s.to(), s.in(), s.out(), s.px(), s.pg() * m, s.cx(), s.cp(),
                    s.cg(), s.history(), s.cz(), s.variance(), s.store()));
        }
        for (int k = 0; k < s.history().size(); k++) {
            if (Math.abs(s.history().get(k).coefficient()) > least) {
                List<Term> terms = new ArrayList<>(s.history());
                terms.set(k, new Term(terms.get(k).slot(), terms.get(k).coefficient() * m));
                all.put("history " + k, new Step(s.edge(), s.at(), s.to(), s.in(), s.out(), s.px(), s.pg(), s.cx(),
                        s.cp(), s.cg(), terms, s.cz(), s.variance(), s.store()));
            }
        }
        return all;
    }

    /** The replay would be worthless if it could not fail: any coefficient off by one part in 10^9 must be found. */
    @Test
    void aCoefficientOffByAPartInABillionIsFound() throws IOException {
        // 2e-12, twice the tolerance of a step, lets the badly conditioned cases pass unchanged; 1e-9 is that of a rollout.
        findMutants(Variant.X64, 1 + 1e-9, new TraceRunner.Tolerances(DType.F64, 2e-12, 1e-9), 150);
    }

    /** In float32 a part in 2,000, also in rows that are held to ulps of their largest term. */
    @Test
    void inFloat32ACoefficientOffByAPartIn2000IsFound() throws IOException {
        findMutants(Variant.F32, 1 + 5e-4, new TraceRunner.Tolerances(DType.F32, 7e-6, Double.POSITIVE_INFINITY), 100);
    }

    private static void findMutants(Variant variant, double factor, TraceRunner.Tolerances tolerances, int least)
            throws IOException {
        int mutants = 0;
        List<String> missed = new ArrayList<>();
        try (Backend scalar = Backends.named("scalar")) {
            for (TraceCase trace : traces(variant, 7)) {
                for (TraceCase.Part part : trace.parts()) {
                    int last = part.rows()[part.rows().length - 1];
                    for (int row : new TreeSet<>(List.of(part.rows()[0], last))) {
                        Step step = part.plan().steps().get(row);
                        // A clipped prediction may hide what it was made from.
                        boolean preview = part.preview() != null && part.plan().clip().isNone();
                        double smallest = variant == Variant.X64 ? 1e-2 : 0.1;
                        for (Map.Entry<String, Step> mutant : mutants(step, preview, factor, smallest).entrySet()) {
                            mutants++;
                            if (run(scalar, trace, part, row, mutant.getValue(), tolerances) == null) {
                                missed.add(trace.id() + " row " + row + " " + mutant.getKey() + " of " + step);
                            }
                        }
                        assertNull(run(scalar, trace, part, row, step, tolerances), trace.id());
                    }
                }
            }
        }
        assertEquals(List.of(), missed);
        assertTrue(mutants > least, "only " + mutants + " mutants");
    }

    private static String run(Backend backend, TraceCase trace, TraceCase.Part part, int row, Step step,
            TraceRunner.Tolerances tolerances) {
        List<Step> steps = new ArrayList<>(part.plan().steps());
        steps.set(row, step);
        SamplingPlan p = part.plan();
        SamplingPlan plan = new SamplingPlan(p.solver(), p.prediction(), p.clip(), p.guidance(), p.outputs(), steps);
        TraceCase.Part other = new TraceCase.Part(plan, part.rows(), part.whole(), part.before(), part.after(),
                part.output(), part.uncond(), part.noise(), part.preview(), part.times(), part.samples());
        TraceCase mutant = new TraceCase(trace.id(), List.of(other), false, false);
        return new TraceRunner(backend, tolerances).run(mutant).failure();
    }

    @Test
    void anotherTimestepIsFound() throws IOException {
        try (Backend scalar = Backends.named("scalar")) {
            TraceCase trace = traces(Variant.X64, 1).getFirst();
            TraceCase.Part part = trace.parts().getFirst();
            Step s = part.plan().steps().get(2);
            Step told = new Step(s.edge(), s.at().withTime(s.at().t() + 1), s.to(), s.in(), s.out(), s.px(), s.pg(),
                    s.cx(), s.cp(), s.cg(), s.history(), s.cz(), s.variance(), s.store());
            String failure = run(scalar, trace, part, 2, told,
                    new TraceRunner.Tolerances(DType.F64, 1e-12, 1e-9));
            assertNotNull(failure);
            assertTrue(failure.contains("the network is asked at t="), failure);
        }
    }

    @Test
    void oneCaseOrOneGroupCanBeChosen() throws IOException {
        try (Backend scalar = Backends.named("scalar")) {
            List<String> told = new ArrayList<>();
            Report one = TraceReplay.run(RecordedValues.folder(), Variant.X64, scalar, null, "ddim/default_T10",
                    o -> told.add(o.id()));
            assertEquals(List.of("ddim/default_T10"), told);
            assertEquals(10, one.outcomes().getFirst().steps());
            Report group = TraceReplay.run(RecordedValues.folder(), Variant.X64, scalar, "pndm", null, _ -> {
            });
            assertEquals(12, group.outcomes().size());
            assertEquals("scalar", group.backend());
            assertTrue(group.toJson().contains("\"passed\" : 12"), group.toJson());
            IllegalArgumentException none = assertThrows(IllegalArgumentException.class,
                    () -> TraceReplay.run(RecordedValues.folder(), Variant.X64, scalar, "pndm", "ddim/default_T10",
                            _ -> {
                            }));
            assertTrue(none.getMessage().contains("ddim/default_T10"), none.getMessage());
        }
    }

    @Test
    void aCaseOfAnUnknownSourceIsToldAsUnsupported(@TempDir Path folder) throws IOException {
        Files.copy(RecordedValues.folder().resolve("null_text.safetensors"), folder.resolve("other.safetensors"));
        Files.writeString(folder.resolve("index.json"), """
                {"cases": [{"id": "other/T5", "group": "other", "variants": ["f32"]}]}""");
        try (Backend scalar = Backends.named("scalar")) {
            Report report = TraceReplay.run(folder, Variant.F32, scalar, null, null, _ -> {
            });
            assertEquals("the source other is not known", report.unsupported().getFirst().unsupported());
            assertFalse(report.outcomes().getFirst().isPassed());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[", "{\"cases\": [}"})
    void aBrokenIndexIsTold(String text, @TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("index.json"), text);
        try (Backend scalar = Backends.named("scalar")) {
            Exception e = assertThrows(Exception.class, () -> TraceReplay.run(folder, Variant.F32, scalar, null, null,
                    _ -> {
                    }));
            assertTrue(e.getMessage().contains(folder.toString()), e.getMessage());
        }
    }

    @Test
    void aFolderWithoutAnIndexIsTold(@TempDir Path folder) {
        try (Backend scalar = Backends.named("scalar")) {
            IOException e = assertThrows(IOException.class,
                    () -> TraceReplay.run(folder, Variant.F32, scalar, null, null, _ -> {
                    }));
            assertTrue(e.getMessage().contains("index.json"), e.getMessage());
        }
    }

    @Test
    void variantsHaveNames() {
        for (Variant v : Variant.values()) {
            assertEquals(v, Variant.parse(v.text()));
        }
        assertThrows(IllegalArgumentException.class, () -> Variant.parse("f16"));
    }

    /** The float32 tables are torch's, bit for bit; the double ones agree to rounding. */
    @Test
    void tablesAreTheRecordedOnes() throws IOException {
        Set<String> seen = new TreeSet<>();
        try (Safetensors tables = RecordedValues.open("tables")) {
            for (JsonNode c : RecordedValues.cases("index")) {
                for (Variant variant : List.of(Variant.F32, Variant.X64)) {
                    JsonNode hash = c.path("tables").path(variant.text()).path("alphas_cumprod");
                    if (!c.has("scheduler_config_json") || hash.isMissingNode()
                            || c.path("has_nan").path(variant.text()).asBoolean()
                            || !seen.add(hash.asText() + c.path("group").asText())) {
                        continue;
                    }
                    AlphaBarTable table = TraceCases.load(c, variant).table();
                    double[] expected = tables.toDoubleArray(hash.asText());
                    double[] got = IntStream.range(0, table.size()).mapToDouble(table::alphaBar).toArray();
                    // torch's vectorised float32 exp is another than the one here: an ulp of alphaBar.
                    boolean ulp = c.path("scheduler_config").path("beta_schedule").asText().equals("sigmoid");
                    double tolerance = variant == Variant.X64 ? 1e-15 : ulp ? 0x1p-23 : 0;
                    for (int i = 0; i < expected.length; i++) {
                        assertTrue(Math.abs(got[i] - expected[i]) <= tolerance,
                                c.path("id") + " " + variant + " entry " + i + ": " + got[i] + ", " + expected[i]);
                    }
                }
            }
        }
        assertTrue(seen.size() > 20, seen.toString());
    }
}
