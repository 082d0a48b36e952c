package io.github.fadam.tpu;

import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.tpu.CheckReport.Outcome;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.tensorflow.ndarray.Shape;

/**
 * Runs {@link TrialRun} in a process of its own: a compiler that meets what it does not expect may
 * end the process it runs in.
 */
final class TrialProcess {

  private static final long LONGEST_MINUTES = 30;

  private TrialProcess() {}

  /**
   * Tries out a signature.
   *
   * @throws IllegalStateException if the thread is interrupted while it waits
   */
  static TrialAnswer run(SavedModel model, String signatureKey, Map<String, Shape> shapes) {
    return run(model, signatureKey, shapes, List.of());
  }

  /** Tries out a signature in a Java virtual machine with options. */
  static TrialAnswer run(
      SavedModel model, String signatureKey, Map<String, Shape> shapes, List<String> options) {
    try {
      Path directory = Files.createTempDirectory("fadam-check");
      Path answer = directory.resolve("answer.json");
      Path log = directory.resolve("log.txt");
      try {
        Process process = start(model, signatureKey, shapes, options, answer, log);
        boolean ended = process.waitFor(LONGEST_MINUTES, TimeUnit.MINUTES);
        process.destroyForcibly();
        if (Files.exists(answer)) {
          return TrialAnswer.read(answer);
        }
        return TrialAnswer.none(
            Outcome.CRASHED,
            ended
                ? "The process that compiles ended with code "
                    + process.exitValue()
                    + " and without an answer. Its last words: "
                    + lastWords(log)
                : "The process that compiles gave no answer in " + LONGEST_MINUTES + " minutes.",
            TrialRun.sizes(shapes));
      } finally {
        Files.deleteIfExists(answer);
        Files.deleteIfExists(log);
        Files.deleteIfExists(directory);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot start a process that compiles", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while the signature was being compiled.", e);
    }
  }

  private static Process start(
      SavedModel model,
      String signatureKey,
      Map<String, Shape> shapes,
      List<String> options,
      Path answer,
      Path log)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    if (Runtime.version().feature() >= 22) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(TrialProcess.class.getName());
    command.add(answer.toString());
    command.add(model.directory().toAbsolutePath().toString());
    command.add(String.join(",", model.tags()));
    command.add(signatureKey);
    shapes.forEach((key, shape) -> command.add(key + "=" + text(shape)));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(log.toFile())
        .start();
  }

  private static String lastWords(Path log) throws IOException {
    String said = Files.readString(log).strip();
    return said.isEmpty() ? "none" : said.substring(Math.max(0, said.length() - 2000));
  }

  /**
   * Runs in the process of its own.
   *
   * @param args file for the answer, model directory, tags, signature, then {@code input=sizes}
   * @throws IOException if the answer cannot be written
   */
  public static void main(String[] args) throws IOException {
    Path answer = Path.of(args[0]);
    Map<String, Shape> shapes = new LinkedHashMap<>();
    for (String shape : List.of(args).subList(4, args.length)) {
      int equals = shape.lastIndexOf('=');
      shapes.put(shape.substring(0, equals), shape(shape.substring(equals + 1)));
    }
    TrialAnswer result;
    try (TrialRun run =
        new TrialRun(SavedModel.read(Path.of(args[1]), args[2].split(",", -1)), args[3], shapes)) {
      result = run.run();
    } catch (RuntimeException e) {
      result = TrialAnswer.none(Outcome.NOT_RUN, TrialRun.message(e), TrialRun.sizes(shapes));
    }
    // Whole or not at all: an answer that is there is complete.
    Path whole = answer.resolveSibling(answer.getFileName() + ".part");
    result.write(whole);
    Files.move(whole, answer);
  }

  /** Sizes separated by commas; nothing for a scalar. */
  static Shape shape(String text) {
    return text.isBlank()
        ? Shape.scalar()
        : Shape.of(List.of(text.split(",", -1)).stream().mapToLong(Long::parseLong).toArray());
  }

  private static String text(Shape shape) {
    return String.join(
        ",", TrialRun.sizes(Map.of("", shape)).get("").stream().map(Object::toString).toList());
  }
}
