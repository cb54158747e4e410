// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against files that diffusers wrote, and against text that nobody should write. */
class SchedulerConfigTest {

    private static String refusal(Runnable r) {
        return assertThrows(IllegalArgumentException.class, r::run).getMessage();
    }

    private static SchedulerConfig ddim(String members) {
        return SchedulerConfig.parse("{" + members + "}", SchedulerClass.DDIM);
    }

    private static SchedulerConfig dpm(String members) {
        return SchedulerConfig.parse("{" + members + "}", SchedulerClass.DPM_MULTISTEP);
    }

    /** One recorded file cannot: its settings give NaN in diffusers and are refused on reading. */
    @Test
    void everyRecordedFileRoundTripsByteForByte() throws IOException {
        List<String> refused = new ArrayList<>();
        int same = 0;
        for (JsonNode c : RecordedValues.cases("index")) {
            if (!c.has("scheduler_config_json")) {
                continue;
            }
            String written = c.path("scheduler_config_json").asText();
            try {
                assertEquals(written, SchedulerConfig.parse(written).toJson(), c.path("id").asText());
                same++;
            } catch (IllegalArgumentException e) {
                refused.add(c.path("id").asText());
            }
        }
        assertEquals(List.of("dpm_inverse/grid_sde-dpmsolver++_o2_T10_quirk_nan"), refused);
        assertEquals(185, same);
    }

    @Test
    void filesOfOtherClassesLoadAsInDiffusers() throws IOException {
        List<String> foreign = new ArrayList<>();
        for (JsonNode c : RecordedValues.cases("config_load")) {
            String target = c.path("target_class").asText();
            if (!SchedulerClass.names().contains(target)) {
                foreign.add(target);
                assertTrue(refusal(() -> SchedulerClass.named(target)).contains(target));
                continue;
            }
            String source = c.path("source_config").toString();
            SchedulerConfig loaded = SchedulerConfig.parse(source, SchedulerClass.named(target));
            assertEquals(c.path("result_json").asText(), loaded.toJson(), c.path("id").asText());
            // Read in its own class first, where there is one, the file gives the same.
            String own = c.path("source_config").path("_class_name").asText();
            if (SchedulerClass.names().contains(own)) {
                SchedulerConfig first = SchedulerConfig.parse(source);
                assertEquals(loaded.toJson(), first.into(loaded.type()).toJson(), c.path("id").asText());
            }
        }
        assertEquals(List.of("UniPCMultistepScheduler", "LMSDiscreteScheduler"), foreign);
    }

    @ParameterizedTest
    @EnumSource
    void anEmptyFileMeansTheDefaultsOfTheClass(SchedulerClass type) {
        SchedulerConfig empty = SchedulerConfig.parse("{}", type);
        assertEquals(List.copyOf(type.defaults().keySet()), empty.report().defaulted());
        assertEquals(List.of(), empty.report().used());
        assertFalse(empty.report().isWorthReading());
        assertEquals(empty, SchedulerConfig.parse(empty.toJson()));
        assertEquals(empty.hashCode(), SchedulerConfig.parse(empty.toJson()).hashCode());
        assertEquals(empty.toJson(), empty.toString());
    }

    /** A DDIM file without timestep_spacing means leading; the same file in a DPM-Solver means linspace. */
    @Test
    void aDefaultIsNotCarriedIntoAnotherClass() {
        SchedulerConfig ddim = ddim("\"beta_end\": 0.012");
        assertEquals("leading", ddim.text("timestep_spacing"));
        assertEquals("linspace", ddim.into(SchedulerClass.DPM_MULTISTEP).text("timestep_spacing"));
        assertEquals(0.012, ddim.into(SchedulerClass.DPM_MULTISTEP).number("beta_end"));
        assertEquals("linspace",
                ddim.with("beta_end", "0.013").into(SchedulerClass.DPM_MULTISTEP).text("timestep_spacing"));
        assertEquals("leading", ddim.with("timestep_spacing", "\"leading\"")
                .into(SchedulerClass.DPM_MULTISTEP)
                .text("timestep_spacing"));
    }

