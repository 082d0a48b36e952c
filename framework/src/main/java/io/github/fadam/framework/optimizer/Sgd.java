package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Gradient;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.framework.rule.Slot;
import java.util.List;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/**
 * Stochastic gradient descent with momentum.
 *
 * <pre>
 * m     = momentum m + g                       left out where momentum is 0
 * d     = m, or g + momentum m (Nesterov)
 * theta = theta - eta (d + lambda theta)
 * </pre>
 *
 * <p>State: one slot {@code m} of each variable's shape, none without momentum.
 */
public final class Sgd extends RuleOptimizer {

  /**
   * Plain gradient descent with learning rate 0.001.
   *
   * @param graph the graph to train in
   */
  public Sgd(Graph graph) {
    this(new Builder(graph));
  }

  /**
   * Plain gradient descent.
   *
   * @param graph the graph to train in
   * @param learningRate at least 0 and finite
   * @throws IllegalArgumentException if the learning rate is out of bounds
   */
  public Sgd(Graph graph, double learningRate) {
    this(new Builder(graph).learningRate(learningRate));
  }

  private Sgd(Builder builder) {
    super(builder, new SgdRule(builder.momentum, builder.nesterov));
  }

  /**
   * Starts with plain gradient descent.
   *
   * @param graph the graph to train in
   * @return a new builder
   */
  public static Builder builder(Graph graph) {
    return new Builder(graph);
  }

  private record SgdRule(double momentum, boolean nesterov) implements Rule {

    @Override
    public List<Slot> slots(Shape shape) {
      return momentum == 0 ? List.of() : List.of(new Slot("m", shape, 0));
    }

    @Override
    public boolean restsWithoutGradient() {
      return momentum == 0;
    }

    @Override
    public <T extends TNumber> Update<T> update(Ops tf, Gradient<T> gradient) {
      Operand<T> theta = gradient.theta();
      Operand<T> direction = gradient.value();
      Map<String, Operand<T>> slots = Map.of();
      if (momentum != 0) {
        Operand<T> decay = tf.dtypes.cast(tf.constant(momentum), theta.type());
        Operand<T> m = tf.math.add(tf.math.mul(decay, gradient.slots().get("m")), direction);
        direction = nesterov ? tf.math.add(direction, tf.math.mul(decay, m)) : m;
        slots = Map.of("m", m);
      }
      if (gradient.decays()) {
        direction = tf.math.add(direction, tf.math.mul(gradient.hyper(Hyper.WEIGHT_DECAY), theta));
      }
      Operand<T> step = tf.math.mul(gradient.hyper(Hyper.LEARNING_RATE), direction);
      return Update.down(tf, theta, step, slots);
    }
  }

  /** The options of SGD. */
  public static final class Builder extends RuleOptimizerBuilder<Builder> {

    private double momentum;
    private boolean nesterov;

    private Builder(Graph graph) {
      super(graph, "SGD");
      weightDecay(0);
      option("momentum", v -> momentum(Double.parseDouble(v)), () -> Double.toString(momentum));
      option(
          "nesterov",
          v -> nesterov(Requirements.truth("nesterov", v)),
          () -> Boolean.toString(nesterov));
    }

    /**
     * Sets the decay of the momentum. Default: 0, no momentum.
     *
     * @param momentum at least 0 and below 1
     * @return this builder
     * @throws IllegalArgumentException if it is out of bounds
     */
    public Builder momentum(double momentum) {
      this.momentum = Requirements.decay("momentum", momentum);
      return this;
    }

    /**
     * Says whether Nesterov's form is used. Default: it is not.
     *
     * @param nesterov true for {@code g + momentum m} as the direction
     * @return this builder
     */
    public Builder nesterov(boolean nesterov) {
      this.nesterov = nesterov;
      return this;
    }

    /**
     * Sets the strength lambda of the decoupled weight decay. Default: 0, off.
     *
     * @param weightDecay at least 0 and finite
     * @return this builder
     * @throws IllegalArgumentException if it is out of bounds
     */
    public Builder weightDecay(double weightDecay) {
      return hyper(Hyper.WEIGHT_DECAY, weightDecay);
    }

    /**
     * Builds the optimizer.
     *
     * @return a new optimizer on the builder's graph
     * @throws IllegalArgumentException if nesterov is true without momentum, which it is a form of
     */
    @Override
    public Sgd build() {
      if (nesterov && momentum == 0) {
        throw new IllegalArgumentException(
            "Expected a momentum above 0 with nesterov, found 0; set momentum, 0.9 is usual.");
      }
      return new Sgd(this);
    }

    @Override
    protected Builder self() {
      return this;
    }
  }
}
