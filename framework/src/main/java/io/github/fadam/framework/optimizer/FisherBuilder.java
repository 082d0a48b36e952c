package io.github.fadam.framework.optimizer;

import io.github.fadam.ops.fisher.Epsilon;
import org.tensorflow.Graph;

/**
 * The options that Algorithms 1 and 2 share, with the paper's defaults.
 *
 * @param <B> the concrete builder, which every setter returns
 */
abstract sealed class FisherBuilder<B extends FisherBuilder<B>> extends AdaptiveBuilder<B>
    permits FAdam.Builder, FAdafactor.Builder {

  private Epsilon epsilon = new Epsilon.Fixed(1e-15);
  private double exponent = 0.5;

  FisherBuilder(Graph graph, String name) {
    super(graph, name, 1, 0.001);
    option(
        "epsilon",
        v -> epsilon(Epsilon.of(epsilon.rule(), Double.parseDouble(v))),
        () -> Double.toString(epsilon.value()));
    option("epsilon-rule", v -> epsilon(Epsilon.of(v, epsilon.value())), () -> epsilon.rule());
    option("exponent", v -> exponent(Double.parseDouble(v)), () -> Double.toString(exponent));
  }

  /**
   * Sets a fixed epsilon. Default: 1e-15.
   *
   * @param epsilon positive and finite
   * @return this builder
   * @throws IllegalArgumentException if it is out of bounds
   */
  public B epsilon(double epsilon) {
    return epsilon(new Epsilon.Fixed(epsilon));
  }

  /**
   * Sets epsilon with its rule. Default: fixed, 1e-15.
   *
   * @param epsilon one of the three rules
   * @return this builder
   */
  public B epsilon(Epsilon epsilon) {
    this.epsilon = epsilon;
    return self();
  }

  /**
   * Sets the FIM exponent p. Default: 0.5, the best in the paper's table 2.
   *
   * @param exponent above 0 and at most 1
   * @return this builder
   * @throws IllegalArgumentException if it is out of bounds
   */
  public B exponent(double exponent) {
    this.exponent = Requirements.exponent("exponent", exponent);
    return self();
  }

  Epsilon epsilon() {
    return epsilon;
  }

  double exponent() {
    return exponent;
  }
}
