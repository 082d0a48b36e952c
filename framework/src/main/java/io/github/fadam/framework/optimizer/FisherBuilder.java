package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.schedule.Schedule;
import io.github.fadam.ops.fisher.Epsilon;
import org.tensorflow.Graph;

/**
 * The options that Algorithms 1 and 2 share, with the paper's defaults.
 *
 * @param <B> the concrete builder, which every setter returns
 */
abstract sealed class FisherBuilder<B extends FisherBuilder<B>> extends RuleOptimizerBuilder<B>
    permits FAdam.Builder, FAdafactor.Builder {

  private double beta1 = 0.9;
  private double beta2 = 0.999;
  private Epsilon epsilon = new Epsilon.Fixed(1e-15);
  private double exponent = 0.5;

  FisherBuilder(Graph graph, String name) {
    super(graph, name);
    weightDecay(0.001);
    clip(1);
    option("beta1", v -> beta1(Double.parseDouble(v)), () -> Double.toString(beta1));
    option("beta2", v -> beta2(Double.parseDouble(v)), () -> Double.toString(beta2));
    option(
        "epsilon",
        v -> epsilon(Epsilon.of(epsilon.rule(), Double.parseDouble(v))),
        () -> Double.toString(epsilon.value()));
    option("epsilon-rule", v -> epsilon(Epsilon.of(v, epsilon.value())), () -> epsilon.rule());
    option("exponent", v -> exponent(Double.parseDouble(v)), () -> Double.toString(exponent));
  }

  /**
   * Sets the decay of the momentum. Default: 0.9.
   *
   * @param beta1 at least 0 and below 1
   * @return this builder
   * @throws IllegalArgumentException if it is out of bounds
   */
  public B beta1(double beta1) {
    this.beta1 = Requirements.decay("beta1", beta1);
    return self();
  }

  /**
   * Sets the decay of the FIM EMA. Default: 0.999.
   *
   * @param beta2 at least 0 and below 1
   * @return this builder
   * @throws IllegalArgumentException if it is out of bounds
   */
  public B beta2(double beta2) {
    this.beta2 = Requirements.decay("beta2", beta2);
    return self();
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

  /**
   * Sets the threshold c of the RMS clip of natural gradient and weight decay. Default: 1.
   *
   * @param clip above 0; infinity clips nothing
   * @return this builder
   * @throws IllegalArgumentException if it is out of bounds
   */
  public B clip(double clip) {
    return hyper(Hyper.CLIP, clip);
  }

  /**
   * Sets a schedule for the threshold of the RMS clip.
   *
   * @param clip the threshold as a function of the completed steps, above 0
   * @return this builder
   */
  public B clip(Schedule clip) {
    return hyper(Hyper.CLIP, clip);
  }

  /**
   * Sets the strength lambda of the natural weight decay. Default: 0.001.
   *
   * @param weightDecay at least 0 and finite; 0 turns it off
   * @return this builder
   * @throws IllegalArgumentException if it is out of bounds
   */
  public B weightDecay(double weightDecay) {
    return hyper(Hyper.WEIGHT_DECAY, weightDecay);
  }

  /**
   * Sets a schedule for the weight decay.
   *
   * @param weightDecay lambda as a function of the completed steps
   * @return this builder
   */
  public B weightDecay(Schedule weightDecay) {
    return hyper(Hyper.WEIGHT_DECAY, weightDecay);
  }

  double beta1() {
    return beta1;
  }

  double beta2() {
    return beta2;
  }

  Epsilon epsilon() {
    return epsilon;
  }

  double exponent() {
    return exponent;
  }
}
