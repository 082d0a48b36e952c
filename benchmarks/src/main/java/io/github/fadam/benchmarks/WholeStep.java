package io.github.fadam.benchmarks;

import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.savedmodel.data.DataFiles;
import io.github.fadam.savedmodel.training.FineTuner;
import io.github.fadam.savedmodel.training.FitOptions;
import io.github.fadam.savedmodel.training.History;
import io.github.fadam.savedmodel.training.TrainingListener;
import io.github.fadam.savedmodel.training.Xla;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Times whole SGD steps of {@link FineTuner} on a SavedModel, as one of the processes that {@code
 * whole_step.py} starts.
 *
 * <p>Prints one line of JSON: {@code first}, seconds from the start of the process to the end of
 * the first step; {@code step}, the median time from one step to the next; {@code session}, the
 * median of it that the session's run takes; {@code compiled} and {@code reason}, the choice.
 */
public final class WholeStep {

  private WholeStep() {}

  /**
   * Runs the steps.
   *
   * @param arguments directory of the model; {@code .npz} with inputs and labels; rows of a batch;
   *     {@code off}, {@code step} or {@code auto}; time when the process was started, in seconds
   *     since the epoch; seconds to go on for
   * @throws IOException if the data cannot be read
   */
  public static void main(String[] arguments) throws IOException {
    Clock clock =
        new Clock(Double.parseDouble(arguments[4]), Double.parseDouble(arguments[5]) * 1e9);
    try (FineTuner tuner =
        FineTuner.of(Path.of(arguments[0]))
            .loss(Losses.sparseCategoricalCrossentropy(true))
            .xla(Xla.of(arguments[3]))
            .optimizer(graph -> new Sgd(graph, 1e-6))
            .build()) {
      FitOptions options =
          FitOptions.steps(1_000_000)
              .batchSize(Integer.parseInt(arguments[2]))
              .shuffle(false)
              .listener(clock);
      History history = tuner.fit(DataFiles.open(Path.of(arguments[1])), options);
      System.out.printf(
          "{\"first\": %.4f, \"step\": %.7f, \"session\": %.7f, \"compiled\": %s, \"reason\":"
              + " \"%s\"}%n",
          clock.first,
          clock.median(),
          history.secondsInSession(),
          tuner.compilation().compiled(),
          tuner.compilation().reason());
    }
  }

  /** Notes when steps end, and ends the run in time. */
  private static final class Clock implements TrainingListener {

    private static final int FEWEST = 5;

    private final double started;
    private final double duration;
    private final List<Long> ends = new ArrayList<>();
    private double first = Double.NaN;

    Clock(double started, double duration) {
      this.started = started;
      this.duration = duration;
    }

    @Override
    public boolean onStep(Step step) {
      if (ends.isEmpty()) {
        first = System.currentTimeMillis() / 1e3 - started;
      }
      ends.add(System.nanoTime());
      return ends.size() < FEWEST || ends.get(ends.size() - 1) - ends.get(0) < duration;
    }

    double median() {
      long[] steps = new long[ends.size() - 1];
      for (int i = 0; i < steps.length; i++) {
        steps[i] = ends.get(i + 1) - ends.get(i);
      }
      Arrays.sort(steps);
      return steps[steps.length / 2] / 1e9;
    }
  }
}
