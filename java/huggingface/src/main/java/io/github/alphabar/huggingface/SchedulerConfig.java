// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A Hugging Face {@code scheduler_config.json}: a class, its parameters with that class's own defaults, the keys it does not know,
 * and a report of what became of each. Immutable; safe to share.
 *
 * <p>
 * A file of one class may be loaded into another, as diffusers' {@code from_config} does: parameters both have are taken over, others
 * keep the target's defaults and are written back unread.
 */
public final class SchedulerConfig {
    /** The version of diffusers whose constructors are followed. */
    public static final String DIFFUSERS_VERSION = "0.40.0.dev0";

    private static final int MAX_DOCUMENT = 16 << 20;

    private final SchedulerClass type;
    private final Map<String, JsonNode> values;
    private final Map<String, JsonNode> extra;
    private final Report report;

    /**
     * What became of the keys of a file.
     *
     * @param used
     *            parameters of the class, as given
     * @param defaulted
     *            parameters the file leaves out, with the class's default
     * @param ignored
     *            parameters of other schedulers: kept and written back, without effect
     * @param unknown
     *            keys of no known scheduler: kept and written back, without effect
     * @param conflicts
     *            settings that contradict each other or that diffusers changes silently, one sentence each
     */
    public record Report(List<String> used, List<String> defaulted, List<String> ignored, List<String> unknown,
            List<String> conflicts) {
        /** Copies the lists. */
        public Report {
            used = List.copyOf(used);
            defaulted = List.copyOf(defaulted);
            ignored = List.copyOf(ignored);
            unknown = List.copyOf(unknown);
            conflicts = List.copyOf(conflicts);
        }

        /**
         * Whether somebody should look.
         *
         * @return true where a key is ignored, unknown or in conflict
         */
        public boolean isWorthReading() {
            return !ignored.isEmpty() || !unknown.isEmpty() || !conflicts.isEmpty();
        }

        @Override
        public String toString() {
            StringBuilder text = new StringBuilder();
            line(text, "used", used);
            line(text, "default", defaulted);
            line(text, "ignored (another scheduler's)", ignored);
            line(text, "unknown", unknown);
            conflicts.forEach(c -> text.append("note: ").append(c).append('\n'));
            return text.toString();
        }

        private static void line(StringBuilder text, String what, List<String> keys) {
            if (!keys.isEmpty()) {
                text.append(what).append(": ").append(String.join(", ", keys)).append('\n');
            }
        }
    }

    private SchedulerConfig(SchedulerClass type, Map<String, JsonNode> values, Map<String, JsonNode> extra,
            Report report) {
        this.type = type;
        this.values = Collections.unmodifiableMap(values);
        this.extra = Collections.unmodifiableMap(extra);
        this.report = report;
    }

