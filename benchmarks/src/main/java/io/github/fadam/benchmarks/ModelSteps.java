package io.github.fadam.benchmarks;

import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.savedmodel.data.DataFiles;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.training.FineTuner;
import io.github.fadam.savedmodel.training.FitOptions;
import io.github.fadam.savedmodel.training.TrainingListener;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.tensorflow.ndarray.Shape;

/**
 * Times plain SGD steps on a SavedModel, as one of the processes that {@code model_steps.py}
 * starts.
 *
 * <p>Prints one line of JSON: {@code first}, seconds from the start of the process to the end of
 * the first step, and {@code step}, the median of the steps after a warm-up of 200 steps or some
 * seconds.
 */
public final class ModelSteps {

  private static final int WARM_STEPS = 200;
  private static final int LEAST_STEPS = 15;

  private ModelSteps() {}

  /**
   * Runs the steps.
   *
   * @param arguments directory of the model; {@code .npz} with inputs and labels, one batch; time
   *     when the process was started, in seconds since the epoch; seconds to warm up for at most;
   *     seconds to go on for after that; shapes of inputs that the signature leaves open, {@code
   *     INPUT=-1,SIZE,SIZE} with spaces between them, or an empty text; {@code true} where outputs
   *     are logits; the trained output or an empty text; losses, {@code OUTPUT=NAME} where there
   *     are several
   * @throws IOException if the data cannot be read
   */
  public static void main(String[] arguments) throws IOException {
    Path model = Path.of(arguments[0]);
    double started = Double.parseDouble(arguments[2]);
    double warm = Double.parseDouble(arguments[3]);
    double duration = Double.parseDouble(arguments[4]);
    boolean fromLogits = Boolean.parseBoolean(arguments[6]);
    FineTuner.Builder builder = FineTuner.of(model);
    if (!arguments[5].isEmpty()) {
      for (String input : arguments[5].split(" ", -1)) {
        String[] parts = input.split("=", 2);
        long[] sizes = Stream.of(parts[1].split(",", -1)).mapToLong(Long::parseLong).toArray();
        builder.inputShape(parts[0], Shape.of(sizes));
      }
    }
    if (!arguments[7].isEmpty()) {
      builder.output(arguments[7]);
    }
    for (String loss : List.of(arguments).subList(8, arguments.length)) {
      String[] parts = loss.split("=", 2);
      if (parts.length == 2) {
        builder.loss(parts[0], Losses.named(parts[1], fromLogits));
      } else {
        builder.loss(Losses.named(loss, fromLogits));
      }
    }
    DataSource data = DataFiles.open(Path.of(arguments[1]));
    try (FineTuner tuner = builder.optimizer(graph -> new Sgd(graph, 1e-6)).build()) {
      Clock clock = new Clock(started, warm, duration);
      FitOptions options =
          FitOptions.steps(1_000_000).batchSize((int) data.rows()).shuffle(false).listener(clock);
      tuner.fit(data, options);
      System.out.printf(
          "{\"first\": %.4f, \"step\": %.7f, \"steps\": %d}%n",
          clock.first, clock.median(), clock.nanos.size());
    }
  }

  /**
   * Notes the ends of the steps: each begins where the one before it ends. Ends the run in time.
   */
  private static final class Clock implements TrainingListener {

    private final double started;
    private final double warm;
    private final double duration;
    private final List<Long> nanos = new ArrayList<>();
    private double first = Double.NaN;
    private long firstEnd;
    private long warmEnd;
    private long lastEnd;

    Clock(double started, double warm, double duration) {
      this.started = started;
      this.warm = warm;
      this.duration = duration;
    }

    @Override
    public boolean onStep(Step step) {
      long now = System.nanoTime();
      if (step.step() == 1) {
        first = System.currentTimeMillis() / 1e3 - started;
        firstEnd = now;
      }
      if (warmEnd > 0) {
        nanos.add(now - lastEnd);
      } else if (step.step() >= WARM_STEPS || now - firstEnd >= warm * 1e9) {
        warmEnd = now;
      }
      lastEnd = now;
      return warmEnd == 0 || nanos.size() < LEAST_STEPS || now - warmEnd < duration * 1e9;
    }

    double median() {
      return nanos.stream().sorted().skip(nanos.size() / 2).findFirst().orElseThrow() / 1e9;
    }
  }
}
