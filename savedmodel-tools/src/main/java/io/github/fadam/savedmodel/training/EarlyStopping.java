package io.github.fadam.savedmodel.training;

import java.util.Map;

/**
 * Ends a run when its validation has not got better for some epochs. The model stays as the last
 * epoch left it.
 */
public final class EarlyStopping implements TrainingListener {

  private final Monitor monitor;
  private final int patience;

  private EarlyStopping(Monitor monitor, int patience) {
    this.monitor = monitor;
    this.patience = Monitor.requirePatience(patience);
  }

  /**
   * Watches the validation loss.
   *
   * @param patience epochs without a lower loss after which the run ends, at least 1
   * @return the listener, for one run
   * @throws IllegalArgumentException if patience is below 1
   */
  public static EarlyStopping onLoss(int patience) {
    return new EarlyStopping(new Monitor(null, 0), patience);
  }

  /**
   * Watches a metric of the validation that should rise.
   *
   * @param metric name of the metric, for example {@code accuracy}
   * @param patience epochs without a rise after which the run ends, at least 1
   * @param leastChange what a rise has to exceed to count, at least 0
   * @return the listener, for one run
   * @throws IllegalArgumentException if a number is out of bounds
   */
  public static EarlyStopping onMetric(String metric, int patience, double leastChange) {
    return new EarlyStopping(new Monitor(metric, leastChange), patience);
  }

  @Override
  public boolean needsValidation() {
    return true;
  }

  @Override
  public boolean onEpoch(History.Epoch epoch) {
    return monitor.observe(epoch) < patience;
  }

  @Override
  public Map<String, String> state() {
    return monitor.state();
  }

  @Override
  public void restore(Map<String, String> state) {
    monitor.restore(state);
  }
}
