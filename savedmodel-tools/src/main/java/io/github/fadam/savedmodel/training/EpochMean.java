package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.checkpoint.Progress;

/** The mean loss of the epoch that is going on; it survives a checkpoint. */
final class EpochMean {

  private static final String SUM = "epoch-loss-sum";
  private static final String ROWS = "epoch-rows";
  private static final String STEPS = "epoch-steps";

  private double sum;
  private long rows;
  private long steps;

  /** A loss that is no number, which a guard let pass, does not count. */
  void add(double loss, long stepRows) {
    if (Double.isFinite(loss)) {
      sum += loss * stepRows;
      rows += stepRows;
    }
    steps++;
  }

  /** NaN where no loss counted. */
  double mean() {
    return sum / rows;
  }

  long steps() {
    return steps;
  }

  void reset() {
    sum = 0;
    rows = 0;
    steps = 0;
  }

  Progress addTo(Progress progress) {
    return progress
        .metadata(SUM, Double.toString(sum))
        .metadata(ROWS, Long.toString(rows))
        .metadata(STEPS, Long.toString(steps));
  }

  void restore(Progress progress) {
    sum = Double.parseDouble(progress.metadata().get(SUM));
    rows = Long.parseLong(progress.metadata().get(ROWS));
    steps = Long.parseLong(progress.metadata().get(STEPS));
  }
}
