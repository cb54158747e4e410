// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda.presets;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * How JavaCPP reads alphabar.h. Memory goes in by address: a step is on the hot path, and an object for each pointer would be
 * allocated and registered there.
 */
@Properties(target = "io.github.alphabar.cuda.binding", global = "io.github.alphabar.cuda.binding.Alphabar",
        value = @Platform(value = "linux-x86_64", include = "alphabar/alphabar.h", link = "alphabar",
                library = "jnialphabar"))
public class AlphabarPresets implements InfoMapper {
    /** For JavaCPP. */
    public AlphabarPresets() {
    }

    @Override
    public void map(InfoMap map) {
        map.put(new Info("ALPHABAR_API").cppTypes().annotations())
                .put(new Info("alphabar_status", "alphabar_dtype").enumerate(false).cast().valueTypes("int"))
                .put(function("int", "alphabar_host_create",
                        "int threads, @Cast(\"alphabar_context**\") long context"))
                .put(function("int", "alphabar_cuda_create",
                        "int device, @Cast(\"alphabar_context**\") long context"))
                .put(function("int", "alphabar_cuda_unavailable",
                        "int device, @Cast(\"char*\") long text, @Cast(\"size_t\") long size"))
                .put(function("void", "alphabar_destroy", "@Cast(\"alphabar_context*\") long context"))
                .put(function("void", "alphabar_last_error",
                        "@Cast(\"alphabar_context*\") long context, @Cast(\"char*\") long text,"
                                + " @Cast(\"size_t\") long size"))
                .put(function("int", "alphabar_step",
                        "@Cast(\"alphabar_context*\") long context, @Cast(\"const alphabar_row*\") long row,"
                                + " @Cast(\"const alphabar_operands*\") long operands,"
                                + " @Cast(\"uint64_t\") long scratch, @Cast(\"uint64_t\") long stream"));
    }

    /** A function with addresses where JavaCPP would take objects; the C++ compiler still checks it against the header. */
    private static Info function(String result, String name, String parameters) {
        return new Info(name).javaText(
                "@NoException(true) public static native " + result + " " + name + "(" + parameters + ");");
    }
}
