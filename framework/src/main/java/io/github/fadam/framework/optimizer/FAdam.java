package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Gradient;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.framework.rule.Slot;
import io.github.fadam.framework.schedule.Schedule;
import io.github.fadam.ops.fisher.BiasCorrectedDecay;
import io.github.fadam.ops.fisher.Epsilon;
import io.github.fadam.ops.fisher.Momentum;
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
    super(builder, new FisherAdam(builder.beta1, builder.beta2, builder.epsilon, builder.exponent));
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
      implements Rule {

    @Override
    public List<Slot> slots(Shape shape) {
      return List.of(new Slot("f", shape, 1), new Slot("m", shape, 0));
    }

    @Override
    public <T extends TNumber> Update<T> update(Ops tf, Gradient<T> gradient) {
      Operand<T> g = gradient.value();
      Operand<T> theta = gradient.theta();
      var decay = BiasCorrectedDecay.of(tf, beta2, gradient.step(), theta.type());
      Operand<T> f = decay.average(tf, gradient.slots().get("f"), gradient.squared());
      Preconditioner<T> preconditioner = Preconditioner.of(tf, f, g, exponent, epsilon);
      Operand<T> natural = clip(tf, preconditioner.naturalGradient(tf, g), gradient);
      Operand<T> m = Momentum.of(tf, beta1, gradient.slots().get("m"), natural);
      Operand<T> direction = m;
      if (gradient.constant(Hyper.WEIGHT_DECAY).orElse(1) != 0) {
        Operand<T> w = clip(tf, preconditioner.decayDirection(tf, theta), gradient);
        direction = tf.math.add(m, tf.math.mul(gradient.hyper(Hyper.WEIGHT_DECAY), w));
      }
      Operand<T> step = tf.math.mul(gradient.hyper(Hyper.LEARNING_RATE), direction);
      return new Update<>(tf.math.sub(theta, step), Map.of("f", f, "m", m));
    }

    private static <T extends TNumber> Operand<T> clip(Ops tf, Operand<T> x, Gradient<T> gradient) {
      return gradient.constant(Hyper.CLIP).orElse(1) == Double.POSITIVE_INFINITY
          ? x
          : RmsClip.of(tf, x, gradient.hyper(Hyper.CLIP));
    }
  }

  /** The options of FAdam; defaults are those of Algorithm 1. */
  public static final class Builder extends RuleOptimizerBuilder<Builder> {

    private double beta1 = 0.9;
    private double beta2 = 0.999;
    private Epsilon epsilon = new Epsilon.Fixed(1e-15);
    private double exponent = 0.5;

    private Builder(Graph graph) {
      super(graph, "FAdam");
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
    public Builder beta1(double beta1) {
      this.beta1 = Requirements.decay("beta1", beta1);
      return this;
    }

    /**
     * Sets the decay of the FIM EMA. Default: 0.999.
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
     * Sets a fixed epsilon. Default: 1e-15.
     *
     * @param epsilon positive and finite
     * @return this builder
     * @throws IllegalArgumentException if it is out of bounds
     */
    public Builder epsilon(double epsilon) {
      return epsilon(new Epsilon.Fixed(epsilon));
    }

    /**
     * Sets epsilon with its rule. Default: fixed, 1e-15.
     *
     * @param epsilon one of the three rules
     * @return this builder
     */
    public Builder epsilon(Epsilon epsilon) {
      this.epsilon = epsilon;
      return this;
    }

    /**
     * Sets the FIM exponent p. Default: 0.5, the best in the paper's table 2.
     *
     * @param exponent above 0 and at most 1
     * @return this builder
     * @throws IllegalArgumentException if it is out of bounds
     */
    public Builder exponent(double exponent) {
      this.exponent = Requirements.exponent("exponent", exponent);
      return this;
    }

    /**
     * Sets the threshold c of the RMS clip of natural gradient and weight decay. Default: 1.
     *
     * @param clip above 0; infinity clips nothing
     * @return this builder
     * @throws IllegalArgumentException if it is out of bounds
     */
    public Builder clip(double clip) {
      return hyper(Hyper.CLIP, clip);
    }

    /**
     * Sets a schedule for the threshold of the RMS clip.
     *
     * @param clip the threshold as a function of the completed steps, above 0
     * @return this builder
     */
    public Builder clip(Schedule clip) {
      return hyper(Hyper.CLIP, clip);
    }

    /**
     * Sets the strength lambda of the natural weight decay. Default: 0.001.
     *
     * @param weightDecay at least 0 and finite; 0 turns it off
     * @return this builder
     * @throws IllegalArgumentException if it is out of bounds
     */
    public Builder weightDecay(double weightDecay) {
      return hyper(Hyper.WEIGHT_DECAY, weightDecay);
    }

    /**
     * Sets a schedule for the weight decay.
     *
     * @param weightDecay lambda as a function of the completed steps
     * @return this builder
     */
    public Builder weightDecay(Schedule weightDecay) {
      return hyper(Hyper.WEIGHT_DECAY, weightDecay);
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
