package io.github.fadam.ops.fisher;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * The root mean square of a tensor whose squares may leave the range of its type.
 *
 * <p>Every element is divided by the largest one before it is squared: with the plain formula the
 * RMS of 1e20 is infinite in float32 and that of 1e-25 is 0.
 *
 * @param scaled x divided by {@code scale}; no element is larger than 1
 * @param scale largest absolute value of x, or 1 where all elements are 0
 * @param relative RMS of {@code scaled}, float64, at most 1
 * @param <T> the type of x
 */
record RootMeanSquare<T extends TNumber>(
    Operand<T> scaled, Operand<TFloat64> scale, Operand<TFloat64> relative) {

  /** Adds the operations; x is finite and of known rank. */
  static <T extends TNumber> RootMeanSquare<T> of(Ops tf, Operand<T> x) {
    if (x.shape().isUnknown()) {
      throw new IllegalArgumentException(
          "Expected a tensor of known rank, found "
              + x.asOutput().name()
              + " of shape "
              + x.shape()
              + "; give it a shape with ensureShape.");
    }
    long size = x.shape().size();
    Operand<T> one = FloatRange.scalar(tf, 1.0, x);
    if (size == 0) {
      return new RootMeanSquare<>(x, tf.constant(1.0), tf.constant(0.0));
    }
    Operand<T> flat = tf.reshape(x, tf.constant(new long[] {Math.max(size, -1)}));
    Operand<T> largest =
        tf.math.maximum(
            tf.reduceMax(flat, tf.constant(0)), tf.math.neg(tf.reduceMin(flat, tf.constant(0))));
    Operand<T> zero = tf.zerosLike(largest);
    Operand<T> scale = tf.select(tf.math.greater(largest, zero), largest, one);
    Operand<T> scaled = tf.math.div(x, scale);
    Operand<TFloat64> sum = BlockSum.of(tf, tf.math.square(scaled));
    Operand<TFloat64> mean = tf.math.div(sum, BlockSum.size(tf, x));
    return new RootMeanSquare<>(scaled, tf.dtypes.cast(scale, TFloat64.class), tf.math.sqrt(mean));
  }

  /** Adds the operations for the RMS itself. */
  Operand<T> value(Ops tf) {
    return tf.dtypes.cast(tf.math.mul(scale, relative), scaled.type());
  }
}
