// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import io.github.alphabar.backend.Backend;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.research.cost.CostJson;
import io.github.alphabar.research.cost.CostReport;
import io.github.alphabar.research.cost.CostRunner;
import io.github.alphabar.research.cost.OrderStudy;
import io.github.alphabar.research.cost.Point;
import io.github.alphabar.research.cost.PointStore;
import io.github.alphabar.research.cost.Problem;
import io.github.alphabar.research.cost.Setting;
import io.github.alphabar.research.cost.Sweep;
import io.github.alphabar.research.digits.Experiment;
import io.github.alphabar.research.report.Page;
import io.github.alphabar.research.report.Table;
import io.github.alphabar.schedule.NoiseSchedule;
import io.github.alphabar.solver.Solvers;
import io.github.alphabar.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Error against network calls against time. */
@Command(name = "cost", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Measures solvers: error against network calls against time, on problems with exact answers and on the"
                + " digits model, and writes one HTML report with its tables and plots. Needs no model and no GPU. A run that"
                + " was interrupted goes on where it stopped when it is given the same --out again. With the name of an"
                + " experiment it runs that instead, in full.",
        footer = {"", "Examples:", "  alphabar cost",
            "  alphabar cost --solver ddim,dpmpp-2m --spacing karras:7 --spacing trailing --nfe 5,10,20 --out mine",
            "  alphabar cost --problem gaussian:4 --schedule vp-linear,flow --plan my-plan.json --out mine",
            "  alphabar cost zero-snr --out zero-snr"})
