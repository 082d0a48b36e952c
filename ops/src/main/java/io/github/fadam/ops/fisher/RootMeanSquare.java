package io.github.fadam.ops.fisher;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * The root mean square of a tensor whose squares may leave the range of its type.
 *
 * <p>With the plain formula the RMS of 1e20 is infinite in float32 and that of 1e-25 is 0.
 *
 * @param scaled x divided by {@code scale}
 * @param scale positive, a normal number of x's type, near the RMS or as large as the largest
 *     element, so that scaled can be multiplied with what brings x to another RMS: the factor from
 *     one to the other may be too small for the type
 * @param relative RMS of {@code scaled}, float64
 * @param <T> the type of x
 */
record RootMeanSquare<T extends TNumber>(
    Operand<T> scaled, Operand<TFloat64> scale, Operand<TFloat64> relative) {

  /**
   * Adds the operations that divide every element by the largest one before it is squared; x is
   * finite.
   */
  static <T extends TNumber> RootMeanSquare<T> scaled(Ops tf, Operand<T> x) {
    requireRank(x);
    long size = x.shape().size();
    Operand<T> one = FloatRange.scalar(tf, 1.0, x);
    if (size == 0) {
      return ofNothing(tf, x);
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

  /**
   * Adds the operations that square in float64, in one pass over x where XLA compiles them; x is
   * finite float32 of known shape.
   */
  static <T extends TNumber> RootMeanSquare<T> wide(Ops tf, Operand<T> x) {
    requireRank(x);
    if (x.shape().size() == 0) {
      return ofNothing(tf, x);
    }
    Operand<TFloat64> rms =
        tf.math.sqrt(tf.math.div(FusedSum.ofSquares(tf, x), BlockSum.size(tf, x)));
    Operand<TFloat64> scale =
        tf.clipByValue(
            rms,
            tf.constant(FloatRange.of(x).minNormal()),
            tf.constant(1 / FloatRange.of(x).minNormal()));
    Operand<T> scaled = tf.math.mul(x, tf.dtypes.cast(tf.math.reciprocal(scale), x.type()));
    return new RootMeanSquare<>(scaled, scale, tf.math.div(rms, scale));
  }

  private static void requireRank(Operand<? extends TNumber> x) {
    if (x.shape().isUnknown()) {
      throw new IllegalArgumentException(
          "Expected a tensor of known rank, found "
              + x.asOutput().name()
              + " of shape "
              + x.shape()
              + "; give it a shape with ensureShape.");
    }
  }

  private static <T extends TNumber> RootMeanSquare<T> ofNothing(Ops tf, Operand<T> x) {
    return new RootMeanSquare<>(x, tf.constant(1.0), tf.constant(0.0));
  }

  /** Adds the operations for the RMS itself. */
  Operand<T> value(Ops tf) {
    return tf.dtypes.cast(tf.math.mul(scale, relative), scaled.type());
  }
}
