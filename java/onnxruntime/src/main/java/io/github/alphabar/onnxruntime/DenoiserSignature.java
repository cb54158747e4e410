// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.onnxruntime;

import io.github.alphabar.onnxruntime.OnnxModel.Port;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Which input of a file is what, found by type and rank.
 *
 * @param sample
 *            float32 or float16, rank 2 or more, samples first
 * @param time
 *            a float or integer, rank 0 or 1
 * @param condition
 *            float32, rank 2, or null
 * @param output
 *            like the sample
 */
record DenoiserSignature(Port sample, Port time, Port condition, Port output) {
    private static final Set<String> SAMPLES = Set.of("float32", "float16");
    private static final Set<String> TIMES = Set.of("float32", "float64", "int64", "int32");

    static DenoiserSignature of(OnnxModel model, boolean conditioned) {
        String expected = "one float32 or float16 sample of rank 2 or more, one timestep (float32, float64, int64 or"
                + " int32; rank 0 or 1)" + (conditioned ? ", one float32 condition of rank 2" : " and nothing else")
                + ", and one float output of the sample's rank.";
        List<Port> rest = new ArrayList<>(model.inputs());
        Port time = null;
        Port condition = null;
        for (Port port : model.inputs()) {
            if (port.rank() <= 1 && TIMES.contains(port.type()) && time == null) {
                time = port;
                rest.remove(port);
            }
        }
        if (conditioned) {
            // The last of rank 2: a flat sample comes before its condition.
            condition = rest.stream()
                    .filter(p -> p.rank() == 2 && p.type().equals("float32"))
                    .reduce((_, last) -> last)
                    .orElse(null);
            rest.remove(condition);
        }
        if (time == null || (conditioned && condition == null) || rest.size() != 1
                || rest.getFirst().rank() < 2 || !SAMPLES.contains(rest.getFirst().type())) {
            throw model.unfit(expected);
        }
        Port sample = rest.getFirst();
        List<Port> outputs = model.outputs()
                .stream()
                .filter(p -> p.rank() == sample.rank() && SAMPLES.contains(p.type()))
                .toList();
        if (outputs.size() != 1) {
            throw model.unfit(expected);
        }
        return new DenoiserSignature(sample, time, condition, outputs.getFirst());
    }

    /** The shape of one sample: what was asked for where the file leaves it open, else the file's. */
    long[] sampleShape(OnnxModel model, long[] asked) {
        long[] declared = sample.shape();
        int rank = declared.length - 1;
        if (asked != null && asked.length != rank) {
            throw mismatch(model, asked);
        }
        long[] shape = new long[rank];
        for (int i = 0; i < rank; i++) {
            boolean open = declared[i + 1] < 0;
            if (asked == null && open) {
                throw new OnnxModelException("The sample of '" + model.name() + "' is " + sample
                        + ", whose size is open; give the shape of one sample, such as 3,32,32.");
            }
            if (asked != null && !open && asked[i] != declared[i + 1]) {
                throw mismatch(model, asked);
            }
            shape[i] = asked != null ? asked[i] : declared[i + 1];
        }
        return shape;
    }

    private OnnxModelException mismatch(OnnxModel model, long[] asked) {
        return new OnnxModelException("The sample of '" + model.name() + "' is " + sample + ", but the shape given is "
                + OnnxModel.text(asked) + "; give the sizes after the first.");
    }

    /** Samples in one call: what was asked for where the file leaves it open, else the file's. */
    int chunk(OnnxModel model, int asked) {
        long declared = sample.shape()[0];
        if (declared >= 0 && asked > 0 && asked != declared) {
            throw new OnnxModelException("'" + model.name() + "' takes " + declared + " samples in each call (" + sample
                    + "), but " + asked + " were asked for; leave the number out.");
        }
        return declared >= 0 ? Math.toIntExact(declared) : Math.max(asked, 1);
    }

    long[] timeShape(int chunk) {
        long[] declared = time.shape();
        return declared.length == 0 ? declared : new long[] {declared[0] >= 0 ? declared[0] : chunk};
    }
}
