// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.plan;

import io.github.alphabar.solver.StepEquation.Term;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The forms of a plan that people and spreadsheets read. */
final class PlanText {
    private PlanText() {
    }

    private static String guidance(Guidance guidance) {
        return guidance == null ? "none"
                : guidance.weight() + (guidance.rescale() == 0 ? "" : " rescaled by " + guidance.rescale());
    }

    static String table(SamplingPlan plan) {
        List<String[]> cells = new ArrayList<>();
        cells.add(new String[] {"row", "edge", "t", "alpha", "sigma", "to t", "to alpha", "to sigma", "in>out", "x",
            "p", "g",
            "stored", "z", "p: x", "p: g", "store"});
        for (int i = 0; i < plan.steps().size(); i++) {
            Step s = plan.steps().get(i);
            cells.add(new String[] {Integer.toString(i), Integer.toString(s.edge()), number(s.at().t()),
                number(s.at().alpha()),
                number(s.at().sigma()), number(s.to().t()), number(s.to().alpha()), number(s.to().sigma()),
                s.in() + ">" + s.out(), coefficient(s.cx()), coefficient(s.cp()), coefficient(s.cg()), history(s),
                s.variance() != null ? SamplingPlan.describe(s.variance()) : coefficient(s.cz()), coefficient(s.px()),
                coefficient(s.pg()), store(s)});
        }
        int columns = cells.getFirst().length;
        int[] width = new int[columns];
        for (String[] row : cells) {
            for (int c = 0; c < columns; c++) {
                width[c] = Math.max(width[c], row[c].length());
            }
        }
        StringBuilder text = new StringBuilder();
        text.append("solver ")
                .append(plan.solver())
                .append(", prediction ")
                .append(plan.prediction().text())
                .append(", clip ")
                .append(plan.clip())
                .append(", guidance ")
                .append(guidance(plan.guidance()))
                .append(", ")
                .append(plan.evaluations())
                .append(" network evaluations, ")
                .append(plan.slots())
                .append(plan.slots() == 1 ? " slot" : " slots")
                .append(", initial noise x ")
                .append(number(plan.initialSigma()))
                .append('\n');
        text.append("""
                At each row ask the network at t for g, from the x of slot 'in'. Then
                  p   = [p: x] x + [p: g] g, clipped
                  x'  = [x] x + [p] p + [g] g + the stored values + [z] z, into slot 'out'
                and keep what 'store' names. An empty cell is an absent term; s1 is slot 1.

                """);
        for (String[] row : cells) {
            StringBuilder line = new StringBuilder();
            for (int c = 0; c < columns; c++) {
                line.append(" ".repeat(width[c] - row[c].length())).append(row[c]).append(c + 1 < columns ? "  " : "");
            }
            text.append(line.toString().stripTrailing()).append('\n');
        }
        return text.toString();
    }

    private static String history(Step s) {
        List<String> terms = new ArrayList<>();
        for (Term t : s.history()) {
            terms.add(number(t.coefficient()) + " s" + t.slot());
        }
        return String.join(" + ", terms);
    }

    private static String store(Step s) {
        if (s.store() == null) {
            return "";
        }
        List<String> terms = new ArrayList<>();
        if (s.store().sx() != 0) {
            terms.add(number(s.store().sx()) + " x");
        }
        if (s.store().sp() != 0) {
            terms.add(number(s.store().sp()) + " p");
        }
        if (s.store().sg() != 0) {
            terms.add(number(s.store().sg()) + " g");
        }
        return "s" + s.store().slot() + " = " + String.join(" + ", terms);
    }

    private static String coefficient(double v) {
        return v == 0 ? "" : number(v);
    }

    /** Nine significant digits: enough to give back every float. */
    private static String number(double v) {
        if (v == Math.rint(v) && Math.abs(v) < 1e6) {
            return Long.toString((long) v);
        }
        return String.format(Locale.ROOT, "%.9g", v);
    }

    static String csv(SamplingPlan plan) {
        StringBuilder text = new StringBuilder("row,edge,t,alpha,sigma,to_t,to_alpha,to_sigma,in,out,px,pg,cx,cp,cg,cz,"
                + "variance_log_scale,variance_factor,variance_offset,h0_slot,h0,h1_slot,h1,h2_slot,h2,store_slot,sx,sp,sg\n");
        for (int i = 0; i < plan.steps().size(); i++) {
            Step s = plan.steps().get(i);
            List<Object> cells = new ArrayList<>(List.of(i, s.edge(), s.at().t(), s.at().alpha(), s.at().sigma(),
                    s.to().t(),
                    s.to().alpha(), s.to().sigma(), s.in(), s.out(), s.px(), s.pg(), s.cx(), s.cp(), s.cg(), s.cz()));
            if (s.variance() == null) {
                cells.addAll(List.of("", "", ""));
            } else {
                cells.addAll(List.of(s.variance().logScale(), s.variance().factor(), s.variance().offset()));
            }
            for (int k = 0; k < 3; k++) {
                boolean present = k < s.history().size();
                cells.add(present ? s.history().get(k).slot() : "");
                cells.add(present ? s.history().get(k).coefficient() : "");
            }
            if (s.store() == null) {
                cells.addAll(List.of("", "", "", ""));
            } else {
                cells.addAll(List.of(s.store().slot(), s.store().sx(), s.store().sp(), s.store().sg()));
            }
            text.append(String.join(",", cells.stream().map(Object::toString).toList())).append('\n');
        }
        return text.toString();
    }
}
