package io.github.fadam.savedmodel.training;

import java.util.Map;

/**
 * Watches one figure of the validation for progress.
 *
 * <p>Mutable: it remembers the best value and how many epochs have gone by without a better one.
 */
final class Monitor {

  private static final String BEST = "best";
  private static final String EPOCHS_SINCE_BEST = "epochs-since-best";

  private final String metric;
  private final double leastChange;
  private double best = Double.NaN;
  private int epochsSinceBest;

  /**
   * Watches the loss, which should fall, or a metric, which should rise.
   *
   * @param metric name of the metric, or null for the loss
   * @param leastChange what counts as better, at least 0
   */
  Monitor(String metric, double leastChange) {
    if (!(leastChange >= 0 && leastChange < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "Expected a least change of at least 0, found " + leastChange + "; 0 is usual.");
    }
    this.metric = metric;
    this.leastChange = leastChange;
  }

  static int requirePatience(int patience) {
    if (patience < 1) {
      throw new IllegalArgumentException(
          "Expected a patience of at least 1 epoch, found " + patience + ".");
    }
    return patience;
  }

  /** Takes an epoch's validation and returns how many epochs there were since the best. */
  int observe(History.Epoch epoch) {
    double value = value(epoch.validation().orElseThrow());
    if (isBetter(value)) {
      best = value;
      epochsSinceBest = 0;
    } else {
      epochsSinceBest++;
    }
    return epochsSinceBest;
  }

  /** Begins to count anew, from the best value so far. */
  void forgive() {
    epochsSinceBest = 0;
  }

  Map<String, String> state() {
    return Map.of(
        BEST, Double.toString(best), EPOCHS_SINCE_BEST, Integer.toString(epochsSinceBest));
  }

  void restore(Map<String, String> state) {
    best = Double.parseDouble(state.getOrDefault(BEST, "NaN"));
    epochsSinceBest = Integer.parseInt(state.getOrDefault(EPOCHS_SINCE_BEST, "0"));
  }

  /** The first number is; NaN never is. */
  private boolean isBetter(double value) {
    if (Double.isNaN(best)) {
      return !Double.isNaN(value);
    }
    return metric == null ? value < best - leastChange : value > best + leastChange;
  }

  private double value(Evaluation evaluation) {
    if (metric == null) {
      return evaluation.loss();
    }
    Double value = evaluation.metrics().get(metric);
    if (value == null) {
      throw new IllegalArgumentException(
          "Expected the metric " + metric + ", found " + evaluation.metrics().keySet());
    }
    return value;
  }
}
