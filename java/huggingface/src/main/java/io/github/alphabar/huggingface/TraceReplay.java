// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.alphabar.backend.Backend;
import io.github.alphabar.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Replays recorded traces of reference implementations: a folder with an {@code index.json} that lists cases and a safetensors file
 * for each group of them.
 */
public final class TraceReplay {
    private static final int MAX_INDEX = 64 << 20;
    /** The tolerance of a float32 step of the second sources. */
    private static final double SECOND_SOURCES = 7e-6;

    private TraceReplay() {
    }

    /** How the reference was run, and how it is repeated. */
    public enum Variant {
        /** float32 throughout. */
        F32("f32", DType.F32, 2e-6, 1e-4),
        /** float64 samples with the reference's float32 tables and coefficients. */
        F64("f64", DType.F64, 2e-6, 1e-4),
        /** float64 tables and arithmetic: the oracle of the formulas. */
        X64("x64", DType.F64, 1e-12, 1e-9);

        private final String text;
        private final DType dtype;
        private final double step;
        private final double rollout;

        Variant(String text, DType dtype, double step, double rollout) {
            this.text = text;
            this.dtype = dtype;
            this.step = step;
            this.rollout = rollout;
        }

        /**
         * A variant by name.
         *
         * @param name
         *            f32, f64 or x64
         * @return the variant
         */
        public static Variant parse(String name) {
            for (Variant v : values()) {
                if (v.text.equals(name)) {
                    return v;
                }
            }
            throw new IllegalArgumentException("Unknown variant '" + name + "'; the variants are f32, f64 and x64.");
        }

        /**
         * The name in files.
         *
         * @return f32, f64 or x64
         */
        public String text() {
            return text;
        }
    }

    /**
     * What came of one case.
     *
     * @param id
     *            the case
     * @param group
     *            its group
     * @param steps
     *            rows compared
     * @param worst
     *            the largest relative error step by step
     * @param tolerance
     *            what it was held against
     * @param conditioned
     *            rows that float32 cannot give to that tolerance because their terms cancel: they are beyond it relative to
     *            max(1, |expected|), and within 4 ulp of their largest term
     * @param letter
     *            the largest error of a state relative to max(1, |expected|) alone
     * @param failure
     *            the first difference, or null
     * @param unsupported
     *            why the case cannot be repeated, or null
     * @param decision
     *            what this library does where the reference gives NaN, or null
     */
    public record Outcome(String id, String group, int steps, double worst, double tolerance, int conditioned,
            double letter, String failure, String unsupported, String decision) {
        /**
         * Whether the case was repeated within its tolerance.
         *
         * @return false for failed and unsupported cases
         */
        public boolean isPassed() {
            return failure == null && unsupported == null;
        }
    }

    /**
     * What came of a folder.
     *
     * @param variant
     *            how it was run
     * @param backend
     *            the backend's name
     * @param outcomes
     *            the cases in order
     * @param absent
     *            how many selected cases have no recording of the variant
     */
    public record Report(Variant variant, String backend, List<Outcome> outcomes, int absent) {
        /** Copies the list. */
        public Report {
            outcomes = List.copyOf(outcomes);
        }

        /**
         * The cases beyond their tolerance.
         *
         * @return in order
         */
        public List<Outcome> failures() {
            return outcomes.stream().filter(o -> o.failure() != null).toList();
        }

        /**
         * The cases that cannot be repeated.
         *
         * @return in order
         */
        public List<Outcome> unsupported() {
            return outcomes.stream().filter(o -> o.unsupported() != null).toList();
        }

        /**
         * The cases by group.
         *
         * @return in order of appearance
         */
        public Map<String, List<Outcome>> groups() {
            Map<String, List<Outcome>> groups = new LinkedHashMap<>();
            outcomes.forEach(o -> groups.computeIfAbsent(o.group(), _ -> new ArrayList<>()).add(o));
            return groups;
        }

        /**
         * The cases with rows that float32 cannot give to the tolerance.
         *
         * @return in order
         */
        public List<Outcome> conditioned() {
            return outcomes.stream().filter(o -> o.conditioned() > 0).toList();
        }

        /**
         * The report as data.
         *
         * @return JSON with the variant, the backend, a line for each group, failures, unsupported and badly
         *         conditioned cases, and decisions
         */
        public String toJson() {
            ObjectMapper mapper = new ObjectMapper();
            ObjectNode root = mapper.createObjectNode();
            root.put("variant", variant.text());
            root.put("backend", backend);
            root.put("absent", absent);
            ArrayNode lines = root.putArray("groups");
            groups().forEach((name, list) -> {
                ObjectNode g = lines.addObject();
                g.put("group", name);
                g.put("cases", list.size());
                g.put("steps", list.stream().mapToInt(Outcome::steps).sum());
                g.put("passed", list.stream().filter(Outcome::isPassed).count());
                g.put("failed", list.stream().filter(o -> o.failure() != null).count());
                g.put("unsupported", list.stream().filter(o -> o.unsupported() != null).count());
                g.put("worst", list.stream().mapToDouble(Outcome::worst).max().orElse(0));
            });
            ArrayNode failed = root.putArray("failures");
            failures().forEach(o -> failed.addObject().put("case", o.id()).put("difference", o.failure()));
            ArrayNode skipped = root.putArray("unsupported");
            unsupported().forEach(o -> skipped.addObject().put("case", o.id()).put("reason", o.unsupported()));
            ArrayNode cancelling = root.putArray("conditioned");
            conditioned().forEach(o -> cancelling.addObject()
                    .put("case", o.id())
                    .put("steps", o.conditioned())
                    .put("worst", o.letter()));
            ArrayNode decided = root.putArray("decisions");
            outcomes.stream()
                    .filter(o -> o.decision() != null)
                    .forEach(o -> decided.addObject().put("case", o.id()).put("decision", o.decision()));
            return root.toPrettyString() + "\n";
        }
    }

