package io.github.fadam.framework.checkpoint;

import java.util.Comparator;
import java.util.Optional;

/**
 * Which checkpoints stay when a new one has been written.
 *
 * @param last number of the newest ones that stay
 * @param best by what one more stays, however old it is
 */
public record Retention(int last, Optional<Best> best) {

  /** Which value of a metric is better. */
  public enum Order {
    /** The lower one, as of a loss. */
    LOWEST,
    /** The higher one, as of an accuracy. */
    HIGHEST
  }

  /**
   * What makes a checkpoint the best. One without the metric, or with NaN, is never the best; of
   * equals the newest is.
   *
   * @param metric name of the metric in {@link Progress#metrics()}
   * @param order which value is better
   */
  public record Best(String metric, Order order) {

    Comparator<Double> comparator() {
      return order == Order.LOWEST ? Comparator.reverseOrder() : Comparator.naturalOrder();
    }
  }

  /**
   * Checks the number.
   *
   * @param last see the record
   * @param best see the record
   * @throws IllegalArgumentException if no checkpoint would stay
   */
  public Retention {
    if (last < 1) {
      throw new IllegalArgumentException(
          "Expected to keep at least 1 checkpoint, found " + last + "; 3 is usual.");
    }
  }

  /**
   * Keeps the newest checkpoints.
   *
   * @param last how many, at least 1
   * @return the rule
   * @throws IllegalArgumentException if it is below 1
   */
  public static Retention keepLast(int last) {
    return new Retention(last, Optional.empty());
  }

  /**
   * Keeps the best checkpoint too.
   *
   * @param metric name of the metric in {@link Progress#metrics()}
   * @param order which value is better
   * @return a new rule
   */
  public Retention keepBest(String metric, Order order) {
    return new Retention(last, Optional.of(new Best(metric, order)));
  }
}
