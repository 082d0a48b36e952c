package io.github.fadam.benchmarks;

import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.savedmodel.data.DataFiles;
import io.github.fadam.savedmodel.training.FineTuner;
import io.github.fadam.savedmodel.training.FitOptions;
import io.github.fadam.savedmodel.training.History;
import io.github.fadam.savedmodel.training.TrainingListener;
import io.github.fadam.savedmodel.training.Xla;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes whole SGD steps of {@link FineTuner} on a SavedModel, in turns, as one of the processes
 * that {@code whole_step.py} starts.
 *
 * <p>Answers with lines of JSON on standard output. After the first step: {@code first}, seconds
 * from the start of the process to its end. Then, for each line of standard input, the seconds of a
 * turn: {@code step}, the median time from one step to the next. After the end of the input: {@code
 * step}, the median over all turns; {@code session}, the median of it that the session's run takes;
 * {@code compiled} and {@code reason}, the choice.
 */
public final class WholeStep {

  private WholeStep() {}

  /**
   * Runs the steps.
   *
   * @param arguments directory of the model; {@code .npz} with inputs and labels; rows of a batch;
   *     {@code off}, {@code step} or {@code auto}; time when the process was started, in seconds
   *     since the epoch
   * @throws IOException if the data cannot be read
   */
  public static void main(String[] arguments) throws IOException {
    Turns turns = new Turns(Double.parseDouble(arguments[4]));
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
              .listener(turns);
      History history = tuner.fit(DataFiles.open(Path.of(arguments[1])), options);
      System.out.printf(
          "{\"step\": %.7f, \"session\": %.7f, \"compiled\": %s, \"reason\": \"%s\"}%n",
          median(turns.all),
          history.secondsInSession(),
          tuner.compilation().compiled(),
          tuner.compilation().reason());
    }
  }

  private static double median(List<Long> nanos) {
    List<Long> sorted = nanos.stream().sorted().toList();
    return sorted.get(sorted.size() / 2) / 1e9;
  }

  /** Makes steps when told to. */
  private static final class Turns implements TrainingListener {

    private static final int FEWEST = 3;

    private final BufferedReader input =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    private final List<Long> all = new ArrayList<>();
    private final List<Long> turn = new ArrayList<>();
    private final double started;
    private double duration = Double.NaN;
    private long begun;
    private long last;

    Turns(double started) {
      this.started = started;
    }

    @Override
    public boolean onStep(Step step) {
      long now = System.nanoTime();
      if (Double.isNaN(duration)) {
        System.out.printf("{\"first\": %.4f}%n", System.currentTimeMillis() / 1e3 - started);
        return waits();
      }
      if (begun == 0) {
        begun = now;
      } else {
        turn.add(now - last);
      }
      last = now;
      if (turn.size() < FEWEST || now - begun < duration) {
        return true;
      }
      System.out.printf("{\"step\": %.7f}%n", median(turn));
      all.addAll(turn);
      return waits();
    }

    private boolean waits() {
      try {
        System.out.flush();
        String line = input.readLine();
        turn.clear();
        begun = 0;
        duration = line == null ? 0 : Double.parseDouble(line) * 1e9;
        return line != null;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
