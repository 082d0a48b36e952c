package io.github.fadam.ops.fisher;

import java.util.function.Function;
import java.util.stream.IntStream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * Sums in float64 for a function that XLA compiles, with the same bits whatever the number of
 * threads.
 *
 * <p>XLA's compiler for CPUs makes one pass of vector instructions of all element-wise operations
 * that lead to each other, but a sum is a pass of its own, over numbers that have been stored, one
 * after the other. Here eight pieces of the tensor are added element by element first, so that what
 * is stored and summed has an eighth of the elements, and what leads to the tensor is computed on
 * the way.
 */
final class FusedSum {

  /** XLA computes a product anew for each of up to 15 pieces, and stores it for more. */
  private static final int PIECES = 8;

  /** Where there are fewer elements, storing them takes no time. */
  private static final long LEAST = 4096;

  private FusedSum() {}

  /** Sums the squares of all elements, a scalar. */
  static <T extends TNumber> Operand<TFloat64> ofSquares(Ops tf, Operand<T> x) {
    Shape shape = x.shape();
    int rank = shape.numDimensions();
    int longest =
        IntStream.range(0, rank)
            .reduce(0, (best, axis) -> shape.get(axis) > shape.get(best) ? axis : best);
    return sum(
        tf,
        x,
        longest,
        IntStream.range(0, rank).toArray(),
        piece -> tf.math.square(tf.dtypes.cast(piece, TFloat64.class)));
  }

  /**
   * Sums along the middle axis of a tensor that is taken as {@code [before, length, after]}; the
   * result is {@code [before, after]}.
   */
  static <T extends TNumber> Operand<TFloat64> along(
      Ops tf, Operand<T> x, long before, long length, long after) {
    Operand<T> cube = tf.reshape(x, tf.constant(new long[] {before, length, after}));
    return sum(tf, cube, 1, new int[] {1}, piece -> tf.dtypes.cast(piece, TFloat64.class));
  }

  /** Cuts along one axis and sums over all {@code axes}, of which it is one. */
  private static <T extends TNumber> Operand<TFloat64> sum(
      Ops tf, Operand<T> x, int axis, int[] axes, Function<Operand<T>, Operand<TFloat64>> element) {
    long length = x.shape().size() < LEAST ? 0 : x.shape().get(axis) / PIECES;
    if (length < 2) {
      return tf.sum(element.apply(x), tf.constant(axes));
    }
    Operand<TFloat64> folded = element.apply(piece(tf, x, axis, 0, length));
    for (int i = 1; i < PIECES; i++) {
      folded = tf.math.add(folded, element.apply(piece(tf, x, axis, i * length, length)));
    }
    Operand<TFloat64> sum = tf.sum(folded, tf.constant(axes));
    long rest = x.shape().get(axis) - PIECES * length;
    return rest == 0
        ? sum
        : tf.math.add(
            sum,
            tf.sum(element.apply(piece(tf, x, axis, PIECES * length, rest)), tf.constant(axes)));
  }

  private static <T extends TNumber> Operand<T> piece(
      Ops tf, Operand<T> x, int axis, long from, long length) {
    long[] begin = new long[x.shape().numDimensions()];
    long[] size = x.shape().asArray();
    begin[axis] = from;
    size[axis] = length;
    return tf.slice(x, tf.constant(begin), tf.constant(size));
  }
}
