package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.data.Batches;
import io.github.fadam.savedmodel.data.DataBinding;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.tensorflow.Session;

/**
 * How long a step takes, not compiled and compiled.
 *
 * @param plain median seconds of a step that is not compiled
 * @param compiled median seconds of one that is, compiling left out
 */
record StepTimes(double plain, double compiled) {

  private static final int TURNS = 5;

  /** The second run is not like the first one, but like all others. */
  private static final int UNTIMED = 2;

  /**
   * Makes steps in turns, on one batch. Both are moved by that.
   *
   * @param options its batch size and order
   */
  static StepTimes of(
      LoadedTraining plain, LoadedTraining compiled, DataBinding data, FitOptions options) {
    Batches batches = new Batches(data.rows(), options.batchSize(), options.order());
    long[] rows = batches.from(0, 0).next().rows();
    List<LoadedTraining> both = List.of(plain, compiled);
    double[][] seconds = new double[both.size()][TURNS];
    for (int turn = -UNTIMED; turn < TURNS; turn++) {
      for (int i = 0; i < both.size(); i++) {
        // Who goes first finds other caches.
        int next = (i + turn + UNTIMED) % both.size();
        double taken = step(both.get(next), data, rows, options.seed());
        if (turn >= 0) {
          seconds[next][turn] = taken;
        }
      }
    }
    return new StepTimes(median(seconds[0]), median(seconds[1]));
  }

  /** All that a step takes, from rows to the updated weights. */
  private static double step(LoadedTraining training, DataBinding data, long[] rows, long seed) {
    TrainingGraph graph = training.graph();
    Session session = training.session();
    FilledBatches filled = new FilledBatches(session, graph, data, rows.length, training.shapes());
    long start = System.nanoTime();
    for (int i = 0; i < graph.optimizer().microSteps(); i++) {
      try (Feeds feeds = filled.feeds(rows, seed, i)) {
        long run = System.nanoTime();
        feeds.into(session.runner()).fetch(graph.loss()).addTarget(graph.step()).run().close();
        training.shapes().observe(feeds, System.nanoTime() - run);
      }
    }
    return (System.nanoTime() - start) / 1e9;
  }

  private static double median(double[] seconds) {
    double[] sorted = seconds.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  boolean compiledIsFaster() {
    return compiled < plain;
  }

  /** By what was measured. */
  Map<String, Double> seconds() {
    Map<String, Double> seconds = new LinkedHashMap<>();
    seconds.put("plain", plain);
    seconds.put("compiled", compiled);
    return seconds;
  }

  /** For a person. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "a step takes %.2f ms plain and %.2f ms compiled, medians of %d",
        plain * 1e3,
        compiled * 1e3,
        TURNS);
  }
}
