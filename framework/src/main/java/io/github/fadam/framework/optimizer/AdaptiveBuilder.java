package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.schedule.Schedule;
import org.tensorflow.Graph;

/**
 * The options that Adam, AdamW and Adafactor share; their defaults differ.
 *
 * @param <B> the concrete builder, which every setter returns
 */
abstract sealed class AdaptiveBuilder<B extends AdaptiveBuilder<B>> extends RuleOptimizerBuilder<B>
    permits Adam.Builder, AdamW.Builder, Adafactor.Builder {

  private double beta1 = 0.9;
  private double beta2 = 0.999;
  private double epsilon;

  AdaptiveBuilder(Graph graph, String name, double epsilon, double clip, double weightDecay) {
    super(graph, name);
    this.epsilon = epsilon;
    weightDecay(weightDecay);
    clip(clip);
    option("beta1", v -> beta1(Double.parseDouble(v)), () -> Double.toString(beta1));
    option("beta2", v -> beta2(Double.parseDouble(v)), () -> Double.toString(beta2));
    option("epsilon", v -> epsilon(Double.parseDouble(v)), () -> Double.toString(this.epsilon));
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
   * Sets the decay of the squared gradient's average. Default: 0.999.
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

  /**
   * Sets the threshold c of the RMS clip. Default: 1, for AdamW infinity.
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
   * Sets the strength lambda of the decoupled weight decay. Default: 0.001, for AdamW 0.01.
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

  double epsilon() {
    return epsilon;
  }
}
