package io.github.fadam.savedmodel.training;

import java.util.HashMap;
import java.util.Map;
import java.util.function.DoubleConsumer;

/**
 * Lowers the learning rate when the validation loss has not fallen for some epochs: its multiplier
 * is multiplied by a factor, down to a least value.
 */
public final class ReduceOnPlateau implements TrainingListener {

  private static final String MULTIPLIER = "multiplier";

  private final Monitor monitor = new Monitor(null, 0);
  private final DoubleConsumer multiplier;
  private final double factor;
  private final int patience;
  private final double least;
  private double current = 1;

  /** Tells somebody else the multiplier. */
  ReduceOnPlateau(DoubleConsumer multiplier, double factor, int patience, double least) {
    if (!(factor > 0 && factor < 1)) {
      throw new IllegalArgumentException(
          "Expected a factor above 0 and below 1, found " + factor + "; 0.1 is usual.");
    }
    if (!(least >= 0 && least < 1)) {
      throw new IllegalArgumentException(
          "Expected a least multiplier of at least 0 and below 1, found " + least + ".");
    }
    this.multiplier = multiplier;
    this.factor = factor;
    this.patience = Monitor.requirePatience(patience);
    this.least = least;
  }

  /**
   * Lowers the learning rate of a tuner's optimizer, beginning with a multiplier of 1.
   *
   * @param tuner the tuner whose run this listens to
   * @param factor what the multiplier is multiplied by, above 0 and below 1
   * @param patience epochs without a lower validation loss, at least 1
   * @param least the multiplier goes no lower, at least 0 and below 1
   * @return the listener, for one run
   * @throws IllegalArgumentException if a number is out of bounds
   */
  public static ReduceOnPlateau of(FineTuner tuner, double factor, int patience, double least) {
    return new ReduceOnPlateau(tuner::setLearningRateMultiplier, factor, patience, least);
  }

  @Override
  public boolean needsValidation() {
    return true;
  }

  @Override
  public boolean onEpoch(History.Epoch epoch) {
    if (monitor.observe(epoch) >= patience) {
      monitor.forgive();
      current = Math.max(least, current * factor);
      multiplier.accept(current);
    }
    return true;
  }

  @Override
  public Map<String, String> state() {
    Map<String, String> state = new HashMap<>(monitor.state());
    state.put(MULTIPLIER, Double.toString(current));
    return state;
  }

  @Override
  public void restore(Map<String, String> state) {
    monitor.restore(state);
    current = Double.parseDouble(state.getOrDefault(MULTIPLIER, "1"));
  }
}
