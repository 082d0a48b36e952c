package io.github.fadam.ops.fisher;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * The sum of all elements of a tensor, with the same bits whatever the number of threads.
 *
 * <p>TensorFlow splits a sum over everything by the number of threads. Here the rows of fixed
 * blocks are summed first, each in its own type, and the blocks' sums then in float64: few
 * additions of 32 bits one after the other, and many of 64.
 */
final class BlockSum {

  /** Elements a block; TensorFlow sums this many on one thread. */
  static final long BLOCK = 4096;

  private BlockSum() {}

  /** Sums a tensor of known static shape; an empty one gives 0. */
  static <T extends TNumber> Operand<TFloat64> of(Ops tf, Operand<T> x) {
    long size = x.shape().size();
    Operand<T> flat = tf.reshape(x, tf.constant(new long[] {size}));
    if (size <= BLOCK) {
      return whole(tf, flat);
    }
    long blocks = size / BLOCK;
    long covered = blocks * BLOCK;
    Operand<T> even =
        covered == size
            ? flat
            : tf.slice(flat, tf.constant(new long[] {0}), tf.constant(new long[] {covered}));
    Operand<T> rows = tf.reshape(even, tf.constant(new long[] {blocks, BLOCK}));
    Operand<TFloat64> sums = tf.dtypes.cast(tf.sum(rows, tf.constant(1)), TFloat64.class);
    Operand<TFloat64> sum = of(tf, sums);
    if (covered == size) {
      return sum;
    }
    Operand<T> rest =
        tf.slice(flat, tf.constant(new long[] {covered}), tf.constant(new long[] {size - covered}));
    return tf.math.add(sum, whole(tf, rest));
  }

  private static <T extends TNumber> Operand<TFloat64> whole(Ops tf, Operand<T> x) {
    return tf.dtypes.cast(tf.sum(x, tf.constant(0)), TFloat64.class);
  }
}
