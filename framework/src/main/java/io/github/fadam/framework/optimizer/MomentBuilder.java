package io.github.fadam.framework.optimizer;

import org.tensorflow.Graph;

/**
 * The options that Adam, AdamW and Adafactor share.
 *
 * @param <B> the concrete builder, which every setter returns
 */
abstract sealed class MomentBuilder<B extends MomentBuilder<B>> extends AdaptiveBuilder<B>
    permits Adam.Builder, AdamW.Builder, Adafactor.Builder {

  private double epsilon;

  MomentBuilder(Graph graph, String name, double epsilon, double clip, double weightDecay) {
    super(graph, name, clip, weightDecay);
    this.epsilon = epsilon;
    option("epsilon", v -> epsilon(Double.parseDouble(v)), () -> Double.toString(this.epsilon));
  }

  /**
   * Sets epsilon, which stands where the optimizer's formula has it. Default: 1e-8, for Adafactor
   * 1e-30.
   *
   * @param epsilon positive and finite
   * @return this builder
   * @throws IllegalArgumentException if it is out of bounds
   */
  public B epsilon(double epsilon) {
    this.epsilon = Requirements.positiveFinite("epsilon", epsilon);
    return self();
  }

  double epsilon() {
    return epsilon;
  }
}
