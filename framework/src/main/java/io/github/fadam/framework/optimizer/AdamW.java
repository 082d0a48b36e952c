package io.github.fadam.framework.optimizer;

import org.tensorflow.Graph;

/**
 * Adam with decoupled weight decay, as Loshchilov and Hutter state it and most libraries have it.
 *
 * <pre>
 * f     = EMA of g^2 with beta2, bias corrected
 * m     = EMA of g with beta1, bias corrected
 * theta = theta - eta (m / (sqrt(f) + epsilon) + lambda theta)
 * </pre>
 *
 * <p>Source: "Decoupled weight decay regularization", arXiv 1711.05101, algorithm 2. Epsilon joins
 * the corrected root, as in PyTorch; Keras adds it to the uncorrected one, which makes it larger in
 * the first steps. It is {@link Adam} with other defaults: no RMS clip, and weight decay 0.01 as in
 * PyTorch (Keras: 0.004). State: the slots {@code f} and {@code m} of each variable's shape, which
 * hold the corrected averages.
 */
public final class AdamW extends RuleOptimizer {

  /**
   * AdamW with weight decay 0.01 and learning rate 0.001.
   *
   * @param graph the graph to train in
   */
  public AdamW(Graph graph) {
    this(new Builder(graph));
  }

  /**
   * AdamW with weight decay 0.01.
   *
   * @param graph the graph to train in
   * @param learningRate at least 0 and finite
   * @throws IllegalArgumentException if the learning rate is out of bounds
   */
  public AdamW(Graph graph, double learningRate) {
    this(new Builder(graph).learningRate(learningRate));
  }

  private AdamW(Builder builder) {
    super(builder, AdamRule.of(builder));
  }

  /**
   * Starts with weight decay 0.01.
   *
   * @param graph the graph to train in
   * @return a new builder
   */
  public static Builder builder(Graph graph) {
    return new Builder(graph);
  }

  /** The options of AdamW. */
  public static final class Builder extends MomentBuilder<Builder> {

    private Builder(Graph graph) {
      super(graph, "AdamW", 1e-8, Double.POSITIVE_INFINITY, 0.01);
    }

    @Override
    public AdamW build() {
      return new AdamW(this);
    }

    @Override
    protected Builder self() {
      return this;
    }
  }
}
