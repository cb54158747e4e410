// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

import io.github.alphabar.schedule.Level;
import io.github.alphabar.solver.StepEquation.LearnedVariance;
import io.github.alphabar.solver.StepEquation.Term;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The JSON form of a plan. */
final class PlanJson {
    private static final String FORMAT = "alphabar-plan-1";

    private PlanJson() {
    }

    static String write(SamplingPlan plan) {
        StringBuilder out = new StringBuilder("{\n  \"format\": \"").append(FORMAT).append("\",\n  \"solver\": ");
        Json.quote(out, plan.solver());
        out.append(",\n  \"prediction\": \"")
                .append(plan.prediction().text())
                .append("\",\n  \"clip\": \"")
                .append(plan.clip())
                .append("\",\n  \"guidance\": ")
                .append(plan.guidance() == null ? "null" : plan.guidance().weight())
                .append(rescale(plan.guidance()))
                .append(",\n  \"outputs\": ")
                .append(plan.outputs())
                .append(",\n  \"steps\": [");
        String separator = "\n";
        for (Step s : plan.steps()) {
            out.append(separator).append("    {\"edge\": ").append(s.edge()).append(", \"at\": ");
            level(out, s.at());
            out.append(", \"to\": ");
            level(out, s.to());
            out.append(", \"in\": ").append(s.in()).append(", \"out\": ").append(s.out());
            field(out, "px", s.px());
            field(out, "pg", s.pg());
            field(out, "cx", s.cx());
            field(out, "cp", s.cp());
            field(out, "cg", s.cg());
            field(out, "cz", s.cz());
            out.append(", \"history\": [");
            String comma = "";
            for (Term t : s.history()) {
                out.append(comma).append("[").append(t.slot()).append(", ").append(t.coefficient()).append("]");
                comma = ", ";
            }
            out.append("]");
            if (s.variance() != null) {
                out.append(", \"variance\": {\"log_scale\": ").append(s.variance().logScale());
                field(out, "factor", s.variance().factor());
                field(out, "offset", s.variance().offset());
                out.append("}");
            }
            if (s.store() != null) {
                out.append(", \"store\": {\"slot\": ").append(s.store().slot());
                field(out, "sx", s.store().sx());
                field(out, "sp", s.store().sp());
                field(out, "sg", s.store().sg());
                out.append("}");
            }
            out.append("}");
            separator = ",\n";
        }
        return out.append("\n  ]\n}\n").toString();
    }

    /** Written only where there is one: most plans have none. */
    private static String rescale(Guidance guidance) {
        return guidance == null || guidance.rescale() == 0 ? ""
                : ",\n  \"guidance_rescale\": " + guidance.rescale();
    }

    private static Guidance guidance(Json.Obj root) {
        boolean rescaled = root.values().get("guidance_rescale") != null;
        return root.values().get("guidance") == null ? null
                : new Guidance(root.number("guidance"), rescaled ? root.number("guidance_rescale") : 0);
    }

    private static void field(StringBuilder out, String name, double value) {
        out.append(", \"").append(name).append("\": ").append(value);
    }

    private static void level(StringBuilder out, Level level) {
        out.append("{\"t\": ")
                .append(level.t())
                .append(", \"alpha\": ")
                .append(level.alpha())
                .append(", \"sigma\": ")
                .append(level.sigma())
                .append(", \"lambda\": ");
        if (Double.isInfinite(level.lambda())) {
            out.append('"').append(level.lambda()).append('"');
        } else {
            out.append(level.lambda());
        }
        out.append("}");
    }

    static SamplingPlan read(String json) {
        Json.Obj root = Json.parse(json);
        String format = root.text("format");
        if (!FORMAT.equals(format)) {
            throw new IllegalArgumentException(
                    "A plan has \"format\": \"" + FORMAT + "\", but got \"" + format + "\".");
        }
        List<Step> steps = new ArrayList<>();
        for (Json.Obj s : root.objects("steps")) {
            List<Term> history = new ArrayList<>();
            for (List<Object> pair : s.lists("history")) {
                if (pair.size() != 2 || !(pair.get(0) instanceof Double slot) || !(pair.get(1) instanceof Double c)) {
                    throw new IllegalArgumentException("A history term is [slot, coefficient], but got " + pair + ".");
                }
                history.add(new Term(Json.whole("history slot", slot), c));
            }
            Json.Obj v = s.optional("variance");
            Json.Obj m = s.optional("store");
            steps.add(new Step(s.whole("edge"), level(s.object("at")), level(s.object("to")), s.whole("in"),
                    s.whole("out"),
                    s.number("px"), s.number("pg"), s.number("cx"), s.number("cp"), s.number("cg"), history,
                    s.number("cz"),
                    v == null ? null : new LearnedVariance(v.flag("log_scale"), v.number("factor"), v.number("offset")),
                    m == null ? null
                            : new Step.Store(m.whole("slot"), m.number("sx"), m.number("sp"), m.number("sg"))));
        }
        return new SamplingPlan(root.text("solver"), Prediction.parse(root.text("prediction")),
                Clip.parse(root.text("clip")),
                guidance(root), root.whole("outputs"), steps);
    }

    private static Level level(Json.Obj o) {
        return new Level(o.number("t"), o.number("alpha"), o.number("sigma"), o.number("lambda"));
    }

    /** For messages: the keys of an object. */
    static String keys(Map<String, Object> values) {
        return String.join(", ", values.keySet());
    }
}
