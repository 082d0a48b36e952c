package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Gradient;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.framework.rule.Slot;
import io.github.fadam.ops.fisher.BiasCorrectedDecay;
import io.github.fadam.ops.fisher.Epsilon;
import io.github.fadam.ops.fisher.Preconditioner;
import io.github.fadam.ops.fisher.RmsClip;
import java.util.List;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

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
    super(builder, new AdamRule(builder.beta1, builder.beta2, builder.epsilon));
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

  /** Algorithm 3. */
  private record AdamRule(double beta1, double beta2, double epsilon) implements Rule {

    @Override
    public List<Slot> slots(Shape shape) {
      return List.of(new Slot("f", shape, 0), new Slot("m", shape, 0));
    }

    @Override
    public <T extends TNumber> Update<T> update(Ops tf, Gradient<T> gradient) {
      Operand<T> theta = gradient.theta();
      Class<T> type = theta.type();
      Operand<T> f =
          BiasCorrectedDecay.of(tf, beta2, gradient.step(), type)
              .average(tf, gradient.slots().get("f"), gradient.squared());
      Operand<T> m =
          BiasCorrectedDecay.of(tf, beta1, gradient.step(), type)
              .average(tf, gradient.slots().get("m"), gradient.value());
      Operand<T> direction =
          Preconditioner.of(tf, f, gradient.value(), 0.5, new Epsilon.Fixed(epsilon))
              .quotient(tf, m);
      if (gradient.constant(Hyper.CLIP).orElse(1) != Double.POSITIVE_INFINITY) {
        direction = RmsClip.of(tf, direction, gradient.hyper(Hyper.CLIP));
      }
      if (gradient.constant(Hyper.WEIGHT_DECAY).orElse(1) != 0) {
        direction = tf.math.add(direction, tf.math.mul(gradient.hyper(Hyper.WEIGHT_DECAY), theta));
      }
      Operand<T> step = tf.math.mul(gradient.hyper(Hyper.LEARNING_RATE), direction);
      return new Update<>(tf.math.sub(theta, step), Map.of("f", f, "m", m));
    }
  }

  /** The options of Adam; defaults are those of Algorithm 3. */
  public static final class Builder extends RuleOptimizerBuilder<Builder> {

    private double beta1 = 0.9;
    private double beta2 = 0.999;
    private double epsilon = 1e-8;

    private Builder(Graph graph) {
      super(graph, "Adam");
      weightDecay(0.001);
      clip(1);
      option("beta1", v -> beta1(Double.parseDouble(v)), () -> Double.toString(beta1));
      option("beta2", v -> beta2(Double.parseDouble(v)), () -> Double.toString(beta2));
      option("epsilon", v -> epsilon(Double.parseDouble(v)), () -> Double.toString(epsilon));
    }

    /**
     * Sets the decay of the momentum. Default: 0.9.
     *
     * @param beta1 at least 0 and below 1
     * @return this builder
     * @throws IllegalArgumentException if it is out of bounds
     */
    public Builder beta1(double beta1) {
      this.beta1 = Requirements.decay("beta1", beta1);
      return this;
    }

    /**
     * Sets the decay of the squared gradient's average. Default: 0.999.
     *
     * @param beta2 at least 0 and below 1
     * @return this builder
     * @throws IllegalArgumentException if it is out of bounds
     */
    public Builder beta2(double beta2) {
      this.beta2 = Requirements.decay("beta2", beta2);
      return this;
    }

    /**
     * Sets what is added to the square root. Default: 1e-8.
     *
     * @param epsilon positive and finite
     * @return this builder
     * @throws IllegalArgumentException if it is out of bounds
     */
    public Builder epsilon(double epsilon) {
      this.epsilon = Requirements.positiveFinite("epsilon", epsilon);
      return this;
    }

    /**
     * Sets the threshold c of the RMS clip. Default: 1.
     *
     * @param clip above 0; infinity clips nothing
     * @return this builder
     * @throws IllegalArgumentException if it is out of bounds
     */
    public Builder clip(double clip) {
      return hyper(Hyper.CLIP, clip);
    }

    /**
     * Sets the strength lambda of the decoupled weight decay. Default: 0.001.
     *
     * @param weightDecay at least 0 and finite; 0 turns it off
     * @return this builder
     * @throws IllegalArgumentException if it is out of bounds
     */
    public Builder weightDecay(double weightDecay) {
      return hyper(Hyper.WEIGHT_DECAY, weightDecay);
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
