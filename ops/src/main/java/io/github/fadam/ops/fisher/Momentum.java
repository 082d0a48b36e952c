package io.github.fadam.ops.fisher;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/**
 * The EMA of the natural gradient, not bias corrected (Algorithm 1, line 10; section 3.4.2): it
 * starts at 0 and so warms up by itself.
 */
public final class Momentum {

  private Momentum() {}

  /**
   * Adds the operations that move the momentum: {@code beta1 m + (1 - beta1) x}.
   *
   * @param tf where to add them
   * @param beta1 decay, in [0, 1)
   * @param momentum m before the step
   * @param x what enters it
   * @param <T> their type
   * @return m after the step
   */
  public static <T extends TNumber> Operand<T> of(
      Ops tf, double beta1, Operand<T> momentum, Operand<T> x) {
    return tf.math.add(
        tf.math.mul(FloatRange.scalar(tf, beta1, momentum), momentum),
        tf.math.mul(FloatRange.scalar(tf, 1 - beta1, momentum), x));
  }
}
