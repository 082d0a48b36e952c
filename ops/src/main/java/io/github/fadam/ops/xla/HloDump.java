package io.github.fadam.ops.xla;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.ndarray.Shape;

/**
 * Shows what XLA makes of a compiled function.
 *
 * <p>XLA writes its modules only where the environment says so when the process starts, therefore
 * the function is compiled in a process of its own.
 */
public final class HloDump {

  private static final String OPTIMIZED = "after_optimizations.txt";
  private static final long MINUTES = 10;

  private HloDump() {}

  /**
   * Runs operations of a graph once in a new process, with zeros for inputs, and gives the modules
   * that XLA compiled. Variables start as their initializers say.
   *
   * @param graph a graph with compiled calls, see {@link XlaGraph} and {@link XlaFunction}; it is
   *     only read
   * @param inputs placeholder to the shape to feed; dtypes are the placeholders'
   * @param operations what to run
   * @return the optimized modules of the compiled functions, in the order of their names
   * @throws IOException if the process cannot be started, or fails: with the end of what it printed
   */
  public static List<HloModule> of(
      Graph graph, Map<? extends Operand<?>, Shape> inputs, List<? extends Operation> operations)
      throws IOException {
    Path file = Files.createTempFile("fadam-hlo", ".pb");
    try {
      Files.write(file, graph.toGraphDef().toByteArray());
      List<String> arguments = new ArrayList<>(List.of(file.toString()));
      operations.forEach(operation -> arguments.add("run=" + operation.name()));
      inputs.forEach(
          (input, shape) ->
              arguments.add(
                  "feed="
                      + input.asOutput().op().name()
                      + "="
                      + input.asOutput().dataType()
                      + "="
                      + text(shape)));
      return ofProcess(HloProcess.class.getName(), arguments);
    } finally {
      Files.delete(file);
    }
  }

  /**
   * Runs a program in a new process with this one's class path, and gives the modules that XLA
   * compiled in it.
   *
   * @param mainClass name of the class with the main method
   * @param arguments its arguments
   * @return the optimized modules of the compiled functions, in the order of their names
   * @throws IOException if the process cannot be started, or fails: with the end of what it printed
   */
  public static List<HloModule> ofProcess(String mainClass, List<String> arguments)
      throws IOException {
    Path directory = Files.createTempDirectory("fadam-hlo");
    try {
      List<String> command =
          new ArrayList<>(
              List.of(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-cp",
                  System.getProperty("java.class.path"),
                  mainClass));
      command.addAll(arguments);
      Path log = directory.resolve("log");
      Path modules = Files.createDirectory(directory.resolve("modules"));
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
      builder
          .environment()
          .put("XLA_FLAGS", "--xla_dump_to=" + modules + " --xla_dump_hlo_as_text");
      run(builder, log);
      return read(modules);
    } finally {
      delete(directory);
    }
  }

  private static void run(ProcessBuilder builder, Path log) throws IOException {
    Process process = builder.start();
    try {
      if (!process.waitFor(MINUTES, TimeUnit.MINUTES) || process.exitValue() != 0) {
        List<String> lines = Files.readAllLines(log);
        throw new IOException(
            "Expected the process that compiles to end with 0, found "
                + (process.isAlive()
                    ? "it running after " + MINUTES + " minutes"
                    : process.exitValue())
                + "; its last lines:\n"
                + String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size())));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted while XLA compiled in another process", e);
    } finally {
      process.destroyForcibly();
    }
  }

  private static List<HloModule> read(Path directory) throws IOException {
    List<HloModule> modules = new ArrayList<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString();
        if (name.endsWith(OPTIMIZED)) {
          String text = Files.readString(file);
          int space = text.indexOf(' ');
          int comma = text.indexOf(',');
          modules.add(new HloModule(text.substring(space + 1, comma), text));
        }
      }
    }
    return modules;
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private static String text(Shape shape) {
    return Arrays.stream(shape.asArray()).mapToObj(Long::toString).collect(Collectors.joining(","));
  }
}
