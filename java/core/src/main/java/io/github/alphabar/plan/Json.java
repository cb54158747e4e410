// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A strict JSON reader for plans (RFC 8259): the core has no dependency, and a plan needs little. */
final class Json {
    private static final int MAX_DEPTH = 16;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** An object with typed access; each accessor names the key in its error. */
    record Obj(Map<String, Object> values) {
        private Object need(String key) {
            if (!values.containsKey(key)) {
                throw new IllegalArgumentException(
                        "The plan's JSON lacks \"" + key + "\"; this object has " + PlanJson.keys(values) + ".");
            }
            return values.get(key);
        }

        private IllegalArgumentException wrong(String key, String expected) {
            return new IllegalArgumentException(
                    "\"" + key + "\" must be " + expected + ", but is " + values.get(key) + ".");
        }

        double number(String key) {
            Object v = need(key);
            if (v instanceof Double d) {
                return d;
            }
            if ("Infinity".equals(v) || "-Infinity".equals(v)) {
                return Double.parseDouble((String) v);
            }
            throw wrong(key, "a number");
        }

        int whole(String key) {
            return Json.whole(key, number(key));
        }

        boolean flag(String key) {
            if (need(key) instanceof Boolean b) {
                return b;
            }
            throw wrong(key, "true or false");
        }

        String text(String key) {
            if (need(key) instanceof String s) {
                return s;
            }
            throw wrong(key, "a string");
        }

        Obj object(String key) {
            if (need(key) instanceof Obj o) {
                return o;
            }
            throw wrong(key, "an object");
        }

        Obj optional(String key) {
            return values.get(key) == null ? null : object(key);
        }

        List<Obj> objects(String key) {
            List<Obj> list = new ArrayList<>();
            for (Object o : list(key)) {
                if (!(o instanceof Obj obj)) {
                    throw wrong(key, "a list of objects");
                }
                list.add(obj);
            }
            return list;
        }

        List<List<Object>> lists(String key) {
            List<List<Object>> result = new ArrayList<>();
            for (Object o : list(key)) {
                if (!(o instanceof List<?> l)) {
                    throw wrong(key, "a list of lists");
                }
                result.add(new ArrayList<>(l));
            }
            return result;
        }

        private List<?> list(String key) {
            if (need(key) instanceof List<?> l) {
                return l;
            }
            throw wrong(key, "a list");
        }
    }

    static int whole(String key, double v) {
        if (v != Math.rint(v) || v < 0 || v > 1_000_000) {
            throw new IllegalArgumentException(
                    "\"" + key + "\" must be a whole number from 0 to 1000000, but is " + v + ".");
        }
        return (int) v;
    }

    static void quote(StringBuilder out, String s) {
        out.append('"');
        for (char c : s.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }

    static Obj parse(String text) {
        Json json = new Json(text);
        Object value = json.value(0);
        json.blank();
        if (json.at < text.length()) {
            throw json.error("the end of the text");
        }
        if (!(value instanceof Obj obj)) {
            throw new IllegalArgumentException("A plan is a JSON object, but the text holds something else.");
        }
        return obj;
    }

    private Object value(int depth) {
        if (depth > MAX_DEPTH) {
            throw error("at most " + MAX_DEPTH + " levels of nesting");
        }
        blank();
        return switch (peek()) {
            case '{' -> object(depth);
            case '[' -> array(depth);
            case '"' -> string();
            case 't' -> word("true", Boolean.TRUE);
            case 'f' -> word("false", Boolean.FALSE);
            case 'n' -> word("null", null);
            default -> number();
        };
    }

    private Obj object(int depth) {
        Map<String, Object> values = new LinkedHashMap<>();
        at++;
        blank();
        if (take('}')) {
            return new Obj(values);
        }
        do {
            blank();
            if (peek() != '"') {
                throw error("a key in quotes");
            }
            String key = string();
            blank();
            expect(':');
            if (values.containsKey(key)) {
                throw error("each key once, not \"" + key + "\" twice");
            }
            values.put(key, value(depth + 1));
            blank();
        } while (take(','));
        expect('}');
        return new Obj(values);
    }

    private List<Object> array(int depth) {
        List<Object> values = new ArrayList<>();
        at++;
        blank();
        if (take(']')) {
            return values;
        }
        do {
            values.add(value(depth + 1));
            blank();
        } while (take(','));
        expect(']');
        return values;
    }

    private String string() {
        StringBuilder s = new StringBuilder();
        at++;
        while (peek() != '"') {
            char c = text.charAt(at++);
            if (c < 0x20) {
                throw error("no control character in a string");
            }
            if (c != '\\') {
                s.append(c);
                continue;
            }
            char escape = peek();
            at++;
            switch (escape) {
                case '"', '\\', '/' -> s.append(escape);
                case 'b' -> s.append('\b');
                case 'f' -> s.append('\f');
                case 'n' -> s.append('\n');
                case 'r' -> s.append('\r');
                case 't' -> s.append('\t');
                case 'u' -> {
                    if (at + 4 > text.length() || !text.substring(at, at + 4).matches("[0-9a-fA-F]{4}")) {
                        throw error("four hexadecimal digits");
                    }
                    s.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                    at += 4;
                }
                default -> throw error("a known escape");
            }
        }
        at++;
        return s.toString();
    }

    private Double number() {
        int start = at;
        while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        String s = text.substring(start, at);
        if (!s.matches("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")) {
            at = start;
            throw error("a value");
        }
        return Double.parseDouble(s);
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw error("a value");
        }
        at += word.length();
        return value;
    }

    private void blank() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private char peek() {
        if (at >= text.length()) {
            throw error("more text");
        }
        return text.charAt(at);
    }

    private boolean take(char c) {
        if (at < text.length() && text.charAt(at) == c) {
            at++;
            return true;
        }
        return false;
    }

    private void expect(char c) {
        if (!take(c)) {
            throw error("'" + c + "'");
        }
    }

    private IllegalArgumentException error(String expected) {
        return new IllegalArgumentException(
                "The plan's JSON breaks off at character " + at + ": expected " + expected + ".");
    }
}
