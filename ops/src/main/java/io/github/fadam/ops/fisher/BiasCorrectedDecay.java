package io.github.fadam.ops.fisher;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.dtypes.Cast;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/**
 * The decay of an exponential moving average that needs no bias correction afterwards: {@code
 * betaHat_t = beta (1 - beta^(t-1)) / (1 - beta^t)} (Algorithm 1, line 6).
 *
 * <p>It is 0 at t = 1, so that the average's initial value never matters, and tends to beta. Both
 * it and its complement are computed in float64 through {@code expm1}, which keeps the digits that
 * {@code 1 - beta^t} loses for small t and beta near 1.
 *
 * @param decay betaHat_t, a scalar in [0, beta)
 * @param complement {@code 1 - betaHat_t = (1 - beta) / (1 - beta^t)}, a scalar in (1 - beta, 1]
 * @param <T> the type of the average
 */
public record BiasCorrectedDecay<T extends TNumber>(Operand<T> decay, Operand<T> complement) {

  /**
   * Adds the operations that compute the decay of a step.
   *
   * @param tf where to add them
   * @param beta the decay for large t, in [0, 1)
   * @param step t, an int64 scalar, 1 at the first step
   * @param type type of the average
   * @param <T> type of the average
   * @return the decay and its complement
   * @throws IllegalArgumentException if beta is not in [0, 1)
   */
  public static <T extends TNumber> BiasCorrectedDecay<T> of(
      Ops tf, double beta, Operand<TInt64> step, Class<T> type) {
    if (!(beta >= 0 && beta < 1)) {
      throw new IllegalArgumentException(
          "Expected a decay of at least 0 and below 1, found " + beta + "; 0.999 is usual.");
    }
    if (beta == 0) {
      return new BiasCorrectedDecay<>(
          Cast.create(tf.scope(), tf.constant(0.0), type),
          Cast.create(tf.scope(), tf.constant(1.0), type));
    }
    Operand<TFloat64> t = tf.dtypes.cast(step, TFloat64.class);
    Operand<TFloat64> log = tf.constant(Math.log(beta));
    Operand<TFloat64> past =
        tf.math.neg(tf.math.expm1(tf.math.mul(tf.math.sub(t, tf.constant(1.0)), log)));
    Operand<TFloat64> present = tf.math.neg(tf.math.expm1(tf.math.mul(t, log)));
    return new BiasCorrectedDecay<>(
        tf.dtypes.cast(tf.math.div(tf.math.mul(tf.constant(beta), past), present), type),
        tf.dtypes.cast(tf.math.div(tf.constant(1.0 - beta), present), type));
  }

  /**
   * Adds the operations that move an average: {@code betaHat average + (1 - betaHat) value}.
   *
   * @param tf where to add them
   * @param average the average before the step
   * @param value what enters it, of the same shape
   * @return the average after the step
   */
  public Operand<T> average(Ops tf, Operand<T> average, Operand<T> value) {
    return tf.math.add(tf.math.mul(decay, average), tf.math.mul(complement, value));
  }
}
