package io.github.fadam.framework.gradient;

/** Which squares enter the Fisher information where a step is accumulated from micro-steps. */
public enum Squares {
  /** The square of the averaged gradient (paper, equation 21). */
  OF_THE_MEAN("of-the-mean"),
  /**
   * The average of the micro-steps' squared gradients, nearer to the per-sample Fisher (equation
   * 20). Taken before centralisation and clipping.
   */
  PER_MICRO_STEP("per-micro-step");

  private final String key;

  Squares(String key) {
    this.key = key;
  }

  /**
   * The name that options use.
   *
   * @return the name in kebab case
   */
  public String key() {
    return key;
  }

  /**
   * The constant of a name.
   *
   * @param key name in kebab case
   * @return the constant
   * @throws IllegalArgumentException if there is none
   */
  public static Squares of(String key) {
    for (Squares squares : values()) {
      if (squares.key.equals(key)) {
        return squares;
      }
    }
    throw new IllegalArgumentException(
        "Expected squares of-the-mean or per-micro-step, found " + key);
  }
}
