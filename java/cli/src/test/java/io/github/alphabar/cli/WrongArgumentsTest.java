// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
package io.github.alphabar.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.alphabar.onnxruntime.DigitsModel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WrongArgumentsTest {
    @TempDir
    private Path folder;

    private Cli sample(String options) {
        Path out = folder.resolve("digits.png");
        Object[] all = Stream.concat(Stream.of("sample", "--out", out), Stream.of(options.split(" "))).toArray();
        Cli cli = Cli.run(all);
        assertFalse(Files.exists(out));
        return cli;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            --solver euler-b                  | Unknown solver 'euler-b'; the solvers are ddpm
            --solver ddpm-learned-range       | needs a network that returns a variance beside its prediction
            --solver ddim-inverse             | use ddim.
            --steps 0                         | from 1 to 1000, the training steps of the schedule, but got 0
            --steps -3                        | but got -3
            --steps 1001                      | but got 1001
            --steps ten                       | 'ten' is not an int
            --steps                           | Missing required parameter for option '--steps'
            --eta 0.5                         | --eta belongs to ddim
            --eta 1.5 --solver ddim           | eta is in [0, 1]
            --eta 0.5 --solver ddim-sigma-hat | defined for eta = 1
            --keep-eps                        | --keep-eps belongs to ddim
            --spacing even                    | Unknown spacing 'even'; the spacings are
            --spacing karras:x                | needs a number after the colon
            --spacing leading:1 --steps 1000  | choose fewer steps or a smaller offset
            --spacing timesteps:999,500       | make 2 steps, but 20 were asked for
            --spacing timesteps:5,500         | must decrease strictly
            --schedule quadratic              | Unknown schedule 'quadratic'; the schedules are linear
            --schedule linear:1               | needs its first and last beta, as in linear:1.0E-4:0.02
            --schedule linear:0.1:2           | Betas are variances in (0, 1)
            --schedule flow                   | was trained on a variance-preserving schedule
            --schedule vp-linear --zero-snr   | is continuous
            --schedule vp-linear --train-steps 9 | is continuous
            --schedule linear --train-steps 10   | from 1 to 10
            --train-steps 10                  | --train-steps belongs to --schedule
            --zero-snr                        | an epsilon prediction says nothing about x0
            --zero-snr --spacing karras       | use trailing or linspace
            --final-level end                 | it is clean or least-noise
            --clip hard                       | Unknown clip 'hard'
            --clip range:-1                   | must be positive and finite
            --guidance much                   | 'much' is not a double
            --guidance NaN                    | must be finite
            --class 10                        | --class is digits 0 to 9, or none for any digit, but got '10'
            --class 1,,2                      | but got ''
            --count 0                         | --count is 1 to 10000, but got 0
            --count 10001                     | but got 10001
            --seed 1.5                        | '1.5' is not a long
            --threads -1                      | Threads are 0 (all processors) to 1024
            --backend gpu                     | Unknown backend 'gpu'; the backends are
            --dtype int8                      | the dtypes are f32, f16, bf16 and f64
            --warm-up -1                      | --warm-up is 0 to 60 seconds
            --strength 0.5                    | --strength belongs to --start-from
            --shape 3,8,8                     | --shape belongs to --model
            --batch 2                         | --batch belongs to --model
            --prediction sample               | --prediction belongs to --model
            --start-from none.png             | --start-from 'none.png' is no file
            --model none.onnx                 | --model 'none.onnx' is no readable file
            --noise 3                         | philox or torch-cpu
            seven                             | Unmatched argument
            """)
    void aWrongArgumentEndsInOneSentence(String options, String says) {
        Cli cli = sample(options).failsWith(2, says);
        assertTrue(cli.err().startsWith("alphabar sample: "), cli.err());
        assertTrue(cli.err().endsWith("See 'alphabar sample --help'." + System.lineSeparator()), cli.err());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            --shape 3,8                       | --shape is three sizes
            --shape 0,8,8                     | --shape is three sizes
            --shape 4,8,8                     | 1 channel (grey) or 3 (RGB), but the network's samples have 4
            --shape 1,8,8 --class 3           | --class needs a network with classes
            --shape 1,8,8 --guidance 2        | --guidance needs a network with classes
            --shape 1,8,8 --batch 0           | --batch is at least 1
            --shape 1,8,8 --prediction x      | a network predicts epsilon, sample, v_prediction or flow
            --shape 3,9999,9999 --count 9     | is too large
            --steps 10                        | give the shape of one sample
            """)
    void aWrongArgumentForANetworkOfOnesOwnEndsInOneSentence(String options, String says) throws IOException {
        sample("--model " + Cli.tanhNetwork(folder) + " " + options).failsWith(2, says);
    }

    @Test
    void aNetworkOfAnotherKindIsDescribed() throws IOException {
        Path classifier = folder.resolve("classifier.onnx");
        try (InputStream in = DigitsModel.class.getResourceAsStream("digits/classifier.onnx")) {
            Files.write(classifier, in.readAllBytes());
        }
        sample("--model " + classifier).failsWith(2, "expected one float32 or float16 sample of rank 2 or more");
        Path denoiser = folder.resolve("denoiser.onnx");
        try (InputStream in = DigitsModel.class.getResourceAsStream("digits/denoiser.onnx")) {
            Files.write(denoiser, in.readAllBytes());
        }
        sample("--model " + denoiser).failsWith(2, "condition (float32 [");
        sample("--model " + Files.writeString(folder.resolve("text.onnx"), "text"))
                .failsWith(2, "is not an ONNX model");
        sample("--model " + folder).failsWith(2, "is no readable file");
    }

    @Test
    void aPictureThatIsNoneIsRefused() throws IOException {
        Path text = Files.writeString(folder.resolve("text.png"), "no picture");
        sample("--start-from " + text).failsWith(2, "is no picture that can be read");
        Path broken = Files.write(folder.resolve("broken.png"),
                new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10});
        sample("--start-from " + broken).failsWith(2, "is no picture that can be read");
        for (String strength : new String[] {"0", "1.5", "NaN"}) {
            sample("--start-from " + text + " --strength " + strength).failsWith(2, "Strength is a share");
        }
    }

    @Test
    void aPlaceThatCannotBeWrittenIsToldBeforeAnythingIsDrawn() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "a file, not a folder");
        Cli.run("sample", "--out", file.resolve("digits.png")).failsWith(2, "lies in a folder that does not exist");
        Cli.run("sample", "--out", folder.resolve("no/digits.png"))
                .failsWith(2, "lies in a folder that does not exist");
        Cli.run("sample", "--out", folder.resolve("digits.jpg")).failsWith(2, "ends in .png");
        Path taken = Files.createDirectory(folder.resolve("taken.png"));
        Cli.run("sample", "--out", taken).failsWith(2, "is a folder or a device");
        Cli.run("plan", "--out", taken).failsWith(2, "is a folder or a device");
        sample("--frames " + file).failsWith(2, "--frames");
        assertEquals("a file, not a folder", Files.readString(file));
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aFolderThatTakesNoFilesIsToldBeforeAnythingIsDrawn() {
        Cli.run("sample", "--out", "/proc/digits.png").failsWith(2, "cannot be written");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            plan --solver x        | Unknown solver
            plan --steps 0         | from 1 to 1000
            plan --format xml      | it is text, csv or json
            plan --prediction x    | a network predicts
            plan --zero-snr        | an epsilon prediction says nothing about x0
            backends now           | Unmatched argument
            paint                  | Unmatched argument
            """)
    void theOtherCommandsRefuseInOneSentence(String line, String says) {
        Cli.run((Object[]) line.split(" ")).failsWith(2, says);
    }

    @Test
    void withoutACommandTheCommandsAreNamed() {
        Cli.run().failsWith(2, "Name a command: sample, plan, replay, cost, backends.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"sample", "plan", "cost", "backends"})
    void everyCommandHasHelpWithAnExample(String command) {
        Cli help = Cli.ok(command, "--help");
        assertTrue(help.out().contains("Example"), help.out());
        assertTrue(help.out().contains("  alphabar " + command), help.out());
    }

    @Test
    void theHelpNamesEverySolver() {
        String help = Cli.ok("sample", "--help").out();
        SampleCommandTest.solvers().forEach(name -> assertTrue(help.contains(name), name));
    }
}
