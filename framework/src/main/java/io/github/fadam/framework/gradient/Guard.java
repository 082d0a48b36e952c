package io.github.fadam.framework.gradient;

import java.util.OptionalLong;

/**
 * What happens when a gradient is not finite.
 *
 * <p>If any element of any trained variable's gradient is NaN or infinite, the whole step is
 * skipped: variables, slots, step counter, schedules and averages keep their values bit for bit,
 * and two counters in the optimizer's state say so.
 *
 * @param limit number of skipped steps in a row that is one too many, empty for no limit
 */
public record Guard(OptionalLong limit) {

  /**
   * Skips every step whose gradients are not finite, and never gives up.
   *
   * @return the guard
   */
  public static Guard skipNonFinite() {
    return new Guard(OptionalLong.empty());
  }

  /**
   * Gives up where skipping does not help: {@code RuleOptimizer.checkGuard} throws then.
   *
   * @param steps number of skipped steps in a row, at least 1
   * @return a guard like this with the limit
   * @throws IllegalArgumentException if {@code steps} is below 1
   */
  public Guard failAfter(long steps) {
    if (steps < 1) {
      throw new IllegalArgumentException(
          "Expected to fail after at least 1 skipped step in a row, found " + steps);
    }
    return new Guard(OptionalLong.of(steps));
  }

  /**
   * Reads a guard from the text of an option.
   *
   * @param text {@code skip}, or the number of skipped steps in a row after which to fail
   * @return the guard
   * @throws IllegalArgumentException if it is neither
   */
  public static Guard parse(String text) {
    try {
      return text.equals("skip")
          ? skipNonFinite()
          : skipNonFinite().failAfter(Long.parseLong(text));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "Expected guard skip or the number of skipped steps in a row to fail after, found "
              + text,
          e);
    }
  }

  /**
   * The text that {@link #parse} reads.
   *
   * @return {@code skip} or a number
   */
  @Override
  public String toString() {
    return limit.isPresent() ? Long.toString(limit.getAsLong()) : "skip";
  }
}
