package io.github.fadam.ops.fisher;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * The numbers at which a floating point type ends.
 *
 * @param max largest finite number
 * @param minNormal smallest positive normal number; TensorFlow flushes smaller ones to 0
 */
record FloatRange(double max, double minNormal) {

  private static final FloatRange FLOAT32 = new FloatRange(Float.MAX_VALUE, Float.MIN_NORMAL);
  private static final FloatRange FLOAT64 = new FloatRange(Double.MAX_VALUE, Double.MIN_NORMAL);

  /** The range of a compute type, the type that updates are computed in. */
  static FloatRange of(Operand<? extends TNumber> x) {
    Class<? extends TNumber> type = x.type();
    if (type == TFloat32.class) {
      return FLOAT32;
    }
    if (type == TFloat64.class) {
      return FLOAT64;
    }
    throw new IllegalArgumentException(
        "Expected a tensor of float32 or float64, found "
            + type.getSimpleName()
            + "; cast it first: optimizer state of 16-bit variables is float32.");
  }

  /** A constant scalar of the type of x. */
  static <T extends TNumber> Operand<T> scalar(Ops tf, double value, Operand<T> x) {
    return tf.dtypes.cast(tf.constant(value), x.type());
  }
}
