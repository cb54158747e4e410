// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import io.github.alphabar.onnxruntime.DigitsModel;
import io.github.alphabar.onnxruntime.OnnxDenoiser;
import io.github.alphabar.onnxruntime.OnnxModelException;
import io.github.alphabar.plan.Prediction;
import io.github.alphabar.plan.SamplingPlan;
import io.github.alphabar.plan.Step;
import io.github.alphabar.schedule.NoiseSchedule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import picocli.CommandLine.Option;

/** Which network sample asks: the digits model, or a user's own file. */
final class NetworkOptions {
    @Option(names = "--class", paramLabel = "DIGITS",
            description = "The digits to draw, 0 to 9 or none (any digit), one or a list such as 3,1,4; the list is"
                    + " repeated over the samples (default: 0,1,2,3,4,5,6,7,8,9).")
    private String classes;

    @Option(names = "--model", paramLabel = "FILE.onnx",
            description = "A network of your own instead of the digits model: unconditional, one float sample input"
                    + " and one timestep input.")
    private Path model;

    @Option(names = "--shape", paramLabel = "C,H,W",
            description = "--model only: the shape of one sample, where the file leaves it open.")
    private String shape;

    @Option(names = "--prediction", paramLabel = "WHAT",
            description = "--model only: what the network returns: epsilon (the default), sample, v_prediction or"
                    + " flow.")
    private String prediction;

    @Option(names = "--batch", paramLabel = "N",
            description = "--model only: samples in each call of the network (default: 1, or what the file fixes)."
                    + " More is faster for small networks. Unused places are filled up, so that a picture does not"
                    + " depend on --count.")
    private Integer batch;

    private DigitsModel digits;

    /** Refuses options that do not go with the network chosen; fast. */
    void check(boolean guided) {
        if (model == null) {
            if (shape != null || batch != null || prediction != null) {
                throw new UsageException((shape != null ? "--shape" : batch != null ? "--batch" : "--prediction")
                        + " belongs to --model; the digits model has its own.");
            }
            digits = DigitsModel.load();
            return;
        }
        if (classes != null || guided) {
            throw new UsageException((classes != null ? "--class" : "--guidance")
                    + " needs a network with classes, and --model runs an unconditional one; leave it out.");
        }
        if (shape != null && !shape.matches("([1-9][0-9]{0,8},){2}[1-9][0-9]{0,8}")) {
            throw new UsageException("--shape is three sizes, channels, height and width, as in 3,32,32, but got '"
                    + shape + "'.");
        }
        if (batch != null && batch < 1) {
            throw new UsageException("--batch is at least 1, but got " + batch + ".");
        }
        if (!Files.isRegularFile(model) || !Files.isReadable(model)) {
            throw new UsageException("--model '" + model + "' is no readable file; give the path of an .onnx file.");
        }
    }

    boolean isDigits() {
        return model == null;
    }

    /** The network's name in messages. */
    String name() {
        return isDigits() ? "digits" : model.getFileName().toString();
    }

    /** The schedule the network was trained with, or null where only the user knows. */
    NoiseSchedule schedule() {
        return isDigits() ? digits.schedule() : null;
    }

    Prediction prediction() {
        return isDigits() ? digits.prediction()
                : UsageException.checked(() -> Prediction.parse(prediction == null ? "epsilon" : prediction));
    }

    /** The time to give the network at a row. The digits model is asked at its own time of the same noise level. */
    double time(Step step) {
        return isDigits() ? digits.schedule().timeAtLambda(step.at().lambda()) : step.at().t();
    }

    /** Refuses schedules the digits model cannot be asked on: a flow mixes signal and noise in other proportions. */
    void check(NoiseSchedule on) {
        double middle = (on.cleanestTime() + on.noisiestTime()) / 2;
        if (isDigits() && Math.abs(on.level(middle).scale() - 1) > 1e-9) {
            throw new UsageException("The digits model was trained on a variance-preserving schedule and cannot be"
                    + " asked on this one; leave --schedule out, or use linear, scaled-linear, cosine, sigmoid,"
                    + " vp-linear or vp-cosine.");
        }
    }

    /** The shape of one sample as far as the command line says it, else null. */
    long[] givenShape() {
        return isDigits() ? digits.shape()
                : shape == null ? null : Arrays.stream(shape.split(",")).mapToLong(Long::parseLong).toArray();
    }

    OnnxDenoiser open(SamplingPlan plan, int count, int threads) {
        OnnxDenoiser network = isDigits() ? openDigits(count, threads) : openFile(threads);
        if (network.outputs() != plan.outputs()) {
            network.close();
            throw new UsageException(plan.outputs() == 2
                    ? "Solver '" + plan.solver() + "' needs a network that returns a variance beside its prediction,"
                            + " and " + name() + " returns none; use ddpm or ddpm-large."
                    : name() + " returns a variance beside its prediction, and solver '" + plan.solver()
                            + "' has no use for it; use ddpm-learned-range or ddpm-learned.");
        }
        return network;
    }

    private OnnxDenoiser openDigits(int count, int threads) {
        int[] listed = Arrays.stream((classes == null ? "0,1,2,3,4,5,6,7,8,9" : classes).split(",", -1))
                .mapToInt(this::digit)
                .toArray();
        int[] wanted = IntStream.range(0, count).map(i -> listed[i % listed.length]).toArray();
        return digits.denoiser(wanted, threads);
    }

    private int digit(String text) {
        if (text.equals("none")) {
            return digits.nullClass();
        }
        if (!text.matches("[0-9]")) {
            throw new UsageException("--class is digits 0 to 9, or none for any digit, but got '" + text + "'.");
        }
        return Integer.parseInt(text);
    }

    private OnnxDenoiser openFile(int threads) {
        OnnxDenoiser.Builder builder = OnnxDenoiser.builder(model).threads(threads);
        if (shape != null) {
            builder.shape(givenShape());
        }
        if (batch != null) {
            builder.chunk(batch);
        }
        try {
            return builder.open();
        } catch (OnnxModelException e) {
            throw new UsageException(e.getMessage());
        }
    }
}