    static ObjectMapper lenientMapper() {
        JsonFactory factory = JsonFactory.builder()
                .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(32)
                        .maxStringLength(1 << 16)
                        .maxNumberLength(100)
                        .maxDocumentLength(MAX_DOCUMENT)
                        .build())
                .build();
        return new ObjectMapper(factory).enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    }

    /**
     * Reads a file.
     *
     * @param file
     *            a scheduler_config.json
     * @return the configuration, in the class the file names
     * @throws IOException
     *             where the file cannot be read or is larger than 16 MiB
     * @throws IllegalArgumentException
     *             where it is no such configuration
     */
    public static SchedulerConfig read(Path file) throws IOException {
        if (Files.size(file) > MAX_DOCUMENT) {
            throw new IOException(
                    "'" + file + "' has " + Files.size(file) + " bytes; a scheduler_config.json has a few hundred.");
        }
        return parse(Files.readString(file));
    }

    /**
     * Parses a configuration.
     *
     * @param json
     *            the text; bare Infinity, -Infinity and NaN are accepted, as Python writes them
     * @return the configuration, in the class the text names
     */
    public static SchedulerConfig parse(String json) {
        return parse(json, null);
    }

    /**
     * Parses a configuration into a class of the caller's choice.
     *
     * @param json
     *            the text
     * @param target
     *            the class, or null for the one the text names
     * @return the configuration
     * @throws IllegalArgumentException
     *             for text that is no JSON object, a value of the wrong type, or a class that cannot be loaded
     */
    public static SchedulerConfig parse(String json, SchedulerClass target) {
        JsonNode tree;
        try {
            tree = lenientMapper().readTree(json);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(
                    "The scheduler configuration is not JSON: " + e.getOriginalMessage() + ".", e);
        }
        if (tree == null || !tree.isObject()) {
            throw new IllegalArgumentException(
                    "A scheduler configuration is a JSON object, but the text holds something else.");
        }
        Map<String, JsonNode> given = new LinkedHashMap<>();
        tree.fieldNames().forEachRemaining(k -> given.put(k, tree.get(k)));
        JsonNode name = given.remove("_class_name");
        given.keySet().removeIf(k -> k.startsWith("_"));
        if (target == null) {
            if (name == null || !name.isTextual()) {
                throw new IllegalArgumentException(
                        "The configuration names no \"_class_name\"; say which class to load it into: "
                                + SchedulerClass.names() + ".");
            }
            target = SchedulerClass.named(name.asText());
        }
        return of(target, given);
    }

    /**
     * A class with some of its parameters.
     *
     * @param type
     *            the class
     * @param given
     *            parameters by name
     * @return the configuration
     */
    static SchedulerConfig of(SchedulerClass type, Map<String, JsonNode> given) {
        Map<String, JsonNode> values = new LinkedHashMap<>();
        Map<String, JsonNode> extra = new LinkedHashMap<>();
        List<String> used = new ArrayList<>();
        List<String> defaulted = new ArrayList<>();
        List<String> ignored = new ArrayList<>();
        List<String> unknown = new ArrayList<>();
        List<String> conflicts = new ArrayList<>();
        type.defaults().forEach((key, fallback) -> {
            JsonNode value = infinity(given.get(key), fallback);
            if (value == null) {
                values.put(key, fallback);
                defaulted.add(key);
            } else if (value.isNull() && !fallback.isNull()) {
                values.put(key, fallback);
                conflicts.add(key + " is null; the default " + fallback + " is used.");
            } else {
                check(key, value, fallback);
                values.put(key, value);
                used.add(key);
            }
        });
        given.forEach((key, value) -> {
            if (!values.containsKey(key)) {
                extra.put(key, value);
                if (key.equals("set_alpha_to_zero") && type == SchedulerClass.DDIM_INVERSE && value.isBoolean()) {
                    values.put("set_alpha_to_one", value);
                    conflicts.add("set_alpha_to_zero is the old name of set_alpha_to_one and is used as such.");
                } else {
                    (SchedulerClass.isKnownAnywhere(key) ? ignored : unknown).add(key);
                }
            }
        });
        conflicts.addAll(ConfigChecks.conflicts(type, values));
        // The class rewrites names that it takes for others, and a file saved by it holds the rewritten ones.
        if (values.containsKey("algorithm_type")) {
            values.computeIfPresent("solver_type",
                    (_, v) -> ConfigChecks.MIDPOINT_ALIASES.contains(v.asText()) ? TextNode.valueOf("midpoint") : v);
            values.computeIfPresent("algorithm_type",
                    (_, v) -> v.asText().equals("deis") ? TextNode.valueOf("dpmsolver++") : v);
        }
        return new SchedulerConfig(type, values, extra, new Report(used, defaulted, ignored, unknown, conflicts));
    }

    /** Strict JSON has no infinities, so tools that must write it write strings. */
    private static JsonNode infinity(JsonNode value, JsonNode fallback) {
        if (value != null && value.isTextual() && fallback.isFloatingPointNumber()) {
            return switch (value.asText()) {
                case "-Infinity" -> DoubleNode.valueOf(Double.NEGATIVE_INFINITY);
                case "Infinity" -> DoubleNode.valueOf(Double.POSITIVE_INFINITY);
                default -> value;
            };
        }
        return value;
    }

    private static void check(String key, JsonNode value, JsonNode fallback) {
        boolean good = switch (key) {
            case "trained_betas" -> value.isNull() || value.isArray();
            case "variance_type" -> value.isNull() || value.isTextual();
            default -> fallback.isBoolean() ? value.isBoolean()
                    : fallback.isTextual() ? value.isTextual()
                            : fallback.isIntegralNumber() ? value.canConvertToInt() && isWhole(value)
                                    : value.isNumber();
        };
        if (!good) {
            String expected = fallback.isBoolean() ? "true or false"
                    : fallback.isTextual() ? "a string" : key.equals("trained_betas") ? "null or a list of numbers"
                            : key.equals("variance_type") ? "null or a string"
                                    : fallback.isIntegralNumber() ? "a whole number"
                                            : "a number";
            throw new IllegalArgumentException("\"" + key + "\" must be " + expected + ", but is " + clip(value) + ".");
        }
    }

    private static boolean isWhole(JsonNode value) {
        return value.isIntegralNumber() || (value.isNumber() && value.asDouble() == Math.rint(value.asDouble()));
    }

    static String clip(JsonNode value) {
        String s = value.toString();
        return s.length() > 60 ? s.substring(0, 57) + "..." : s;
    }

    /**
     * The class.
     *
     * @return what the configuration was loaded into
     */
    public SchedulerClass type() {
        return type;
    }

    /**
     * What became of the keys.
     *
     * @return the report
     */
    public Report report() {
        return report;
    }

    /**
     * The same parameters with some changed.
     *
     * @param key
     *            a parameter of the class
     * @param json
     *            its value as JSON
     * @return a new configuration
     */
    public SchedulerConfig with(String key, String json) {
        if (!values.containsKey(key)) {
            throw new IllegalArgumentException(
                    type.className() + " has no parameter '" + key + "'; it has " + values.keySet() + ".");
        }
        Map<String, JsonNode> given = given();
        JsonNode value;
        try {
            value = lenientMapper().readTree(json);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("The value of '" + key + "' is not JSON: " + json, e);
        }
        if (value.isMissingNode()) {
            throw new IllegalArgumentException("The value of '" + key + "' is empty; give JSON, such as null.");
        }
        given.put(key, value);
        if (key.equals("set_alpha_to_one")) {
            given.remove("set_alpha_to_zero");
        }
        return of(type, given);
    }

    /**
     * The same keys in another class. What the file left out takes the target's default, as in diffusers.
     *
     * @param target
     *            the class
     * @return a new configuration, with the target's defaults where it has parameters of its own
     */
    public SchedulerConfig into(SchedulerClass target) {
        return of(target, given());
    }

    /** The keys of the file: a default of this class is none of another's. */
    private Map<String, JsonNode> given() {
        Map<String, JsonNode> given = new LinkedHashMap<>(extra);
        report.used().forEach(k -> given.put(k, values.get(k)));
        return given;
    }

    /**
     * Writes the configuration as diffusers does: sorted keys, two spaces, bare infinities.
     *
     * @return JSON that {@link #parse(String)} reads back to an equal configuration
     */
    public String toJson() {
        Map<String, JsonNode> all = new TreeMap<>(values);
        extra.forEach(all::putIfAbsent);
        all.put("_class_name", TextNode.valueOf(type.className()));
        all.put("_diffusers_version", TextNode.valueOf(DIFFUSERS_VERSION));
        return PythonJson.write(all);
    }

    boolean has(String key) {
        return values.containsKey(key);
    }

    boolean flag(String key) {
        return values.containsKey(key) && values.get(key).asBoolean();
    }

    int whole(String key) {
        return values.containsKey(key) ? values.get(key).asInt() : 0;
    }

    double number(String key) {
        return values.get(key).asDouble();
    }

    /** A string, or null where the value is null or the class has no such parameter. */
    String text(String key) {
        JsonNode v = values.get(key);
        return v == null || v.isNull() ? null : v.asText();
    }

    /** The given betas, or null. */
    double[] trainedBetas() {
        JsonNode list = values.get("trained_betas");
        if (list.isNull()) {
            return null;
        }
        double[] betas = new double[list.size()];
        for (int i = 0; i < betas.length; i++) {
            betas[i] = list.get(i).asDouble();
        }
        return betas;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SchedulerConfig that && type == that.type && values.equals(that.values)
                && extra.equals(that.extra);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return toJson();
    }
}
