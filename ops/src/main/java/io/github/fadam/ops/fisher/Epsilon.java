package io.github.fadam.ops.fisher;

import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * How epsilon keeps the preconditioner {@code d = f^p + ...} away from 0.
 *
 * <p>None of the rules goes below the type's smallest normal number, so that d is never 0.
 */
public sealed interface Epsilon {

  /**
   * The epsilon before any rule is applied.
   *
   * @return a positive finite number
   */
  double value();

  /**
   * The rule's name among options.
   *
   * @return {@code fixed}, {@code by-size} or {@code by-gradient}
   */
  String rule();

  /**
   * An epsilon by the name of its rule.
   *
   * @param rule {@code fixed}, {@code by-size} or {@code by-gradient}
   * @param value epsilon, positive and finite
   * @return the epsilon
   * @throws IllegalArgumentException if there is no such rule or the value is out of bounds
   */
  static Epsilon of(String rule, double value) {
    return switch (rule) {
      case "fixed" -> new Fixed(value);
      case "by-size" -> new BySize(value);
      case "by-gradient" -> new ByGradient(value);
      default ->
          throw new IllegalArgumentException(
              "Expected the epsilon rule fixed, by-size or by-gradient, found " + rule);
    };
  }

  /**
   * Adds the operations that compute what is added to {@code f^p}.
   *
   * @param tf where to add them
   * @param form for what they are written down
   * @param gradient g, of known static shape, float32 or float64
   * @param exponent p
   * @param <T> the type of g
   * @return a positive scalar
   */
  <T extends TNumber> Operand<T> term(Ops tf, Form form, Operand<T> gradient, double exponent);

  /**
   * {@code epsilon^(2p)}, the same at every step (Algorithm 1, line 8; the default with 1e-15).
   *
   * @param value epsilon, positive and finite
   */
  record Fixed(double value) implements Epsilon {
    /**
     * Checks the value.
     *
     * @param value epsilon, positive and finite
     * @throws IllegalArgumentException if it is not
     */
    public Fixed {
      requirePositive(value);
    }

    @Override
    public String rule() {
      return "fixed";
    }

    @Override
    public <T extends TNumber> Operand<T> term(
        Ops tf, Form form, Operand<T> gradient, double exponent) {
      return floored(tf, Math.pow(value, 2 * exponent), gradient);
    }
  }

  /**
   * {@code (epsilon / size)^(2p)} with the variable's number of elements (paper, appendix C.1.2);
   * where only rows of it are updated, with theirs.
   *
   * @param value epsilon, positive and finite
   */
  record BySize(double value) implements Epsilon {
    /**
     * Checks the value.
     *
     * @param value epsilon, positive and finite
     * @throws IllegalArgumentException if it is not
     */
    public BySize {
      requirePositive(value);
    }

    @Override
    public String rule() {
      return "by-size";
    }

    @Override
    public <T extends TNumber> Operand<T> term(
        Ops tf, Form form, Operand<T> gradient, double exponent) {
      long size = gradient.shape().size();
      if (size != Shape.UNKNOWN_SIZE) {
        return floored(tf, Math.pow(value / Math.max(1, size), 2 * exponent), gradient);
      }
      Operand<TFloat64> term =
          tf.math.pow(
              tf.math.div(tf.constant(value), BlockSum.size(tf, gradient)),
              tf.constant(2 * exponent));
      return tf.math.maximum(
          tf.dtypes.cast(term, gradient.type()),
          FloatRange.scalar(tf, FloatRange.of(gradient).minNormal(), gradient));
    }
  }

  /**
   * {@code min(RMS(g_t), 1) epsilon}, without the exponent: the rule of a later revision of the
   * paper and of the public PyTorch code.
   *
   * @param value epsilon, positive and finite
   */
  record ByGradient(double value) implements Epsilon {
    /**
     * Checks the value.
     *
     * @param value epsilon, positive and finite
     * @throws IllegalArgumentException if it is not
     */
    public ByGradient {
      requirePositive(value);
    }

    @Override
    public String rule() {
      return "by-gradient";
    }

    @Override
    public <T extends TNumber> Operand<T> term(
        Ops tf, Form form, Operand<T> gradient, double exponent) {
      Operand<T> bounded =
          tf.math.minimum(form.rms(tf, gradient).value(tf), FloatRange.scalar(tf, 1.0, gradient));
      double floor = FloatRange.of(gradient).minNormal();
      return tf.math.maximum(
          tf.math.mul(bounded, FloatRange.scalar(tf, value, gradient)),
          FloatRange.scalar(tf, floor, gradient));
    }
  }

  private static void requirePositive(double value) {
    if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "Expected a positive finite epsilon, found " + value + "; the paper's is 1e-15.");
    }
  }

  private static <T extends TNumber> Operand<T> floored(Ops tf, double term, Operand<T> like) {
    return FloatRange.scalar(tf, Math.max(term, FloatRange.of(like).minNormal()), like);
  }
}
