// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.benchmarks;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.alphabar.backend.Backend;
import io.github.alphabar.backend.ScalarBackend;
import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes the rows with inputs and results, for peers in other languages to compare themselves with before they are timed. */
@Command(name = "rows", mixinStandardHelpOptions = true,
        description = "Writes the rows that are timed, each with its levels, inputs and the scalar backend's result,"
                + " as JSON for benchmarks/python/torch_peers.py.",
        footer = {"", "Example:", "  benchmarks rows rows.json"})
final class RowsCommand implements Callable<Integer> {
    /** Long enough to meet every tail of a vector loop. */
    private static final long ELEMENTS = 1021;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "<file>", description = "Where the rows go.")
    private Path file;

    @Override
    public Integer call() {
        try {
            AtomicFile.write(file, JsonMapper.builder().build().writeValueAsBytes(rows()));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
        spec.commandLine().getOut().println(file);
        return 0;
    }

    static List<Map<String, Object>> rows() {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (Row row : Row.samplers()) {
            try (Workload w = new Workload(row, DType.F32, ELEMENTS);
                    Backend scalar = new ScalarBackend();
                    Backend.Workspace workspace = scalar.workspace(1, ELEMENTS)) {
                HostTensor out = w.room();
                HostTensor store = w.stores() ? w.room() : null;
                scalar.step(w.params, w.operands(out, store), workspace);
                Task task = Contenders.task(w);
                Map<String, Object> fields = new LinkedHashMap<>();
                fields.put("row", row.id());
                fields.put("title", row.title());
                fields.put("levels", task.levels());
                fields.put("to", task.to());
                fields.put("range", task.range());
                fields.put("guidance", task.guidance());
                fields.put("tolerance", Gate.tolerance(w));
                fields.put("x", w.x.toFloatArray());
                fields.put("output", w.output.toFloatArray());
                fields.put("history", w.history.stream().map(HostTensor::toFloatArray).toList());
                fields.put("noise", task.noise());
                fields.put("expected", out.toFloatArray());
                fields.put("expectedStore", store == null ? null : store.toFloatArray());
                rows.add(fields);
            }
        }
        return rows;
    }
}
