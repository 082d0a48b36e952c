package io.github.fadam.benchmarks;

import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.savedmodel.data.DataFiles;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.training.FineTuner;
import io.github.fadam.savedmodel.training.FitOptions;
import io.github.fadam.savedmodel.training.History;
import io.github.fadam.savedmodel.training.TrainingListener;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Times plain SGD steps on a SavedModel, as one of the processes that {@code model_steps.py}
 * starts.
 *
 * <p>Prints one line of JSON: {@code first}, seconds from the start of the process to the end of
 * the first step, and {@code step}, the median of the others.
 */
public final class ModelSteps {

  private ModelSteps() {}

  /**
   * Runs the steps.
   *
   * @param arguments directory of the model; {@code .npz} with inputs and labels, one batch; time
   *     when the process was started, in seconds since the epoch; seconds to go on for; {@code
   *     true} where outputs are logits; the trained output or an empty text; losses, {@code
   *     OUTPUT=NAME} where there are several
   * @throws IOException if the data cannot be read
   */
  public static void main(String[] arguments) throws IOException {
    Path model = Path.of(arguments[0]);
    double started = Double.parseDouble(arguments[2]);
    double duration = Double.parseDouble(arguments[3]);
    boolean fromLogits = Boolean.parseBoolean(arguments[4]);
    FineTuner.Builder builder = FineTuner.of(model);
    if (!arguments[5].isEmpty()) {
      builder.output(arguments[5]);
    }
    for (String loss : List.of(arguments).subList(6, arguments.length)) {
      String[] parts = loss.split("=", 2);
      if (parts.length == 2) {
        builder.loss(parts[0], Losses.named(parts[1], fromLogits));
      } else {
        builder.loss(Losses.named(loss, fromLogits));
      }
    }
    DataSource data = DataFiles.open(Path.of(arguments[1]));
    try (FineTuner tuner = builder.optimizer(graph -> new Sgd(graph, 1e-6)).build()) {
      Clock clock = new Clock(started, duration);
      FitOptions options =
          FitOptions.steps(100_000).batchSize((int) data.rows()).shuffle(false).listener(clock);
      History history = tuner.fit(data, options);
      System.out.printf(
          "{\"first\": %.4f, \"step\": %.7f, \"steps\": %d}%n",
          clock.first, history.secondsPerStep(), history.losses().size());
    }
  }

  /** Notes the end of the first step, and ends the run in time. */
  private static final class Clock implements TrainingListener {

    private final double started;
    private final double duration;
    private double first = Double.NaN;
    private long begun;

    Clock(double started, double duration) {
      this.started = started;
      this.duration = duration;
    }

    @Override
    public boolean onStep(Step step) {
      if (step.step() == 1) {
        first = System.currentTimeMillis() / 1e3 - started;
        begun = System.nanoTime();
      }
      return step.step() < 4 || System.nanoTime() - begun < duration * 1e9;
    }
  }
}
