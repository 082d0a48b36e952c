package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Gradient;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.framework.rule.Slot;
import io.github.fadam.ops.fisher.BiasCorrectedDecay;
import io.github.fadam.ops.fisher.Epsilon;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/**
 * Adafactor as the FAdam paper states it for comparison.
 *
 * <pre>
 * beta2Hat = beta2 (1 - beta2^(t-1)) / (1 - beta2^t)
 * R     = beta2Hat R + (1 - beta2Hat) (g^2 + epsilon) 1_n
 * C     = beta2Hat C + (1 - beta2Hat) 1_m^T (g^2 + epsilon)
 * f     = R C / (1_m^T R)
 * g     = g / sqrt(f)
 * g     = g / max(1, RMS(g) / c)
 * m     = beta1 m + (1 - beta1) eta g
 * theta = theta - (m + lambda theta)
 * </pre>
 *
 * <p>Source: arXiv 2405.12807, Algorithm 4. Epsilon joins the squared gradient, the learning rate
 * is inside the momentum, and the weight decay is <em>not</em> multiplied by the learning rate: at
 * the default of 0.001 theta shrinks to a third within 1000 steps even at learning rate 0. There is
 * no relative step size and no scaling by the parameters. What is factored, and the slots {@code
 * R}, {@code C}, {@code f} and {@code m}, are as in {@link FAdafactor}.
 */
public final class Adafactor extends RuleOptimizer {

  /** Keeps a product of factors that underflows away from 0; it changes no other number. */
  private static final Epsilon FLOOR = new Epsilon.Fixed(Double.MIN_NORMAL);

  /**
   * Adafactor with the defaults of Algorithm 4 and learning rate 0.001.
   *
   * @param graph the graph to train in
   */
  public Adafactor(Graph graph) {
    this(new Builder(graph));
  }

  /**
   * Adafactor with the defaults of Algorithm 4.
   *
   * @param graph the graph to train in
   * @param learningRate at least 0 and finite
   * @throws IllegalArgumentException if the learning rate is out of bounds
   */
  public Adafactor(Graph graph, double learningRate) {
    this(new Builder(graph).learningRate(learningRate));
  }

  private Adafactor(Builder builder) {
    super(
        builder,
        new AdafactorRule(builder.beta1(), builder.beta2(), builder.epsilon(), builder.state));
  }

  /**
   * Starts with the defaults of Algorithm 4.
   *
   * @param graph the graph to train in
   * @return a new builder
   */
  public static Builder builder(Graph graph) {
    return new Builder(graph);
  }

  /** Algorithm 4. */
  private record AdafactorRule(double beta1, double beta2, double epsilon, FactoredState state)
      implements Rule {

    @Override
    public List<Slot> slots(Shape shape) {
      return state.slots(shape, 0);
    }

    @Override
    public <T extends TNumber> Update<T> update(Ops tf, Gradient<T> gradient) {
      Operand<T> g = gradient.value();
      Operand<T> theta = gradient.theta();
      var decay = BiasCorrectedDecay.of(tf, beta2, gradient.step(), g.type());
      var fisher = state.fisher(tf, decay, gradient, epsilon, 0.5, FLOOR);
      Operand<T> natural = gradient.clipped(tf, fisher.preconditioner().quotient(tf, g));
      Operand<T> m =
          state.momentum(
              tf, beta1, gradient, tf.math.mul(gradient.hyper(Hyper.LEARNING_RATE), natural));
      Operand<T> step =
          gradient.decays()
              ? tf.math.add(m, tf.math.mul(gradient.hyper(Hyper.WEIGHT_DECAY), theta))
              : m;
      return Update.down(tf, theta, step, state.updated(fisher, m));
    }
  }

  /** The options of Adafactor; defaults are those of Algorithm 4. */
  public static final class Builder extends MomentBuilder<Builder>
      implements FactoredBuilder<Builder> {

    private FactoredState state = FactoredState.DEFAULT;

    private Builder(Graph graph) {
      super(graph, "Adafactor", 1e-30, 1, 0.001);
      FactoredState.addOptions(this, () -> state);
    }

    @Override
    public Builder minDimensionToFactor(long minimum) {
      state = new FactoredState(minimum, state.momentum());
      return this;
    }

    @Override
    public Builder momentum(MomentumState momentum) {
      state = new FactoredState(state.minDimension(), momentum);
      return this;
    }

    @Override
    public Adafactor build() {
      return new Adafactor(this);
    }

    @Override
    protected Builder self() {
      return this;
    }
  }
}
