package io.github.fadam.framework.rule;

/**
 * A scalar hyper-parameter that may change from step to step and from group to group.
 *
 * <p>Those that never change (betas, epsilon, the FIM exponent) belong to the rule itself.
 */
public enum Hyper {
  /** Step size, eta in the paper. */
  LEARNING_RATE("learning-rate"),
  /** Strength of the decoupled weight decay, lambda in the paper. */
  WEIGHT_DECAY("weight-decay"),
  /** Threshold of the RMS clip, c in the paper; infinity turns the clip off. */
  CLIP("clip");

  private final String key;

  Hyper(String key) {
    this.key = key;
  }

  /**
   * The option's name on the command line and in reports.
   *
   * @return the name in kebab case
   */
  public String key() {
    return key;
  }
}
