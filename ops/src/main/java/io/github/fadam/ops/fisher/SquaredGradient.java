package io.github.fadam.ops.fisher;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/**
 * The element-wise square of a gradient, the sample of the diagonal empirical Fisher information
 * (paper, equations 17 and 22).
 *
 * <p>It saturates at a quarter of the type's largest finite number: a gradient of 1e25 in float32
 * gives a large f that decays again, where infinity would stop the element for ever.
 */
public final class SquaredGradient {

  private SquaredGradient() {}

  /**
   * Adds the operations that square a gradient.
   *
   * @param tf where to add them
   * @param gradient g, float32 or float64
   * @param <T> its type
   * @return g squared, finite wherever g is; 0 in float32 below 1e-19
   */
  public static <T extends TNumber> Operand<T> of(Ops tf, Operand<T> gradient) {
    double saturation = FloatRange.of(gradient).max() / 4;
    return tf.math.minimum(tf.math.square(gradient), FloatRange.scalar(tf, saturation, gradient));
  }
}
