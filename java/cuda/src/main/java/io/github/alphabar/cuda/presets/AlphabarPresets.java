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
                                + " @Cast(\"uint64_t\") long scratch, @Cast(\"uint64_t\") long stream"))
                .put(function("int", "alphabar_table_scan",
                        "@Cast(\"const alphabar_entry*\") long entries, @Cast(\"int64_t\") long count,"
                                + " @Cast(\"uint32_t*\") long terms, @Cast(\"uint32_t*\") long used,"
                                + " @Cast(\"int64_t*\") long wrong"))
                .put(function("int", "alphabar_table_step",
                        CONTEXT + ", @Cast(\"const alphabar_table*\") long table,"
                                + " @Cast(\"const alphabar_operands*\") long operands,"
                                + " @Cast(\"uint64_t\") long scratch, @Cast(\"uint64_t\") long stream"))
                .put(function("int", "alphabar_allocate", CONTEXT + BYTES + made("address")))
                .put(function("int", "alphabar_allocate_pinned", CONTEXT + BYTES + made("address")))
                .put(function("int", "alphabar_release", CONTEXT + handle("address")))
                .put(function("int", "alphabar_release_pinned", CONTEXT + handle("address")))
                .put(function("int", "alphabar_copy",
                        CONTEXT + handle("to") + handle("from") + BYTES + handle("stream")))
                .put(function("int", "alphabar_synchronize", CONTEXT + handle("stream")))
                .put(function("int", "alphabar_stream_create", CONTEXT + made("stream")))
                .put(function("int", "alphabar_stream_destroy", CONTEXT + handle("stream")))
                .put(function("int", "alphabar_event_create", CONTEXT + made("event")))
                .put(function("int", "alphabar_event_destroy", CONTEXT + handle("event")))
                .put(function("int", "alphabar_event_record", CONTEXT + handle("event") + handle("stream")))
                .put(function("int", "alphabar_event_wait", CONTEXT + handle("event") + handle("stream")))
                .put(function("int", "alphabar_event_elapsed",
                        CONTEXT + handle("start") + handle("end") + ", @Cast(\"float*\") long milliseconds"))
                .put(function("int", "alphabar_capture_begin", CONTEXT + handle("stream")))
                .put(function("int", "alphabar_capture_end", CONTEXT + handle("stream") + made("graph")))
                .put(function("int", "alphabar_graph_launch", CONTEXT + handle("graph") + handle("stream")))
                .put(function("int", "alphabar_graph_destroy", CONTEXT + handle("graph")));
    }

    private static final String CONTEXT = "@Cast(\"alphabar_context*\") long context";
    private static final String BYTES = ", @Cast(\"int64_t\") long bytes";

    private static String handle(String name) {
        return ", @Cast(\"uint64_t\") long " + name;
    }

    /** Where a function writes what it made. */
    private static String made(String name) {
        return ", @Cast(\"uint64_t*\") long " + name;
    }

    /** A function with addresses where JavaCPP would take objects; the C++ compiler still checks it against the header. */
    private static Info function(String result, String name, String parameters) {
        return new Info(name).javaText(
                "@NoException(true) public static native " + result + " " + name + "(" + parameters + ");");
    }
}
