package io.github.fadam.framework.optimizer;

import org.tensorflow.Graph;

/**
 * Adam with decoupled weight decay and the RMS clip, as the FAdam paper states it for comparison.
 *
 * <pre>
 * f     = EMA of g^2 with beta2, bias corrected
 * m     = EMA of g with beta1, bias corrected
 * g     = m / (sqrt(f) + epsilon)
 * g     = g / max(1, RMS(g) / c)
 * theta = theta - eta (g + lambda theta)
 * </pre>
 *
 * <p>Source: arXiv 2405.12807, Algorithm 3. Printed, it puts the corrected averages back into the
 * recurrence, which would compound the correction; meant, and done here, is the usual correction.
 * Both averages use the bias-corrected decay, so that the slots {@code f} and {@code m} hold the
 * corrected values. Kingma and Ba's Adam is {@code clip(infinity)} with {@code weightDecay(0)}.
 */
public final class Adam extends RuleOptimizer {

  /**
   * Adam with the defaults of Algorithm 3 and learning rate 0.001.
   *
   * @param graph the graph to train in
   */
  public Adam(Graph graph) {
    this(new Builder(graph));
  }

  /**
   * Adam with the defaults of Algorithm 3.
   *
   * @param graph the graph to train in
   * @param learningRate at least 0 and finite
   * @throws IllegalArgumentException if the learning rate is out of bounds
   */
  public Adam(Graph graph, double learningRate) {
    this(new Builder(graph).learningRate(learningRate));
  }

  private Adam(Builder builder) {
    super(builder, AdamRule.of(builder));
  }

  /**
   * Starts with the defaults of Algorithm 3.
   *
   * @param graph the graph to train in
   * @return a new builder
   */
  public static Builder builder(Graph graph) {
    return new Builder(graph);
  }

  /** The options of Adam; defaults are those of Algorithm 3. */
  public static final class Builder extends MomentBuilder<Builder> {

    private Builder(Graph graph) {
      super(graph, "Adam", 1e-8, 1, 0.001);
    }

    @Override
    public Adam build() {
      return new Adam(this);
    }

    @Override
    protected Builder self() {
      return this;
    }
  }
}