    @Test
    void keysSurviveTheWayThroughAClassWithoutThem() {
        SchedulerConfig ddim = ddim("\"clip_sample\": false, \"set_alpha_to_one\": false");
        SchedulerConfig back = ddim.into(SchedulerClass.DPM_MULTISTEP).into(SchedulerClass.DDIM);
        assertFalse(back.flag("clip_sample"));
        assertEquals(ddim, back);
    }

    @Test
    void theReportSortsKeysByWhatBecameOfThem() {
        SchedulerConfig.Report r = ddim("""
                "beta_end": 0.012, "use_karras_sigmas": true, "interpolation_type": "linear", "colour": 3,
                "thresholding": true, "prediction_type": null, "_name": "x"
                """).report();
        assertEquals(List.of("beta_end", "thresholding"), r.used());
        assertEquals(List.of("use_karras_sigmas", "interpolation_type"), r.ignored());
        assertEquals(List.of("colour"), r.unknown());
        assertEquals(List.of("prediction_type is null; the default \"epsilon\" is used.",
                "thresholding and clip_sample are both on; thresholding is used."), r.conflicts());
        assertTrue(r.isWorthReading());
        String text = r.toString();
        for (String part : List.of("used: beta_end, thresholding\n", "unknown: colour\n", "note: prediction_type",
                "ignored (another scheduler's): use_karras_sigmas, interpolation_type\n", "default: ")) {
            assertTrue(text.contains(part), text);
        }
    }

    /** The DPM classes save the names they took others for. */
    @Test
    void aliasesAreRewrittenAndTold() {
        for (String alias : ConfigChecks.MIDPOINT_ALIASES) {
            SchedulerConfig c = dpm("\"solver_type\": \"" + alias + "\"");
            assertEquals("midpoint", c.text("solver_type"));
            assertTrue(c.report().conflicts().getFirst().contains(alias));
        }
        SchedulerConfig deis = dpm("\"algorithm_type\": \"deis\", \"final_sigmas_type\": \"sigma_min\"");
        assertEquals("dpmsolver++", deis.text("algorithm_type"));
        assertTrue(deis.report().conflicts().getFirst().contains("deis"));
    }

    @Test
    void theOldNameOfSetAlphaToOneIsRead() {
        SchedulerConfig c = SchedulerConfig.parse("{\"set_alpha_to_zero\": false}", SchedulerClass.DDIM_INVERSE);
        assertFalse(c.flag("set_alpha_to_one"));
        assertTrue(c.report().conflicts().getFirst().contains("set_alpha_to_zero"));
        assertTrue(c.with("set_alpha_to_one", "true").flag("set_alpha_to_one"));
    }

    @Test
    void nullMeansTheDefaultExceptWhereNullIsAValue() {
        assertEquals("epsilon", ddim("\"prediction_type\": null").text("prediction_type"));
        assertEquals(1000, ddim("\"num_train_timesteps\": null").whole("num_train_timesteps"));
        SchedulerConfig c = dpm("\"trained_betas\": null, \"variance_type\": null");
        assertEquals(List.of("trained_betas", "variance_type"), c.report().used());
        assertEquals(List.of(), c.report().conflicts());
    }

