package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Gradient;
import io.github.fadam.framework.rule.Slot;
import io.github.fadam.ops.fisher.BiasCorrectedDecay;
import io.github.fadam.ops.fisher.Epsilon;
import io.github.fadam.ops.kernel.FisherApply;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/**
 * Fisher Adafactor: FAdam with the Fisher information matrix (FIM) of a matrix kept as a row factor
 * and a column factor.
 *
 * <pre>
 * t     = t + 1
 * beta2Hat = beta2 (1 - beta2^(t-1)) / (1 - beta2^t)
 * R     = beta2Hat R + (1 - beta2Hat) g^2 1_n        FIM EMA, one number a row
 * C     = beta2Hat C + (1 - beta2Hat) 1_m^T g^2      FIM EMA, one number a column
 * f     = R C / (1_m^T R)                            0 where all of R is 0
 * g     = g / (f^p + epsilon^(2p))                   invariant natural gradient
 * g     = g / max(1, RMS(g) / c)
 * m     = beta1 m + (1 - beta1) g                    momentum, not bias corrected
 * w     = theta / (f^p + epsilon^(2p))               natural weight decay
 * w     = w / max(1, RMS(w) / c)
 * theta = theta - eta (m + lambda w)
 * </pre>
 *
 * <p>Source: "FAdam: Adam is a natural gradient optimizer using diagonal empirical Fisher
 * information", arXiv 2405.12807, Algorithm 2. What the paper leaves open is decided so: of tensors
 * of rank 3 and more the last two dimensions are factored, each index of the others having factors
 * of its own; scalars and vectors keep the whole diagonal, as FAdam does; the clips run over one
 * variable. Where the squared gradients have rank 1 and keep their proportions, FAdafactor equals
 * {@link FAdam}.
 *
 * <p>State of a variable {@code [..., m, n]}: the slots {@code R [..., m]} and {@code C [..., n]},
 * which hold the paper's sums divided by n and m, so that they stay in the range of their type, and
 * {@code m [..., m, n]}, which {@link Builder#momentum} makes half as large or leaves out. Of a
 * vector or scalar: {@code f} and {@code m} of its shape.
 */
public final class FAdafactor extends RuleOptimizer {

  /**
   * FAdafactor with the paper's defaults and learning rate 0.001.
   *
   * @param graph the graph to train in
   */
  public FAdafactor(Graph graph) {
    this(new Builder(graph));
  }

  /**
   * FAdafactor with the paper's defaults.
   *
   * @param graph the graph to train in
   * @param learningRate at least 0 and finite
   * @throws IllegalArgumentException if the learning rate is out of bounds
   */
  public FAdafactor(Graph graph, double learningRate) {
    this(new Builder(graph).learningRate(learningRate));
  }

  /**
   * FAdafactor with the paper's defaults, with the learning rate as the framework's optimizers take
   * it.
   *
   * @param graph the graph to train in
   * @param learningRate at least 0 and finite; its decimal digits count, 0.1f is 0.1
   * @throws IllegalArgumentException if the learning rate is out of bounds
   */
  public FAdafactor(Graph graph, float learningRate) {
    this(graph, Double.parseDouble(Float.toString(learningRate)));
  }

  private FAdafactor(Builder builder) {
    super(
        builder,
        new FisherAdafactor(
            builder.beta1(),
            builder.beta2(),
            builder.epsilon(),
            builder.exponent(),
            builder.state));
  }

  /**
   * Starts with the paper's defaults.
   *
   * @param graph the graph to train in
   * @return a new builder
   */
  public static Builder builder(Graph graph) {
    return new Builder(graph);
  }

  /**
   * The paper's settings for a language model of 1B parameters (section 4.1): beta2 0.99, epsilon
   * 1e-12, weight decay 0.1.
   *
   * @param graph the graph to train in
   * @return a new builder
   */
  public static Builder forLanguageModels(Graph graph) {
    return builder(graph).beta2(0.99).epsilon(1e-12).weightDecay(0.1);
  }

  /** Algorithm 2. */
  private record FisherAdafactor(
      double beta1, double beta2, Epsilon epsilon, double exponent, FactoredState state)
      implements FusedRule {

    @Override
    public List<Slot> slots(Shape shape) {
      return state.slots(shape, 1);
    }

    @Override
    public FisherApply fused() {
      return new FisherApply(beta1, beta2, epsilon, exponent, true);
    }

    @Override
    public <T extends TNumber> Update<T> update(Ops tf, Gradient<T> gradient) {
      Operand<T> g = gradient.value();
      var decay = BiasCorrectedDecay.of(tf, beta2, gradient.step(), g.type());
      var fisher = state.fisher(tf, decay, gradient, 0, exponent, epsilon);
      Operand<T> natural = gradient.clipped(tf, fisher.preconditioner().quotient(tf, g));
      Operand<T> m = state.momentum(tf, beta1, gradient, natural);
      return new Update<>(
          NaturalDescent.theta(tf, gradient, fisher.preconditioner(), m), state.updated(fisher, m));
    }
  }

  /** The options of FAdafactor; defaults are those of Algorithm 2. */
  public static final class Builder extends FisherBuilder<Builder>
      implements FactoredBuilder<Builder> {

    private FactoredState state = FactoredState.DEFAULT;

    private Builder(Graph graph) {
      super(graph, "FAdafactor");
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
    public FAdafactor build() {
      return new FAdafactor(this);
    }

    @Override
    protected Builder self() {
      return this;
    }
  }
}
