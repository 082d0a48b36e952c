package io.github.fadam.savedmodel.training;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Whether the whole training step is one function that XLA compiles. */
public enum Xla {

  /** The step runs operation by operation. */
  OFF,

  /** Forward pass, loss, gradients and update are one compiled function. */
  STEP,

  /**
   * A fixed rule over the model's operations decides, from what was measured: on a CPU a compiled
   * step is several times slower with convolutions, slower with attention, and faster where a GRU
   * of a few dozen time steps has been unrolled into small operations.
   */
  AUTO,

  /**
   * Both are run a few times when training begins, on a batch of its data and a copy of the state;
   * the faster one trains.
   */
  MEASURE;

  /**
   * Reads what {@link #key} writes.
   *
   * @param key {@code off}, {@code step}, {@code auto} or {@code measure}
   * @return the choice
   * @throws IllegalArgumentException if there is none of that name, with those there are
   */
  public static Xla of(String key) {
    return Arrays.stream(values())
        .filter(xla -> xla.key().equals(key))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "Expected one of "
                        + Arrays.stream(values()).map(Xla::key).collect(Collectors.joining(", "))
                        + " for xla, found "
                        + key));
  }

  /**
   * Its name as an option's value.
   *
   * @return the name in lower case
   */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
