package io.github.fadam.ops.fisher;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/**
 * The denominator {@code d = f^p + epsilon} of the invariant natural gradient and of the natural
 * weight decay (Algorithm 1, lines 8 and 11; equations 27 and 28 for p = 1/2).
 *
 * @param form for what it is written down
 * @param denominator d, positive
 * @param <T> the type of f
 */
public record Preconditioner<T extends TNumber>(Form form, Operand<T> denominator) {

  /**
   * Adds the operations that compute the denominator.
   *
   * @param tf where to add them
   * @param form for what they are written down
   * @param fisher f, the diagonal of the FIM after this step's EMA, not negative
   * @param gradient g of this step, which one of the epsilon rules looks at
   * @param exponent the FIM exponent p, 0.5 in the paper
   * @param epsilon the epsilon rule
   * @param <T> float32 or float64
   * @return the preconditioner
   */
  public static <T extends TNumber> Preconditioner<T> of(
      Ops tf, Form form, Operand<T> fisher, Operand<T> gradient, double exponent, Epsilon epsilon) {
    return ofPower(tf, form, power(tf, fisher, exponent), gradient, exponent, epsilon);
  }

  /**
   * Adds the operations that compute the denominator of a factored FIM.
   *
   * @param tf where to add them
   * @param form for what they are written down
   * @param fisher f as its factors, after this step's EMA
   * @param gradient g of this step, which one of the epsilon rules looks at
   * @param exponent the FIM exponent p, 0.5 in the paper
   * @param epsilon the epsilon rule
   * @param <T> float32 or float64
   * @return the preconditioner
   */
  public static <T extends TNumber> Preconditioner<T> of(
      Ops tf,
      Form form,
      FactoredFisher<T> fisher,
      Operand<T> gradient,
      double exponent,
      Epsilon epsilon) {
    return ofPower(tf, form, fisher.power(tf, exponent), gradient, exponent, epsilon);
  }

  private static <T extends TNumber> Preconditioner<T> ofPower(
      Ops tf, Form form, Operand<T> power, Operand<T> gradient, double exponent, Epsilon epsilon) {
    return new Preconditioner<>(
        form, tf.math.add(power, epsilon.term(tf, form, gradient, exponent)));
  }

  /** x^p, by the cheaper operation where there is one. */
  static <T extends TNumber> Operand<T> power(Ops tf, Operand<T> x, double exponent) {
    if (exponent == 0.5) {
      return tf.math.sqrt(x);
    }
    return exponent == 1.0 ? x : tf.math.pow(x, FloatRange.scalar(tf, exponent, x));
  }

  /**
   * Adds the operations that divide a gradient: the invariant natural gradient before its clip.
   *
   * @param tf where to add them
   * @param gradient g
   * @return {@code g / d}
   */
  public Operand<T> naturalGradient(Ops tf, Operand<T> gradient) {
    return form.quotient(tf, gradient, denominator);
  }

  /**
   * Adds the operations that divide the parameters: the direction of the natural weight decay
   * before its clip. Where f is 0 the quotient is as large as theta / epsilon; it saturates.
   *
   * @param tf where to add them
   * @param theta the variable's value before the step
   * @return {@code theta / d}
   */
  public Operand<T> decayDirection(Ops tf, Operand<T> theta) {
    return quotient(tf, theta);
  }

  /**
   * Adds the operations that divide what may be large where f is small: anything but a gradient
   * whose own square is part of a diagonal f. A product of factors bounds no gradient.
   *
   * @param tf where to add them
   * @param x what to divide, finite
   * @return {@code x / d}, at most the type's largest finite number
   */
  public Operand<T> quotient(Ops tf, Operand<T> x) {
    double max = FloatRange.of(x).max();
    return tf.clipByValue(
        form.quotient(tf, x, denominator),
        FloatRange.scalar(tf, -max, x),
        FloatRange.scalar(tf, max, x));
  }
}
