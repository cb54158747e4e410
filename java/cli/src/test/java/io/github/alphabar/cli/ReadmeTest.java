// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.solver.Solvers;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README at the top of the repository says nothing that does not hold. */
@Tag("build")
class ReadmeTest {
    private static final Path README = Path.of("../../README.md");

    private static List<String> blocks(String text, String language) {
        Matcher m = Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL).matcher(text);
        return m.results().map(r -> r.group(1)).toList();
    }

    @Test
    void everyJavaBlockCompiles(@TempDir Path classes) throws Exception {
        List<String> blocks = blocks(Files.readString(README), "java");
        assertFalse(blocks.isEmpty());
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        assertNotNull(compiler, "the tests need a JDK");
        for (String block : blocks) {
            JavaFileObject source = new SimpleJavaFileObject(URI.create("string:///Example.java"),
                    JavaFileObject.Kind.SOURCE) {
                @Override
                public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                    return block;
                }
            };
            StringWriter messages = new StringWriter();
            List<String> options = List.of("-d", classes.toString(), "-classpath",
                    System.getProperty("java.class.path"));
            boolean compiled = compiler.getTask(messages, null, null, options, null, List.of(source)).call();
            assertTrue(compiled, messages.toString());
        }
    }

    @Test
    void theSolverTableListsEverySolverAsItIs() throws Exception {
        String text = Files.readString(README);
        String start = "| Name | Order | Network calls | Noise | Paper |\n|---|---|---|---|---|\n";
        int from = text.indexOf(start) + start.length();
        String table = text.substring(from, text.indexOf("\n\n", from));
        String expected = Solvers.all()
                .stream()
                .map(e -> "| `" + e.solver().name() + "` | " + e.solver().order() + " | " + e.evaluations() + " | "
                        + (e.solver().isStochastic() ? "yes" : "no") + " | " + e.paper() + " |")
                .collect(Collectors.joining("\n"));
        assertEquals(expected, table);
    }

    @Test
    void everyCommandOfTheReadmeIsUnderstood() throws Exception {
        Matcher m = Pattern.compile("exec:exec -Dargs=\"([^\"]*)\"")
                .matcher(String.join("", blocks(Files.readString(README), "sh")));
        List<String> commands = m.results().map(r -> r.group(1)).toList();
        assertFalse(commands.isEmpty());
        for (String command : commands) {
            Main.commandLine().parseArgs(command.split(" "));
        }
    }
}
