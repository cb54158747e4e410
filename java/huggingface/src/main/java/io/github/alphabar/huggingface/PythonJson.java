// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * JSON as Python's {@code json.dumps(indent=2, sort_keys=True)} writes it, so that a file read and written again has the same bytes:
 * floats by their {@code repr}, infinities and NaN bare, text in ASCII.
 */
final class PythonJson {
    private PythonJson() {
    }

    static String write(Map<String, JsonNode> object) {
        StringBuilder text = new StringBuilder();
        object(text, object, "\n");
        return text.append('\n').toString();
    }

    private static void value(StringBuilder text, JsonNode node, String newline) {
        if (node.isObject()) {
            Map<String, JsonNode> entries = new TreeMap<>();
            node.fieldNames().forEachRemaining(k -> entries.put(k, node.get(k)));
            object(text, entries, newline);
        } else if (node.isArray()) {
            List<JsonNode> entries = new ArrayList<>();
            node.forEach(entries::add);
            array(text, entries, newline);
        } else if (node.isTextual()) {
            string(text, node.asText());
        } else if (node.isFloatingPointNumber()) {
            text.append(repr(node.asDouble()));
        } else {
            text.append(node.asText());
        }
    }

    private static void object(StringBuilder text, Map<String, JsonNode> entries, String newline) {
        if (entries.isEmpty()) {
            text.append("{}");
            return;
        }
        String inner = newline + "  ";
        String before = "{";
        for (Map.Entry<String, JsonNode> entry : new TreeMap<>(entries).entrySet()) {
            text.append(before).append(inner);
            string(text, entry.getKey());
            text.append(": ");
            value(text, entry.getValue(), inner);
            before = ",";
        }
        text.append(newline).append('}');
    }

    private static void array(StringBuilder text, List<JsonNode> entries, String newline) {
        if (entries.isEmpty()) {
            text.append("[]");
            return;
        }
        String inner = newline + "  ";
        Iterator<JsonNode> all = entries.iterator();
        text.append('[');
        while (all.hasNext()) {
            text.append(inner);
            value(text, all.next(), inner);
            text.append(all.hasNext() ? "," : newline + "]");
        }
    }

    private static void string(StringBuilder text, String s) {
        text.append('"');
        for (char c : s.toCharArray()) {
            switch (c) {
                case '"', '\\' -> text.append('\\').append(c);
                case '\b' -> text.append("\\b");
                case '\f' -> text.append("\\f");
                case '\n' -> text.append("\\n");
                case '\r' -> text.append("\\r");
                case '\t' -> text.append("\\t");
                default -> {
                    if (c < ' ' || c > '~') {
                        text.append(String.format("\\u%04x", (int) c));
                    } else {
                        text.append(c);
                    }
                }
            }
        }
        text.append('"');
    }

    /** The shortest digits that give the double back, in scientific form below 1e-4 and from 1e16 on. */
    static String repr(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return Double.toString(value);
        }
        if (value == 0) {
            return 1 / value < 0 ? "-0.0" : "0.0";
        }
        BigDecimal digits = new BigDecimal(Double.toString(value)).stripTrailingZeros();
        int exponent = digits.precision() - digits.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            String plain = digits.toPlainString();
            return plain.contains(".") ? plain : plain + ".0";
        }
        String all = digits.unscaledValue().abs().toString();
        String mantissa = all.length() == 1 ? all : all.charAt(0) + "." + all.substring(1);
        return (value < 0 ? "-" : "") + mantissa
                + String.format("e%s%02d", exponent < 0 ? "-" : "+", Math.abs(exponent));
    }
}