final class CostCommand implements Callable<Integer> {
    private static final String STORE = "unfinished.tsv";

    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "EXPERIMENT",
            description = "ddim-table-1, ddim-table-2, consistency, null-text, zero-snr or distillation: an experiment of"
                    + " the field in miniature, in full size. The report has small versions of all.")
    private String experiment;

    @Mixin
    private CostOptions options;

    @Option(names = "--out", paramLabel = "FOLDER", defaultValue = "cost-report",
            description = "Where report.html, points.csv, the plots and so on go; made where it does not exist"
                    + " (default: ${DEFAULT-VALUE}).")
    private Path out;

    @Option(names = "--restart", description = "Forget what an interrupted run in --out has finished.")
    private boolean restart;

    @Option(names = "--no-experiments", description = "Leave the experiments on the digits model out of the report.")
    private boolean noExperiments;

    @Option(names = "--no-orders", description = "Leave the orders of convergence out of the report.")
    private boolean noOrders;

    @Option(names = "--student", paramLabel = "FILE.onnx",
            description = "distillation only: the student that distil_digits.py trained.")
    private Path student;

    @Override
    public Integer call() {
        Experiment one = experiment == null ? null : UsageException.checked(() -> Experiment.named(experiment));
        if (student != null && one != Experiment.DISTILLATION) {
            throw new UsageException("--student belongs to the experiment distillation; name that, or leave it out.");
        }
        if (student != null && !Files.isRegularFile(student)) {
            throw new UsageException("--student '" + student + "' is no file; train one with distil_digits.py.");
        }
        if (one != null) {
            refuseBesideExperiment();
        }
        options.check();
        Backend backend = options.open();
        try (PointStore store = store(); backend) {
            if (store.resumed() > 0) {
                spec.commandLine()
                        .getErr()
                        .println("Going on: " + store.resumed() + " results were finished by an earlier run in '" + out
                                + "'.");
            }
            Page page = one == null ? report(store, backend) : experiment(one, store, backend);
            page.files().forEach((name, bytes) -> SafeFile.at(out.resolve(name), "--out").write(bytes));
            String main = one == null ? "report.html" : one.command() + ".html";
            SafeFile.at(out.resolve(main), "--out")
                    .write(page.html().getBytes(java.nio.charset.StandardCharsets.UTF_8));
            store.delete();
            spec.commandLine().getOut().println("Wrote " + out.resolve(main) + ".");
        }
        return 0;
    }

    private void refuseBesideExperiment() {
        for (var option : spec.commandLine().getParseResult().matchedOptions()) {
            if (!List.of("--out", "--restart", "--student", "--threads", "--backend")
                    .contains(option.longestName())) {
                throw new UsageException(option.longestName() + " belongs to the report, and the experiment '"
                        + experiment + "' has its own settings; leave it out.");
            }
        }
    }

    private PointStore store() {
        try {
            Files.createDirectories(out);
            Path file = out.resolve(STORE);
            if (restart) {
                Files.deleteIfExists(file);
            }
            return PointStore.open(file);
        } catch (IOException e) {
            throw new UsageException("--out '" + out + "' cannot be written (" + SafeFile.reason(e)
                    + "); name a folder of yours.");
        }
    }

    private Page report(PointStore store, Backend backend) {
        long begin = System.nanoTime();
        Map<String, NoiseSchedule> schedules = options.schedules();
        Map<String, SamplingPlan> plans = options.plans();
        Map<String, Problem> problems = options.problems(backend);
        Page page = new Page("Solver cost: error against network calls against time");
        try {
            Sweep sweep = options.sweep(plans.keySet());
            List<Setting> settings = UsageException.checked(() -> sweep.settings(problems, schedules));
            List<Point> points = points(store, new CostRunner(problems, schedules, plans, backend), settings);
            List<OrderStudy.Order> orders = noOrders ? List.of() : orders(store, backend);
            Map<String, String> machine = machine(backend);
            page.table(table(machine));
            new CostReport(points, orders, options.networkMillis()).write(page);
            page.file("points.json", CostJson.write(machine, points, orders));
        } finally {
            problems.values().forEach(Problem::close);
        }
        if (!noExperiments) {
            for (Experiment e : Experiment.values()) {
                run(e, false, store, backend, page);
            }
        }
        page.paragraph(
                "The experiments above are small versions that fit into this report; each has a full one, for instance"
                        + " `alphabar cost ddim-table-1`, and the documentation shows their results.");
        page.paragraph(
                String.format(java.util.Locale.ROOT, "This report took %.0f s, less what an earlier run had finished.",
                        (System.nanoTime() - begin) / 1e9));
        return page;
    }

    private List<Point> points(PointStore store, CostRunner runner, List<Setting> settings) {
        List<Point> points = new ArrayList<>();
        try (Progress bar = Progress.of("solvers", settings.size())) {
            for (Setting setting : settings) {
                Point known = store.get(setting.key(), Point.class);
                if (known == null) {
                    known = runner.run(setting);
                    store.put(setting.key(), known);
                }
                points.add(known);
                bar.step();
            }
        }
        return points;
    }

    private List<OrderStudy.Order> orders(PointStore store, Backend backend) {
        OrderStudy study = new OrderStudy(backend);
        List<OrderStudy.Order> orders = new ArrayList<>();
        try (Progress bar = Progress.of("orders", 2 * Solvers.all().size())) {
            for (Solvers.Entry entry : Solvers.all()) {
                for (DType dtype : List.of(DType.F64, DType.F32)) {
                    String key = "order|" + entry.solver().name() + "|" + dtype;
                    OrderStudy.Order known = store.get(key, OrderStudy.Order.class);
                    if (known == null) {
                        known = study.measure(entry.solver(), dtype);
                        store.put(key, known);
                    }
                    orders.add(known);
                    bar.step();
                }
            }
        }
        return orders;
    }

    private void run(Experiment e, boolean full, PointStore store, Backend backend, Page page) {
        try (ExperimentBar bar = new ExperimentBar()) {
            e.run(new Experiment.Setup(backend, options.threads(), full, store, bar, student), page);
        }
    }

    private Page experiment(Experiment e, PointStore store, Backend backend) {
        long begin = System.nanoTime();
        int before = store.resumed();
        Page page = new Page(e.title());
        page.table(table(machine(backend)));
        run(e, true, store, backend, page);
        page.paragraph(String.format(java.util.Locale.ROOT, "Time: %.0f s%s.", (System.nanoTime() - begin) / 1e9,
                before > 0 ? ", less what an interrupted run had finished" : ""));
        return page.file(e.command() + ".md", page.markdown());
    }

    private Map<String, String> machine(Backend backend) {
        Map<String, String> machine = new LinkedHashMap<>();
        machine.put("Command", "alphabar " + String.join(" ", arguments()));
        machine.put("Machine", options.processor() + ", " + Runtime.getRuntime().availableProcessors() + " processors, "
                + System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        machine.put("Java", System.getProperty("java.vm.name") + " " + Runtime.version());
        machine.put("Version", new Main.Version().getVersion()[0]);
        machine.put("Backend", backend.name() + ": " + backend.description());
        return machine;
    }

    private static Table table(Map<String, String> machine) {
        return new Table(List.of("", "This run"),
                machine.entrySet().stream().map(e -> List.of(e.getKey(), e.getValue())).toList());
    }

    private List<String> arguments() {
        return spec.commandLine()
                .getParseResult()
                .originalArgs()
                .stream()
                .map(a -> a.contains(" ") ? "'" + a + "'" : a)
                .toList();
    }

    /** Shows the task at hand; a new bar for each. */
    private static final class ExperimentBar implements io.github.alphabar.research.cost.Progress, AutoCloseable {
        private Progress bar;
        private String task = "";
        private int shown;

        @Override
        public void at(String name, int done, int total) {
            if (!name.equals(task)) {
                close();
                bar = Progress.of(name, total);
                task = name;
                shown = 0;
            }
            for (; shown < done; shown++) {
                bar.step();
            }
        }

        @Override
        public void close() {
            if (bar != null) {
                bar.close();
            }
        }
    }
}
