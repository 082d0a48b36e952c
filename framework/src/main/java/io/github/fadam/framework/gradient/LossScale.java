package io.github.fadam.framework.gradient;

/**
 * A factor on the loss that keeps small gradients of 16-bit values from becoming 0. Gradients are
 * divided by it before anything else, in the compute type: a rule never sees it.
 */
public sealed interface LossScale {

  /**
   * The same factor at every step. Powers of 2 change no bits of what is neither lost nor too
   * large.
   *
   * @param value positive and finite
   * @return the loss scale
   * @throws IllegalArgumentException if it is not
   */
  static LossScale fixed(double value) {
    return new Fixed(value);
  }

  /**
   * A factor that starts at 2^15, doubles after 2000 steps in a row with finite gradients, and is
   * halved whenever a gradient is not finite; that step is skipped as {@link Guard} says.
   *
   * @return the loss scale
   */
  static Dynamic dynamic() {
    return new Dynamic(32768, 2000, 2);
  }

  /**
   * Reads a loss scale from the text of an option.
   *
   * @param text {@code dynamic}, a number, or {@code dynamic:START,INTERVAL,FACTOR}
   * @return the loss scale
   * @throws IllegalArgumentException if it is none of them
   */
  static LossScale parse(String text) {
    if (text.equals("dynamic")) {
      return dynamic();
    }
    try {
      if (!text.startsWith("dynamic:")) {
        return fixed(Double.parseDouble(text));
      }
      String[] parts = text.substring("dynamic:".length()).split(",", -1);
      if (parts.length == 3) {
        return new Dynamic(
            Double.parseDouble(parts[0]), Long.parseLong(parts[1]), Double.parseDouble(parts[2]));
      }
    } catch (NumberFormatException e) {
      throw refused(text, e);
    }
    throw refused(text, null);
  }

  private static IllegalArgumentException refused(String text, Throwable cause) {
    return new IllegalArgumentException(
        "Expected loss-scale dynamic, a number, or dynamic:START,INTERVAL,FACTOR, found " + text,
        cause);
  }

  /**
   * The same factor at every step.
   *
   * @param value positive and finite
   */
  record Fixed(double value) implements LossScale {
    /**
     * Checks the value.
     *
     * @param value positive and finite
     * @throws IllegalArgumentException if it is not
     */
    public Fixed {
      require(value > 0 && Double.isFinite(value), "above 0 and finite", value);
    }

    @Override
    public String toString() {
      return Double.toString(value);
    }
  }

  /**
   * A factor that follows the gradients.
   *
   * @param start factor of the first step, at least 1 and at most {@link #LARGEST}
   * @param growthInterval number of steps in a row with finite gradients after which the factor
   *     grows, at least 1; micro-steps count
   * @param factor what it is multiplied with then, and divided by after a gradient that is not
   *     finite, above 1; it stays between 1 and {@link #LARGEST}
   */
  record Dynamic(double start, long growthInterval, double factor) implements LossScale {

    /** No factor is larger, for infinity could not be halved: 2^120, which float32 can hold. */
    public static final double LARGEST = 0x1p120;

    /**
     * Checks the bounds.
     *
     * @param start see the record
     * @param growthInterval see the record
     * @param factor see the record
     * @throws IllegalArgumentException if one of them is out of bounds
     */
    public Dynamic {
      require(start >= 1 && start <= LARGEST, "start at least 1 and at most 2^120", start);
      require(growthInterval >= 1, "growth interval at least 1", (double) growthInterval);
      require(factor > 1 && factor <= LARGEST, "factor above 1 and at most 2^120", factor);
    }

    @Override
    public String toString() {
      return equals(dynamic())
          ? "dynamic"
          : "dynamic:" + start + "," + growthInterval + "," + factor;
    }
  }

  private static void require(boolean holds, String bound, double value) {
    if (!holds) {
      throw new IllegalArgumentException("Expected loss-scale " + bound + ", found " + value);
    }
  }
}
