package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Gradient;
import io.github.fadam.framework.rule.Slot;
import io.github.fadam.ops.fisher.BiasCorrectedDecay;
import io.github.fadam.ops.fisher.Epsilon;
import io.github.fadam.ops.fisher.Momentum;
import io.github.fadam.ops.fisher.Preconditioner;
import io.github.fadam.ops.kernel.FisherApply;
import java.util.List;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/**
 * Fisher Adam: natural-gradient descent with the diagonal empirical Fisher information matrix
 * (FIM).
 *
 * <pre>
 * t     = t + 1
 * beta2Hat = beta2 (1 - beta2^(t-1)) / (1 - beta2^t)
 * f     = beta2Hat f + (1 - beta2Hat) g^2            FIM EMA
 * g     = g / (f^p + epsilon^(2p))                   invariant natural gradient
 * g     = g / max(1, RMS(g) / c)
 * m     = beta1 m + (1 - beta1) g                    momentum, not bias corrected
 * w     = theta / (f^p + epsilon^(2p))               natural weight decay
 * w     = w / max(1, RMS(w) / c)
 * theta = theta - eta (m + lambda w)
 * </pre>
 *
 * <p>Source: "FAdam: Adam is a natural gradient optimizer using diagonal empirical Fisher
 * information", arXiv 2405.12807, Algorithm 1. The loss should be a negative log-likelihood, of a
 * discrete distribution where that is possible: the squared gradient is the Fisher information of
 * nothing else. The strength of the weight decay depends on the scale of the gradient where its
 * clip does not hold.
 *
 * <p>In existing TensorFlow-Java code one line changes:
 *
 * <pre>{@code
 * Optimizer optimizer = new FAdam(graph); // was: new Adam(graph)
 * Op train = optimizer.minimize(loss);
 * }</pre>
 *
 * <p>State: two slots of each variable's shape, {@code f} (1 at first, which the decay of 0 in the
 * first step forgets) and {@code m} (0 at first).
 */
public final class FAdam extends RuleOptimizer {

  /**
   * FAdam with the paper's defaults and learning rate 0.001.
   *
   * @param graph the graph to train in
   */
  public FAdam(Graph graph) {
    this(new Builder(graph));
  }

  /**
   * FAdam with the paper's defaults.
   *
   * @param graph the graph to train in
   * @param learningRate at least 0 and finite
   * @throws IllegalArgumentException if the learning rate is out of bounds
   */
  public FAdam(Graph graph, double learningRate) {
    this(new Builder(graph).learningRate(learningRate));
  }

  /**
   * FAdam with the paper's defaults, with the learning rate as the framework's optimizers take it.
   *
   * @param graph the graph to train in
   * @param learningRate at least 0 and finite; its decimal digits count, 0.1f is 0.1
   * @throws IllegalArgumentException if the learning rate is out of bounds
   */
  public FAdam(Graph graph, float learningRate) {
    this(graph, Double.parseDouble(Float.toString(learningRate)));
  }

  private FAdam(Builder builder) {
    super(
        builder,
        new FisherAdam(builder.beta1(), builder.beta2(), builder.epsilon(), builder.exponent()));
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

  /**
   * The paper's settings for speech recognition with a Conformer of 600M parameters (section 4.2):
   * beta2 0.98, epsilon 1e-20, weight decay 0.001.
   *
   * @param graph the graph to train in
   * @return a new builder
   */
  public static Builder forSpeechRecognition(Graph graph) {
    return builder(graph).beta2(0.98).epsilon(1e-20).weightDecay(0.001);
  }

  /**
   * The paper's settings for a VQ-VAE of 100M parameters (section 4.3): beta2 0.99, epsilon 1e-15,
   * weight decay 1e-4.
   *
   * @param graph the graph to train in
   * @return a new builder
   */
  public static Builder forVectorQuantizedAutoencoders(Graph graph) {
    return builder(graph).beta2(0.99).epsilon(1e-15).weightDecay(1e-4);
  }

  /** Algorithm 1. */
  private record FisherAdam(double beta1, double beta2, Epsilon epsilon, double exponent)
      implements FusedRule {

    @Override
    public List<Slot> slots(Shape shape) {
      return List.of(new Slot("f", shape, 1), new Slot("m", shape, 0));
    }

    @Override
    public FisherApply fused() {
      return new FisherApply(beta1, beta2, epsilon, exponent, false);
    }

    @Override
    public <T extends TNumber> Update<T> update(Ops tf, Gradient<T> gradient) {
      Operand<T> g = gradient.value();
      var decay = BiasCorrectedDecay.of(tf, beta2, gradient.step(), g.type());
      Operand<T> f = decay.average(tf, gradient.slots().get("f"), gradient.squared());
      Preconditioner<T> preconditioner =
          Preconditioner.of(tf, gradient.form(), f, g, exponent, epsilon);
      Operand<T> natural = gradient.clipped(tf, preconditioner.naturalGradient(tf, g));
      Operand<T> m = Momentum.of(tf, beta1, gradient.slots().get("m"), natural);
      return new Update<>(
          NaturalDescent.theta(tf, gradient, preconditioner, m), Map.of("f", f, "m", m));
    }
  }

  /** The options of FAdam; defaults are those of Algorithm 1. */
  public static final class Builder extends FisherBuilder<Builder> {

    private Builder(Graph graph) {
      super(graph, "FAdam");
    }

    @Override
    public FAdam build() {
      return new FAdam(this);
    }

    @Override
    protected Builder self() {
      return this;
    }
  }
}
