package io.github.fadam.savedmodel.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.savedmodel.GoldenModel;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.data.NpzWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.Tensor;

/** A process that is asked to end saves first. */
class InterruptAtShutdownTest {

  private static final GoldenModel CNN = GoldenModel.named("keras3_cnn");
  private static final int SIGTERM = 128 + 15;

  @TempDir private Path directory;

  private void writeData() throws IOException {
    DataSource data = CNN.data();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    try {
      long[] rows = LongStream.range(0, data.rows()).toArray();
      for (String name : List.of("image", "labels")) {
        tensors.put(name, data.tensor(name, rows, data.columns().get(name).dataType()));
      }
      NpzWriter.write(directory.resolve("train.npz"), tensors);
    } finally {
      tensors.values().forEach(Tensor::close);
    }
  }

  private List<String> finetune(String out, String state, long steps) {
    return List.of(
        "finetune",
        CNN.directory().toString(),
        "--train",
        directory.resolve("train.npz").toString(),
        "--out",
        directory.resolve(out).toString(),
        "--steps",
        Long.toString(steps),
        "--batch-size",
        "2",
        "--accumulate",
        "2",
        "--guard",
        "skip",
        "--loss-scale",
        "dynamic:1024,5,2",
        "--ema",
        "0.9",
        "--checkpoint",
        directory.resolve(state).toString(),
        "--checkpoint-every",
        "1000000",
        "--resume");
  }

  private byte[] trained(String out, String state, long steps) throws IOException {
    StringWriter text = new StringWriter();
    PrintWriter lines = new PrintWriter(text);
    int exitCode =
        FadamCommand.run(lines, lines, finetune(out, state, steps).toArray(String[]::new));
    assertEquals(0, exitCode, text.toString());
    return Files.readAllBytes(
        directory.resolve(out).resolve("variables/variables.data-00000-of-00001"));
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void whatWasTrainedIsSavedAndGoesOn() throws Exception {
    writeData();
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(FadamCommand.class.getName());
    command.addAll(finetune("never", "state", 10_000_000));
    Path log = directory.resolve("log.txt");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      Path lock = directory.resolve("state/.lock");
      while (!Files.exists(lock)) {
        assertTrue(process.isAlive(), () -> "it ended: " + text(log));
        Thread.sleep(20);
      }
      Thread.sleep(1000);
      process.destroy();
      assertTrue(process.waitFor(2, TimeUnit.MINUTES), "it has to end");
      assertEquals(SIGTERM, process.exitValue());
    } finally {
      process.destroyForcibly().waitFor();
    }
    assertTrue(Files.notExists(directory.resolve("never")));
    long step;
    try (Stream<Path> saved = Files.list(directory.resolve("state"))) {
      List<String> names =
          saved
              .map(path -> path.getFileName().toString())
              .filter(name -> !name.equals(".lock"))
              .toList();
      assertEquals(1, names.size(), names + text(log));
      step = Long.parseLong(names.get(0).replace("step-", ""));
    }
    byte[] resumed = trained("resumed", "state", step + 3);
    assertArrayEquals(trained("whole", "other", step + 3), resumed, "after step " + step);
  }

  private static String text(Path log) {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      return e.toString();
    }
  }
}