    /**
     * Replays a folder.
     *
     * @param folder
     *            with index.json and the safetensors files it names
     * @param variant
     *            which recording
     * @param backend
     *            what executes the rows
     * @param group
     *            only this group, or null
     * @param id
     *            only this case, or null
     * @param progress
     *            told of every outcome
     * @return the report
     * @throws IOException
     *             where a file is missing or broken
     * @throws IllegalArgumentException
     *             where no case is selected
     */
    public static Report run(Path folder, Variant variant, Backend backend, String group, String id,
            Consumer<Outcome> progress)
            throws IOException {
        Path index = folder.resolve("index.json");
        if (!Files.isRegularFile(index)) {
            throw new IOException("'" + folder + "' has no index.json; give a folder of recorded traces.");
        }
        if (Files.size(index) > MAX_INDEX) {
            throw new IOException("'" + index + "' has " + Files.size(index) + " bytes, more than the " + MAX_INDEX
                    + " an index may have.");
        }
        JsonNode cases;
        try {
            cases = new ObjectMapper(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(64).build())
                    .build())
                    .readTree(index.toFile())
                    .path("cases");
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            throw new IOException("'" + index + "' is not JSON: " + e.getOriginalMessage() + ".", e);
        }
        List<Outcome> outcomes = new ArrayList<>();
        int absent = 0;
        Map<String, Safetensors> files = new LinkedHashMap<>();
        try {
            for (JsonNode c : cases) {
                String name = c.path("id").asText();
                String itsGroup = c.path("group").asText(name.split("/")[0]);
                if ((group != null && !group.equals(itsGroup)) || (id != null && !id.equals(name))) {
                    continue;
                }
                if (!isRecorded(c, variant)) {
                    absent++;
                    continue;
                }
                Outcome outcome = replay(folder, files, c, name, itsGroup, variant, backend);
                outcomes.add(outcome);
                progress.accept(outcome);
            }
        } finally {
            for (Safetensors file : files.values()) {
                file.close();
            }
        }
        if (outcomes.isEmpty()) {
            throw new IllegalArgumentException("No case of '" + folder + "' is selected"
                    + (group != null ? " by group '" + group + "'" : "") + (id != null ? " by case '" + id + "'" : "")
                    + (absent > 0 ? " with a recording of variant " + variant.text() : "") + ".");
        }
        return new Report(variant, backend.name(), outcomes, absent);
    }

    private static boolean isRecorded(JsonNode c, Variant variant) {
        for (JsonNode v : c.path("variants")) {
            if (v.asText().equals(variant.text())) {
                return true;
            }
        }
        return false;
    }

    private static Outcome replay(Path folder, Map<String, Safetensors> files, JsonNode c, String id, String group,
            Variant variant,
            Backend backend) throws IOException {
        String file = c.path("file").asText(group + ".safetensors");
        Safetensors tensors = files.get(file);
        if (tensors == null) {
            tensors = Safetensors.open(folder.resolve(file));
            files.put(file, tensors);
        }
        boolean fails = c.path("has_nan").path(variant.text()).asBoolean();
        TraceCase trace;
        try {
            trace = TraceCases.build(c, new TraceTensors(tensors, id, variant.text()), variant);
        } catch (UnsupportedCaseException e) {
            return skipped(id, group, e.getMessage());
        } catch (IllegalArgumentException e) {
            if (fails) {
                return new Outcome(id, group, 0, 0, variant.step, 0, 0, null, null, "refused: " + e.getMessage());
            }
            return new Outcome(id, group, 0, 0, variant.step, 0, 0, "refused: " + e.getMessage(), null, null);
        }
        double step = tolerance(c, variant, trace.badlyConditioned());
        // Where the reference's own float32 and float64 runs part, a float32 rollout tells nothing; its steps were compared.
        double rollout = variant != Variant.X64 && trace.badlyConditioned() ? Double.POSITIVE_INFINITY
                : variant.rollout;
        TraceRunner.Result r = new TraceRunner(backend, new TraceRunner.Tolerances(variant.dtype, step, rollout))
                .run(trace);
        String decision = fails && r.failure() == null ? "finite where the reference is not" : null;
        return new Outcome(id, group, r.steps(), r.worst(), step, r.conditioned(), r.letter(), r.failure(), null,
                decision);
    }

    /**
     * x64: the formulas agree to 1e-12, 1e-9 where errors grow. With float32 tables and coefficients: 2e-6, and 7e-6 for the second
     * sources, of which not every operation is repeated.
     */
    private static double tolerance(JsonNode c, Variant variant, boolean badlyConditioned) {
        if (variant == Variant.X64) {
            return badlyConditioned ? 1e-9 : variant.step;
        }
        return c.has("scheduler_config") ? variant.step : SECOND_SOURCES;
    }

    private static Outcome skipped(String id, String group, String reason) {
        return new Outcome(id, group, 0, 0, 0, 0, 0, null, reason, null);
    }
}
