// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.onnxruntime;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** An ONNX file in a session of ONNX Runtime, with its inputs and outputs as they are declared. */
final class OnnxModel implements AutoCloseable {
    /** One declared input or output; a dimension that the file leaves open is -1. */
    record Port(String name, String type, long[] shape, TensorInfo info) {
        int rank() {
            return shape.length;
        }

        @Override
        public String toString() {
            String[] dimensions = info == null ? new String[0] : info.getDimensionNames();
            List<String> text = new ArrayList<>();
            for (int i = 0; i < shape.length; i++) {
                boolean named = i < dimensions.length && !dimensions[i].isEmpty();
                text.add(shape[i] >= 0 ? Long.toString(shape[i]) : named ? dimensions[i] : "?");
            }
            return name + " (" + type + " [" + String.join(", ", text) + "])";
        }
    }

    private final String name;
    private final OrtEnvironment environment;
    private final OrtSession.SessionOptions options;
    private final OrtSession session;
    private final List<Port> inputs;
    private final List<Port> outputs;
    private final List<BoundTensor> bound = new ArrayList<>();

    private OnnxModel(String name, Source source, int threads) throws OrtException {
        this.name = name;
        // ONNX Runtime has one environment for the process. Its log would repeat on stderr what its exceptions say.
        environment = OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, "alphabar");
        options = new OrtSession.SessionOptions();
        OrtSession opened = null;
        try {
            options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
            options.setIntraOpNumThreads(threads);
            options.setInterOpNumThreads(1);
            options.setDeterministicCompute(true);
            // Idle threads that spin would take the processors from the step between two calls.
            options.addConfigEntry("session.intra_op.allow_spinning", "0");
            opened = source.open(environment, options);
            inputs = ports(opened.getInputInfo().values());
            outputs = ports(opened.getOutputInfo().values());
            session = opened;
        } catch (OrtException | RuntimeException e) {
            if (opened != null) {
                opened.close();
            }
            options.close();
            throw e;
        }
    }

    /** How the bytes come. */
    private interface Source {
        OrtSession open(OrtEnvironment environment, OrtSession.SessionOptions options) throws OrtException;
    }

    static OnnxModel open(Path file, int threads) {
        if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
            throw new OnnxModelException("There is no readable file '" + file + "'; give the path of an .onnx file.");
        }
        // By path, not as bytes: a large model keeps its weights in files beside it.
        return open(file.toString(), (e, o) -> e.createSession(file.toString(), o), threads);
    }

    static OnnxModel open(String name, byte[] model, int threads) {
        return open(name, (e, o) -> e.createSession(model, o), threads);
    }

    private static OnnxModel open(String name, Source source, int threads) {
        try {
            return new OnnxModel(name, source, threads);
        } catch (OrtException e) {
            throw new OnnxModelException("'" + name + "' is not an ONNX model that ONNX Runtime can load ("
                    + oneLine(e) + "); give the .onnx file of an exported network.", e);
        }
    }

    private static List<Port> ports(Collection<NodeInfo> nodes) {
        List<Port> ports = new ArrayList<>();
        for (NodeInfo node : nodes) {
            if (node.getInfo() instanceof TensorInfo t) {
                ports.add(new Port(node.getName(), type(t), t.getShape(), t));
            } else {
                ports.add(new Port(node.getName(), "no tensor", new long[0], null));
            }
        }
        return List.copyOf(ports);
    }

    private static String type(TensorInfo info) {
        return switch (info.type) {
            case FLOAT -> "float32";
            case DOUBLE -> "float64";
            default -> info.onnxType.name().replace("ONNX_TENSOR_ELEMENT_DATA_TYPE_", "").toLowerCase(Locale.ROOT);
        };
    }

    String name() {
        return name;
    }

    /** Memory for an input or output, closed with the model. */
    BoundTensor bind(Port port, long... shape) {
        BoundTensor tensor = new BoundTensor(environment, port.info().type, shape);
        bound.add(tensor);
        return tensor;
    }

    List<Port> inputs() {
        return inputs;
    }

    List<Port> outputs() {
        return outputs;
    }

    /** Runs into outputs made before. */
    void run(Map<String, OnnxTensor> in, Map<String, OnnxTensor> pinned) {
        try {
            session.run(in, pinned).close();
        } catch (OrtException e) {
            throw failed(e);
        }
    }

    /** Runs once for the shape of one output. */
    long[] outputShape(Map<String, OnnxTensor> in, String output) {
        try (OrtSession.Result result = session.run(in, Set.of(output))) {
            return ((TensorInfo) result.get(0).getInfo()).getShape();
        } catch (OrtException e) {
            throw failed(e);
        }
    }

    private OnnxModelException failed(OrtException e) {
        return new OnnxModelException("'" + name + "' failed on " + inputs.stream()
                .map(Port::toString)
                .collect(Collectors.joining(", ")) + ": " + oneLine(e), e);
    }

    /** "Error code - X - message: Y" without the preamble and the line breaks. */
    private static String oneLine(OrtException e) {
        String text = String.valueOf(e.getMessage()).replaceFirst("(?s)^Error code - \\S+ - message: ", "");
        String line = text.strip().replaceAll("\\s+", " ");
        return line.length() > 300 ? line.substring(0, 300) + "..." : line;
    }

    OnnxModelException unfit(String expected) {
        return new OnnxModelException("'" + name + "' has the inputs " + list(inputs) + " and the outputs "
                + list(outputs) + "; expected " + expected);
    }

    private static String list(List<Port> ports) {
        return ports.isEmpty() ? "none" : ports.stream().map(Port::toString).collect(Collectors.joining(", "));
    }

    static String text(long[] shape) {
        return Arrays.stream(shape).mapToObj(Long::toString).collect(Collectors.joining(", ", "[", "]"));
    }

    @Override
    public void close() {
        bound.forEach(BoundTensor::close);
        try {
            session.close();
        } catch (OrtException e) {
            throw failed(e);
        } finally {
            options.close();
        }
    }
}
