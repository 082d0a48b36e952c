package io.github.fadam.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.savedmodel.cli.FadamCommand;
import io.github.fadam.savedmodel.model.SavedModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo, with fewer images than a person sees. */
class DemoTest {

  private static final Pattern ACCURACY = Pattern.compile("(before|FAdam|Adam) +([0-9.]+) %");

  @TempDir private Path directory;

  @Test
  void accuracyRisesAndEverythingIsWritten() throws IOException {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode =
        FadamCommand.run(
            new PrintWriter(out, true),
            new PrintWriter(err, true),
            "demo",
            "--out",
            directory.toString(),
            "--images",
            "320",
            "--epochs",
            "2");
    assertEquals(0, exitCode, err.toString());
    Matcher accuracy = ACCURACY.matcher(out.toString());
    double[] found = accuracy.results().mapToDouble(r -> Double.parseDouble(r.group(2))).toArray();
    assertEquals(3, found.length, out.toString());
    assertTrue(found[1] > found[0] + 15 && found[2] > found[0] + 15, out.toString());
    assertEquals(21, Files.readAllLines(directory.resolve("losses.csv")).size());
    assertTrue(Files.size(directory.resolve("losses.png")) > 1000);
    for (String model : List.of("shapes-model", "tuned-fadam", "tuned-adam")) {
      assertEquals(19, SavedModel.read(directory.resolve(model)).variablesOf("serve").size());
    }
  }
}