    @Test
    void bareInfinitiesAreReadAndWrittenBack() {
        SchedulerConfig bare = dpm("\"lambda_min_clipped\": -Infinity, \"x\": Infinity, \"y\": NaN");
        assertEquals(Double.NEGATIVE_INFINITY, bare.number("lambda_min_clipped"));
        String json = bare.toJson();
        assertTrue(json.contains("\"lambda_min_clipped\": -Infinity,\n"), json);
        assertTrue(json.contains("\"x\": Infinity,\n") && json.contains("\"y\": NaN\n"), json);
        assertEquals(json, SchedulerConfig.parse(json).toJson());
        // What a strict writer makes of it.
        assertEquals(dpm("\"lambda_min_clipped\": -Infinity"), dpm("\"lambda_min_clipped\": \"-Infinity\""));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"beta_start | NaN", "beta_end | Infinity", "beta_end | -Infinity",
        "beta_end | \"Infinity\"", "flow_shift | Infinity", "lambda_min_clipped | NaN",
        "lambda_min_clipped | Infinity", "sample_max_value | 1e999", "trained_betas | [NaN]"})
    void otherNumbersMustBeFinite(String key, String value) {
        String members = "\"" + key + "\": " + value;
        String more = key.equals("trained_betas") ? ", \"num_train_timesteps\": 1" : "";
        String message = refusal(() -> dpm(members + more));
        assertTrue(message.contains("\"" + key + "\""), message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"clip_sample | 1 | true or false", "clip_sample | \"true\" | true or false",
        "prediction_type | 3 | a string", "prediction_type | {} | a string", "beta_end | \"0.02\" | a number",
        "beta_end | true | a number", "steps_offset | 0.5 | a whole number", "steps_offset | 1e30 | a whole number",
        "steps_offset | [1] | a whole number", "num_train_timesteps | 5000000000 | a whole number",
        "trained_betas | 3 | a list of numbers", "trained_betas | {\"a\": 1} | a list of numbers",
        "trained_betas | [\"a\"] | entry 0", "trained_betas | [[0.1]] | entry 0"})
    void valuesOfTheWrongTypeAreRefusedByName(String key, String value, String expected) {
        String more = value.startsWith("[") && key.equals("trained_betas") ? ", \"num_train_timesteps\": 1" : "";
        String message = refusal(() -> ddim("\"" + key + "\": " + value + more));
        assertTrue(message.contains("\"" + key + "\"") && message.contains(expected), message);
    }

    @Test
    void wholeNumbersMayBeWrittenAsFloats() {
        assertEquals(20, ddim("\"num_train_timesteps\": 20.0").whole("num_train_timesteps"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"num_train_timesteps | 0", "num_train_timesteps | -5",
        "num_train_timesteps | 1000001", "steps_offset | -1", "trained_betas | []", "trained_betas | [0.1]",
        "beta_schedule | \"cubic\"", "timestep_spacing | \"\"", "prediction_type | \"flow_prediction\""})
    void impossibleValuesAreRefusedByName(String key, String value) {
        String message = refusal(() -> ddim("\"" + key + "\": " + value));
        assertTrue(message.contains("\"" + key + "\""), message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "[]", "[{}]", "null", "3", "\"{}\"", "true", "{", "{]", "{\"a\"}", "{\"a\": 1,}",
        "{} {}", "{}x", "{'a': 1}", "{\"a\": 1, \"a\": 2}", "{\"beta_end\": 0.1, \"beta_end\": 0.2}", "\u0000",
        "{\"a\": 01}", "{\"a\": +1}", "{\"a\": nan}", "{\"a\": \"\n\"}", "// {}"})
    void textThatIsNoJsonObjectIsRefused(String text) {
        for (SchedulerClass type : new SchedulerClass[] {null, SchedulerClass.DDIM}) {
            String message = refusal(() -> SchedulerConfig.parse(text, type));
            assertTrue(message.contains("onfiguration"), message);
        }
    }

    @Test
    void bombsAreRefusedBeforeTheyCost() {
        String deep = "[".repeat(100_000);
        String wide = "{\"a\": \"" + "x".repeat(1 << 20) + "\"}";
        String digits = "{\"beta_end\": 0." + "1".repeat(1 << 20) + "}";
        String exponent = "{\"num_train_timesteps\": 1e" + "9".repeat(80) + "}";
        String nested = "{\"a\": " + "{\"a\": ".repeat(40) + "1" + "}".repeat(41);
        String large = "{\"a\": [" + "1,".repeat(9 << 20) + "1]}";
        Assertions.assertTimeout(Duration.ofSeconds(5), () -> {
            for (String bomb : List.of("{\"a\": " + deep, deep, wide, digits, exponent, nested, large)) {
                String message = refusal(() -> SchedulerConfig.parse(bomb, SchedulerClass.DDIM));
                assertTrue(message.length() < 500, () -> "a message of " + message.length() + " characters");
            }
        });
    }

    @Test
    void aFileThatIsTooLargeIsNotRead(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("scheduler_config.json");
        Files.writeString(file, " ".repeat((16 << 20) + 1));
        assertTrue(assertThrows(IOException.class, () -> SchedulerConfig.read(file)).getMessage().contains("bytes"));
        Files.writeString(file, "{\"_class_name\": \"DDIMScheduler\"}");
        assertEquals(SchedulerClass.DDIM, SchedulerConfig.read(file).type());
    }

    @Test
    void theClassMustBeNamedAndKnown() {
        assertTrue(refusal(() -> SchedulerConfig.parse("{}")).contains("DDIMScheduler"));
        assertTrue(refusal(() -> SchedulerConfig.parse("{\"_class_name\": 3}")).contains("_class_name"));
        String unknown = refusal(() -> SchedulerConfig.parse("{\"_class_name\": \"EulerDiscreteScheduler\"}"));
        assertTrue(unknown.contains("EulerDiscreteScheduler") && unknown.contains("DPMSolverMultistepScheduler"),
                unknown);
        for (SchedulerClass type : SchedulerClass.values()) {
            assertEquals(type, SchedulerClass.named(type.className()));
        }
    }

    @Test
    void withChangesOneParameter() {
        SchedulerConfig c = ddim("\"colour\": 3");
        SchedulerConfig v = c.with("prediction_type", "\"v_prediction\"");
        assertEquals("v_prediction", v.text("prediction_type"));
        assertEquals("epsilon", c.text("prediction_type"));
        assertNotEquals(c, v);
        assertEquals(List.of("colour"), v.report().unknown());
        assertTrue(refusal(() -> c.with("use_karras_sigmas", "true")).contains("use_karras_sigmas"));
        assertTrue(refusal(() -> c.with("prediction_type", "v_prediction")).contains("not JSON"));
        assertTrue(refusal(() -> c.with("prediction_type", "")).contains("prediction_type"));
        assertTrue(refusal(() -> c.with("prediction_type", "\"v\"")).contains("v_prediction"));
    }

    /** repr of Python 3.11. */
    @ParameterizedTest
    @CsvSource({"0.0001, 0.0001", "0.00085, 0.00085", "1e-5, 1e-05", "1.5e-7, 1.5e-07", "1e16, 1e+16",
        "1.25e+100, 1.25e+100", "123456789012345.6, 123456789012345.6", "1e15, 1000000000000000.0",
        "9007199254740993, 9007199254740992.0", "1, 1.0", "-2.5, -2.5", "-1e-7, -1e-07", "0, 0.0", "-0.0, -0.0",
        "2.2250738585072014e-308, 2.2250738585072014e-308", "1.7976931348623157e308, 1.7976931348623157e+308",
        "100, 100.0", "2e23, 2e+23"})
    void floatsAreWrittenAsPythonDoes(double value, String repr) {
        assertEquals(repr, PythonJson.repr(value));
    }

    /** json.dumps of Python 3.11, sort_keys and indent=2. */
    @Test
    void nestedKeysTextAndEmptyContainersAreWrittenAsPythonDoes() throws IOException {
        SchedulerConfig c = ddim("\"zz\": {\"b\": [], \"a\": {}, \"c\": [1, [2.0, null], true]}, "
                + "\"A\": \"\\u00e9\\n\\\"\\\\\\u2028\\ud83d\\ude00\\u007f\"");
        String json = c.toJson();
        assertTrue(
                json.startsWith("{\n  \"A\": \"\\u00e9\\n\\\"\\\\\\u2028\\ud83d\\ude00\\u007f\",\n  \"_class_name\""),
                json);
        assertTrue(json.endsWith("""
                  "zz": {
                    "a": {},
                    "b": [],
                    "c": [
                      1,
                      [
                        2.0,
                        null
                      ],
                      true
                    ]
                  }
                }
                """), json);
        assertEquals(json, SchedulerConfig.parse(json).toJson());
        new ObjectMapper().readTree(json);
    }
}
