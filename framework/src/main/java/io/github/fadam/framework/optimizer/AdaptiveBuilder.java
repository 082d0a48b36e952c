package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.schedule.Schedule;
import org.tensorflow.Graph;

/**
 * The options that all optimizers with two averages share, that of the gradient and that of its
 * square; their defaults differ.
 *
 * @param <B> the concrete builder, which every setter returns
 */
abstract sealed class AdaptiveBuilder<B extends AdaptiveBuilder<B>> extends RuleOptimizerBuilder<B>
    permits FisherBuilder, MomentBuilder {

  private double beta1 = 0.9;
  private double beta2 = 0.999;

  AdaptiveBuilder(Graph graph, String name, double clip, double weightDecay) {
    super(graph, name);
    weightDecay(weightDecay);
    clip(clip);
    option("beta1", v -> beta1(Double.parseDouble(v)), () -> Double.toString(beta1));
    option("beta2", v -> beta2(Double.parseDouble(v)), () -> Double.toString(beta2));
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
   * Sets the decay of the squared gradient's average, the FIM EMA in FAdam. Default: 0.999.
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
   * Sets the strength lambda of the weight decay. Default: 0.001, for AdamW 0.01.
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
}
