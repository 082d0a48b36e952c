package io.github.fadam.ops.fisher;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
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

  /** Number of elements, at least 1. */
  static Operand<TFloat64> size(Ops tf, Operand<? extends TNumber> x) {
    long size = x.shape().size();
    return size == Shape.UNKNOWN_SIZE
        ? tf.math.maximum(
            tf.dtypes.cast(tf.size(x, TInt64.class), TFloat64.class), tf.constant(1.0))
        : tf.constant((double) Math.max(1, size));
  }

  /** Sums all elements; an empty tensor gives 0. */
  static <T extends TNumber> Operand<TFloat64> of(Ops tf, Operand<T> x) {
    if (x.shape().size() == Shape.UNKNOWN_SIZE) {
      return tf.sum(blocks(tf, blocks(tf, x)), tf.constant(0));
    }
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

  /** The sums of blocks where the number of elements is only known in the run. */
  private static <T extends TNumber> Operand<TFloat64> blocks(Ops tf, Operand<T> x) {
    Operand<T> flat = tf.reshape(x, tf.constant(new long[] {-1}));
    Operand<TInt64> missing =
        tf.math.floorMod(tf.math.neg(tf.size(flat, TInt64.class)), tf.constant(BLOCK));
    Operand<T> padded =
        tf.pad(
            flat,
            tf.reshape(tf.stack(List.of(tf.constant(0L), missing)), tf.constant(new long[] {1, 2})),
            FloatRange.scalar(tf, 0, x));
    Operand<T> rows = tf.reshape(padded, tf.constant(new long[] {-1, BLOCK}));
    return tf.dtypes.cast(tf.sum(rows, tf.constant(1)), TFloat64.class);
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
