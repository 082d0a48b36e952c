package io.github.fadam.framework.checkpoint;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where a training run is when it is saved.
 *
 * @param step number of steps made, names the checkpoint
 * @param epoch number of the epoch that the next step's data is in, from 0
 * @param position number of batches of that epoch that have been used
 * @param metrics measures by name, among them the one that the best checkpoint is chosen by
 * @param metadata anything else that the caller wants back, by name
 */
public record Progress(
    long step,
    long epoch,
    long position,
    Map<String, Double> metrics,
    Map<String, String> metadata) {

  /**
   * Copies the maps, keeping their order.
   *
   * @param step see the record
   * @param epoch see the record
   * @param position see the record
   * @param metrics see the record
   * @param metadata see the record
   * @throws IllegalArgumentException if a number is negative
   */
  public Progress {
    if (step < 0 || epoch < 0 || position < 0) {
      throw new IllegalArgumentException(
          "Expected a step, an epoch and a position of at least 0, found "
              + step
              + ", "
              + epoch
              + " and "
              + position);
    }
    metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  /**
   * A place without measures.
   *
   * @param step number of steps made
   * @param epoch number of the epoch that the next step's data is in, from 0
   * @param position number of batches of that epoch that have been used
   * @return the progress
   */
  public static Progress at(long step, long epoch, long position) {
    return new Progress(step, epoch, position, Map.of(), Map.of());
  }

  /**
   * Adds a measure.
   *
   * @param name its name, for example {@code loss}
   * @param value its value
   * @return new progress
   */
  public Progress metric(String name, double value) {
    Map<String, Double> more = new LinkedHashMap<>(metrics);
    more.put(name, value);
    return new Progress(step, epoch, position, more, metadata);
  }

  /**
   * Adds something to get back on restoring.
   *
   * @param name its name
   * @param value its value
   * @return new progress
   */
  public Progress metadata(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(metadata);
    more.put(name, value);
    return new Progress(step, epoch, position, metrics, more);
  }
}
