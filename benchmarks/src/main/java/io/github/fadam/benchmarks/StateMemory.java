package io.github.fadam.benchmarks;

import io.github.fadam.framework.optimizer.Adam;
import io.github.fadam.framework.optimizer.FAdafactor;
import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.optimizer.MomentumState;
import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.framework.optimizer.Sgd;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat32;

/**
 * Measures the memory of a process that trains one float32 matrix of 4096 x 4096, beside the bytes
 * that {@code stateBytes()} says. Linux only.
 *
 * <p>Every optimizer runs in a process of its own. At rest, after the steps, the process holds the
 * variable, one fed gradient, and the state: what is above SGD's is the state. The peak is that of
 * a step, with what it computes on the way.
 */
public final class StateMemory {

  private static final Shape MATRIX = Shape.of(4096, 4096);
  private static final int STEPS = 5;
  private static final double MEGABYTE = 1e6;

  /** The optimizers under comparison; the first is what the others are compared with. */
  private enum Choice {
    SGD,
    ADAM,
    FADAM,
    FADAFACTOR,
    FADAFACTOR_BFLOAT16,
    FADAFACTOR_WITHOUT_MOMENTUM;

    RuleOptimizer optimizer(Graph graph) {
      return switch (this) {
        case SGD -> new Sgd(graph);
        case ADAM -> new Adam(graph);
        case FADAM -> new FAdam(graph);
        case FADAFACTOR -> new FAdafactor(graph);
        case FADAFACTOR_BFLOAT16 ->
            FAdafactor.builder(graph).momentum(MomentumState.BFLOAT16).build();
        case FADAFACTOR_WITHOUT_MOMENTUM ->
            FAdafactor.builder(graph).momentum(MomentumState.NONE).build();
      };
    }
  }

  /** What one process says, in bytes. */
  private record Measured(long state, long rest, long peak) {}

  private StateMemory() {}

  /**
   * Prints a table, or, for one optimizer, its numbers.
   *
   * @param arguments none, or the name of one choice
   * @throws IOException if a process cannot be started or {@code /proc} cannot be read
   * @throws InterruptedException if the wait for a process is interrupted
   */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    if (arguments.length == 1) {
      Measured measured = measure(Choice.valueOf(arguments[0]));
      System.out.println(measured.state() + " " + measured.rest() + " " + measured.peak());
      return;
    }
    System.out.println("| optimizer | stateBytes() | at rest | above SGD | peak |");
    System.out.println("| --- | --- | --- | --- | --- |");
    Measured first = null;
    for (Choice choice : Choice.values()) {
      Measured measured = child(choice);
      first = first == null ? measured : first;
      long rest = first.rest();
      System.out.printf(
          "| %s | %.2f MB | %.0f MB | %.0f MB | %.0f MB |%n",
          choice,
          measured.state() / MEGABYTE,
          measured.rest() / MEGABYTE,
          (measured.rest() - rest) / MEGABYTE,
          measured.peak() / MEGABYTE);
    }
  }

  private static Measured child(Choice choice) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xms256m",
            "-Xmx256m",
            "-XX:+AlwaysPreTouch",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("java.class.path"),
            StateMemory.class.getName(),
            choice.name());
    // With these, glibc would keep what a step has computed on the way.
    List.of("MALLOC_ARENA_MAX", "MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_")
        .forEach(builder.environment()::remove);
    Process process = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String[] numbers =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
            .strip()
            .split(" ");
    if (process.waitFor() != 0 || numbers.length != 3) {
      throw new IOException(
          "Expected three numbers of "
              + choice
              + ", found "
              + String.join(" ", numbers)
              + "; run it alone to see why.");
    }
    return new Measured(
        Long.parseLong(numbers[0]), Long.parseLong(numbers[1]), Long.parseLong(numbers[2]));
  }

  private static Measured measure(Choice choice) throws IOException {
    try (Graph graph = new Graph();
        TFloat32 fed =
            TFloat32.tensorOf(MATRIX, data -> data.scalars().forEach(x -> x.setFloat(0.25f)))) {
      Ops tf = Ops.create(graph);
      Ops init = tf.withInitScope();
      Variable<TFloat32> variable =
          tf.variable(init.fill(init.constant(MATRIX.asArray()), init.constant(0.5f)));
      Placeholder<TFloat32> gradient = tf.placeholder(TFloat32.class, Placeholder.shape(MATRIX));
      RuleOptimizer optimizer = choice.optimizer(graph);
      Op step =
          optimizer.applyGradients(
              List.of(new GradAndVar<>(gradient.asOutput(), variable.asOutput())), "step");
      try (Session session = new Session(graph)) {
        for (int i = 0; i < STEPS; i++) {
          session.runner().feed(gradient, fed).addTarget(step).run().close();
        }
        return new Measured(optimizer.stateBytes(), status("VmRSS"), status("VmHWM"));
      }
    }
  }

  private static long status(String key) throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith(key + ":"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
        .findFirst()
        .orElseThrow(() -> new IOException("Expected " + key + " in /proc/self/status."));
  }
}
