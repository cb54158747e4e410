// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.backend.CudaBitsTest;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/**
 * The tests that need a device, on a library whose device is the host: addresses, copies, streams and graphs above the C interface are
 * right wherever this is built. It says nothing about the kernels.
 */
@Tag("build")
class PretendedDeviceTest {
    private static final Path LIBRARY = Path.of("target", "cmake", "native", "test", "libalphabar_pretend.so")
            .toAbsolutePath();

    /** Runs the tests in this JVM, on whatever library it has. */
    public static final class Main {
        private Main() {
        }

        /** Ends with 0 if every test passed and none was left out. */
        public static void main(String[] args) {
            List<DiscoverySelector> tests = Stream.of(CudaTest.class, CudaBitsTest.class)
                    .<DiscoverySelector>map(DiscoverySelectors::selectClass)
                    .toList();
            LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request().selectors(tests).build();
            SummaryGeneratingListener listener = new SummaryGeneratingListener();
            LauncherFactory.create().execute(request, listener);
            TestExecutionSummary summary = listener.getSummary();
            summary.printFailuresTo(new PrintWriter(System.err, true));
            boolean all = summary.getTestsFoundCount() > 0
                    && summary.getTestsSucceededCount() == summary.getTestsFoundCount();
            System.err.println(summary.getTestsSucceededCount() + " of " + summary.getTestsFoundCount()
                    + " tests passed on a pretended device");
            System.exit(all ? 0 : 1);
        }
    }

    @Test
    void whatIsAboveTheKernelsWorksOnAPretendedDevice() throws Exception {
        Natives.require();
        if (!Files.exists(LIBRARY)) {
            Natives.missing("there is no " + LIBRARY + "; build it with CMake's target alphabar_pretend.");
        }
        ProcessBuilder child = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--add-modules",
                "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Dalphabar.require.cuda=true", "-cp",
                System.getProperty("java.class.path"), Main.class.getName()).redirectErrorStream(true);
        // Before the library that the bindings bring: of two functions with one name, the first is called.
        child.environment().put("LD_PRELOAD", LIBRARY.toString());
        Process process = child.start();
        String output = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), output);
        assertTrue(output.contains("tests passed on a pretended device"), output);
    }
}
