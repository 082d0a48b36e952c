package io.github.fadam.ops.fisher;

import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * What the operations of a formula are written down for. The formula is the same, its numbers are
 * so up to rounding; what is fast is not.
 */
public enum Form {
  /** Operations that TensorFlow runs one by one. */
  OPERATIONS {
    @Override
    <T extends TNumber> RootMeanSquare<T> rms(Ops tf, Operand<T> x) {
      return RootMeanSquare.scaled(tf, x);
    }

    @Override
    <T extends TNumber> Operand<TFloat64> sum(
        Ops tf, Operand<T> x, long before, long length, long after) {
      return BlockSum.along(tf, x, before, length, after);
    }

    @Override
    <T extends TNumber> Operand<T> quotient(Ops tf, Operand<T> x, Operand<T> d) {
      return tf.math.div(x, d);
    }

    @Override
    public <T extends TNumber> Operand<TBool> finite(Ops tf, Operand<T> x) {
      return tf.reduceAll(
          tf.reshape(tf.math.isFinite(x), tf.constant(new long[] {-1})), tf.constant(0));
    }
  },

  /** Part of a function that XLA compiles. */
  COMPILED {
    @Override
    <T extends TNumber> RootMeanSquare<T> rms(Ops tf, Operand<T> x) {
      return hasWiderSquares(x) ? RootMeanSquare.wide(tf, x) : RootMeanSquare.scaled(tf, x);
    }

    @Override
    <T extends TNumber> Operand<TFloat64> sum(
        Ops tf, Operand<T> x, long before, long length, long after) {
      return FusedSum.along(tf, x, before, length, after);
    }

    /**
     * One reciprocal serves all, for XLA computes no quotient twice: it would store every one of
     * them. It stores a product of two tensors too if it is needed twice, but not what is made of
     * one: a bound, which is never met where the quotient is finite.
     */
    @Override
    <T extends TNumber> Operand<T> quotient(Ops tf, Operand<T> x, Operand<T> d) {
      Operand<T> product = tf.math.mul(x, tf.math.reciprocal(d));
      return tf.math.minimum(product, FloatRange.scalar(tf, FloatRange.of(x).max(), x));
    }

    @Override
    public <T extends TNumber> Operand<TBool> finite(Ops tf, Operand<T> x) {
      return hasWiderSquares(x)
          ? tf.math.isFinite(FusedSum.ofSquares(tf, x))
          : OPERATIONS.finite(tf, x);
    }

    private boolean hasWiderSquares(Operand<? extends TNumber> x) {
      return x.type() == TFloat32.class && x.shape().size() != Shape.UNKNOWN_SIZE;
    }
  };

  /** The root mean square of a finite tensor of known rank. */
  abstract <T extends TNumber> RootMeanSquare<T> rms(Ops tf, Operand<T> x);

  /**
   * The sums along the middle axis of a tensor that is taken as {@code [before, length, after]}, of
   * shape {@code [before, after]}; the same bits whatever the number of threads.
   */
  abstract <T extends TNumber> Operand<TFloat64> sum(
      Ops tf, Operand<T> x, long before, long length, long after);

  /** {@code x / d} for positive d. */
  abstract <T extends TNumber> Operand<T> quotient(Ops tf, Operand<T> x, Operand<T> d);

  /**
   * Adds the operations that test a whole tensor.
   *
   * @param tf where to add them
   * @param x what to test, float32 or float64
   * @param <T> its type
   * @return whether no element is infinite or not a number, a scalar
   */
  public abstract <T extends TNumber> Operand<TBool> finite(Ops tf, Operand<T> x);
}
