package io.github.fadam.ops.fisher;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * Sums with the same bits whatever the number of threads.
 *
 * <p>TensorFlow splits a sum over everything by the number of threads. Here fixed blocks are summed
 * first, each in its own type, and the blocks' sums then in float64: few additions of 32 bits one
 * after the other, and many of 64.
 */
final class BlockSum {

  /** Elements a block; TensorFlow sums this many on one thread. */
  static final long BLOCK = 4096;

  private BlockSum() {}

  /** Sums all elements of a tensor of known static shape; an empty one gives 0. */
  static <T extends TNumber> Operand<TFloat64> of(Ops tf, Operand<T> x) {
    return tf.reshape(along(tf, x, 1, x.shape().size(), 1), tf.constant(new long[0]));
  }

  /**
   * Sums along the middle axis of a tensor that is taken as {@code [before, length, after]}; the
   * result is {@code [before, after]}.
   */
  static <T extends TNumber> Operand<TFloat64> along(
      Ops tf, Operand<T> x, long before, long length, long after) {
    if (length <= BLOCK) {
      return whole(tf, x, before, length, after);
    }
    long blocks = length / BLOCK;
    long covered = blocks * BLOCK;
    if (covered == length) {
      return along(tf, whole(tf, x, before * blocks, BLOCK, after), before, blocks, after);
    }
    Operand<T> cube = tf.reshape(x, tf.constant(new long[] {before, length, after}));
    return tf.math.add(
        along(tf, slice(tf, cube, before, 0, covered, after), before, covered, after),
        whole(
            tf,
            slice(tf, cube, before, covered, length - covered, after),
            before,
            length - covered,
            after));
  }

  private static <T extends TNumber> Operand<T> slice(
      Ops tf, Operand<T> cube, long before, long from, long length, long after) {
    return tf.slice(
        cube,
        tf.constant(new long[] {0, from, 0}),
        tf.constant(new long[] {before, length, after}));
  }

  private static <T extends TNumber> Operand<TFloat64> whole(
      Ops tf, Operand<T> x, long before, long length, long after) {
    Operand<T> cube = tf.reshape(x, tf.constant(new long[] {before, length, after}));
    return tf.dtypes.cast(tf.sum(cube, tf.constant(1)), TFloat64.class);
  }
}
