// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.tensor.DType;
import io.github.alphabar.tensor.HostTensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class OnnxDenoiserTest {

    /** Returns its timestep for every element of the sample. */
    private static TinyOnnx clock(int timeType, Object... timeShape) {
        return new TinyOnnx().input("x", TinyOnnx.FLOAT, "n", 1, "h", "w")
                .input("t", timeType, timeShape)
                .node("Sub", "zero", "x", "x")
                .node("Cast", "to", TinyOnnx.FLOAT, "time", "t")
                .node("Add", "eps", "zero", "time")
                .output("eps", TinyOnnx.FLOAT, "n", 1, "h", "w");
    }

    @ParameterizedTest
    @CsvSource({"1, 12.5", "11, 12.5", "7, 13", "6, 13"})
    void timestepsArriveInTheTypeOfTheFileAndAreRoundedForIntegers(int type, float expected) {
        for (Object[] shape : new Object[][] {{}, {1}, {"n"}}) {
            try (OnnxDenoiser network = OnnxDenoiser.builder("clock", clock(type, shape).bytes())
                    .shape(1, 2, 2)
                    .open()) {
                float[] out = new float[12];
                network.denoise(HostTensor.of(new float[12]), 12.5, HostTensor.of(out));
                for (float v : out) {
                    assertEquals(expected, v);
                }
            }
        }
    }

    @Test
    void aBatchMayBeOfAnySizeAndType() {
        byte[] twice = new TinyOnnx().input("x", TinyOnnx.FLOAT, "n", 3)
                .input("t", TinyOnnx.FLOAT)
                .node("Add", "y", "x", "x")
                .output("y", TinyOnnx.FLOAT, "n", 3)
                .bytes();
        try (OnnxDenoiser network = OnnxDenoiser.builder("twice", twice).chunk(4).open()) {
            for (int samples : new int[] {1, 4, 5, 11}) {
                HostTensor in = HostTensor.allocate(DType.BF16, samples * 3L);
                HostTensor out = HostTensor.allocate(DType.F64, samples * 3L);
                for (int i = 0; i < in.elements(); i++) {
                    in.setFloat(i, i + 1);
                }
                network.denoise(in, 0, out);
                for (int i = 0; i < in.elements(); i++) {
                    assertEquals(2.0 * (i + 1), out.getDouble(i));
                }
            }
        }
    }

    @Test
    void aHalfPrecisionNetworkIsFedHalfPrecision() {
        byte[] twice = new TinyOnnx().input("x", TinyOnnx.FLOAT16, "n", 2)
                .input("t", TinyOnnx.INT64, 1)
                .node("Add", "y", "x", "x")
                .output("y", TinyOnnx.FLOAT16, "n", 2)
                .bytes();
        try (OnnxDenoiser network = OnnxDenoiser.builder("half", twice).open()) {
            float[] out = new float[2];
            network.denoise(HostTensor.of(new float[] {0.1f, -3}), 0, HostTensor.of(out));
            float tenth = Float.float16ToFloat(Float.floatToFloat16(0.1f));
            assertArrayEquals(new float[] {2 * tenth, -6}, out);
        }
    }

    @Test
    void aFixedBatchOfTheFileIsTheChunk() {
        byte[] pairs = new TinyOnnx().input("x", TinyOnnx.FLOAT, 2, 3)
                .input("t", TinyOnnx.FLOAT, 2)
                .node("Add", "y", "x", "x")
                .output("y", TinyOnnx.FLOAT, 2, 3)
                .bytes();
        try (OnnxDenoiser network = OnnxDenoiser.builder("pairs", pairs).open()) {
            assertEquals(2, network.chunk());
            assertArrayEquals(new long[] {3}, network.shape());
            float[] out = new float[9];
            network.denoise(HostTensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9}), 0, HostTensor.of(out));
            assertArrayEquals(new float[] {2, 4, 6, 8, 10, 12, 14, 16, 18}, out);
        }
        OnnxModelException e = assertThrows(OnnxModelException.class,
                () -> OnnxDenoiser.builder("pairs", pairs).chunk(3).open());
        assertTrue(e.getMessage().contains("takes 2 samples in each call"), e.getMessage());
    }

    @Test
    void aNetworkThatReturnsAVarianceHasTwoOutputs() {
        byte[] both = new TinyOnnx().input("x", TinyOnnx.FLOAT, "n", 1, 2)
                .input("t", TinyOnnx.FLOAT)
                .node("Concat", "axis", 1, "y", "x", "x")
                .output("y", TinyOnnx.FLOAT, "n", 2, 2)
                .bytes();
        try (OnnxDenoiser network = OnnxDenoiser.builder("both", both).open()) {
            assertEquals(2, network.outputs());
            float[] out = new float[8];
            network.denoise(HostTensor.of(new float[] {1, 2, 3, 4}), 0, HostTensor.of(out));
            assertArrayEquals(new float[] {1, 2, 1, 2, 3, 4, 3, 4}, out);
        }
    }

    static Stream<Arguments> unfit() {
        return Stream.of(
                Arguments.of("nothing but a sample", new TinyOnnx().input("x", TinyOnnx.FLOAT, "n", 3)
                        .node("Add", "y", "x", "x")
                        .output("y", TinyOnnx.FLOAT, "n", 3), "one timestep"),
                Arguments.of("a third input", new TinyOnnx().input("x", TinyOnnx.FLOAT, "n", 3)
                        .input("t", TinyOnnx.FLOAT)
                        .input("prompt", TinyOnnx.FLOAT, "n", 77, 768)
                        .node("Add", "y", "x", "x")
                        .output("y", TinyOnnx.FLOAT, "n", 3), "prompt (float32 [n, 77, 768])"),
                Arguments.of("integers as samples", new TinyOnnx().input("x", TinyOnnx.INT64, "n", 3)
                        .input("t", TinyOnnx.FLOAT)
                        .node("Add", "y", "x", "x")
                        .output("y", TinyOnnx.INT64, "n", 3), "x (int64 [n, 3])"),
                Arguments.of("no fitting output", new TinyOnnx().input("x", TinyOnnx.FLOAT, "n", 3)
                        .input("t", TinyOnnx.FLOAT)
                        .node("Cast", "to", TinyOnnx.INT64, "y", "x")
                        .output("y", TinyOnnx.INT64, "n", 3), "one float output"),
                Arguments.of("an output of another size", new TinyOnnx().input("x", TinyOnnx.FLOAT, "n", 3)
                        .input("t", TinyOnnx.FLOAT)
                        .node("Concat", "axis", 1, "y", "x", "x", "x")
                        .output("y", TinyOnnx.FLOAT, "n", 9), "returns y [1, 9] for a sample [1, 3]"),
                Arguments.of("an open size", new TinyOnnx().input("x", TinyOnnx.FLOAT, "n", 3, "h", "w")
                        .input("t", TinyOnnx.FLOAT)
                        .node("Add", "y", "x", "x")
                        .output("y", TinyOnnx.FLOAT, "n", 3, "h", "w"), "give the shape of one sample"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("unfit")
    void aFileThatIsNoDenoiserIsRefusedInOneSentence(String what, TinyOnnx file, String says) {
        OnnxModelException e = assertThrows(OnnxModelException.class,
                () -> OnnxDenoiser.builder("net.onnx", file.bytes()).open());
        assertTrue(e.getMessage().contains(says), e.getMessage());
        assertTrue(e.getMessage().contains("'net.onnx'"), e.getMessage());
        assertEquals(1, e.getMessage().lines().count());
    }

    @Test
    void aShapeThatContradictsTheFileIsRefused() {
        byte[] file = clock(TinyOnnx.FLOAT).bytes();
        for (long[] shape : new long[][] {{3, 8, 8}, {8, 8}, {1, 8, 8, 8}}) {
            OnnxModelException e = assertThrows(OnnxModelException.class,
                    () -> OnnxDenoiser.builder("clock", file).shape(shape).open());
            assertTrue(e.getMessage().contains("x (float32 [n, 1, h, w])"), e.getMessage());
        }
    }

    @Test
    void aFileThatIsNoOnnxIsRefusedInOneSentence(@TempDir Path dir) throws Exception {
        Path file = Files.writeString(dir.resolve("notes.onnx"), "these are notes, not a network");
        OnnxModelException e = assertThrows(OnnxModelException.class, () -> OnnxDenoiser.builder(file).open());
        assertTrue(e.getMessage().contains("is not an ONNX model"), e.getMessage());
        assertEquals(1, e.getMessage().lines().count());
        OnnxModelException missing = assertThrows(OnnxModelException.class,
                () -> OnnxDenoiser.builder(dir.resolve("none.onnx")).open());
        assertTrue(missing.getMessage().contains("There is no readable file"), missing.getMessage());
    }

    @Test
    void aBatchThatIsNoWholeNumberOfSamplesIsRefused() {
        try (OnnxDenoiser network = OnnxDenoiser.builder("clock", clock(TinyOnnx.FLOAT).bytes())
                .shape(1, 2, 2)
                .open()) {
            for (int[] sizes : new int[][] {{5, 5}, {4, 8}, {8, 4}, {0, 0}}) {
                assertThrows(IllegalArgumentException.class, () -> network.denoise(
                        HostTensor.of(new float[sizes[0]]), 0, HostTensor.of(new float[sizes[1]])));
            }
        }
    }
}
