package io.github.fadam.savedmodel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.savedmodel.GoldenModel;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HloCommandTest {

  @TempDir private Path directory;

  @Test
  void showsTheStepAsOneModuleThatUpdatesInPlace() throws Exception {
    GoldenModel golden = GoldenModel.named("keras3_embedding");
    Path data = directory.resolve("data.csv");
    String header =
        "tokens[0],tokens[1],tokens[2],tokens[3],tokens[4],tokens[5],labels[0],labels[1],labels[2]\n";
    Files.writeString(data, header + "1,2,3,4,5,6,1,0,0\n".repeat(golden.rows()));
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        FadamCommand.run(
            new PrintWriter(out, true),
            new PrintWriter(err, true),
            "hlo",
            golden.directory().toString(),
            "--train",
            data.toString(),
            "--loss",
            golden.losses().get(0),
            "--batch-size",
            Integer.toString(golden.rows()),
            "--out",
            directory.resolve("hlo").toString());
    assertEquals(0, code, err.toString());
    assertEquals(1, out.toString().lines().filter(line -> line.contains("in place")).count());
    // Three variables with two slots each, and the step counter.
    assertTrue(out.toString().contains(": 10 updated in place"), out.toString());
    assertTrue(out.toString().contains(" 0 waits for the host"), out.toString());
    try (var files = Files.list(directory.resolve("hlo"))) {
      assertEquals(1, files.count());
    }
  }
}
