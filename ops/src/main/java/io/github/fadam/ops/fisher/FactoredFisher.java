package io.github.fadam.ops.fisher;

import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * The diagonal of the FIM as the product of a row factor R and a column factor C: {@code f = R C /
 * (1^T R)} (Algorithm 2, lines 7 to 9).
 *
 * <p>The last two dimensions {@code m, n} are factored, all others are batch dimensions with
 * factors of their own. R and C are kept as <em>means</em> over their row or column where the paper
 * has sums: {@code f = R C / mean(R)} is the same f, and a mean stays in the range of its type
 * where a sum overflows. f is exact where the squared gradient has rank 1.
 *
 * <p>f itself is never computed, only its power: {@code R^p} and {@code (C / mean(R))^p} are taken
 * apart, in float64, and multiplied last. {@code R C} would be 0 in float32 for factors of 1e-24.
 * Without any gradient f is 0, where the paper's formula is 0/0.
 *
 * @param rows R, of shape {@link #rowShape}, not negative
 * @param columns C, of shape {@link #columnShape}, not negative
 * @param <T> float32 or float64
 */
public record FactoredFisher<T extends TNumber>(Operand<T> rows, Operand<T> columns) {

  /**
   * Shape of the row factor: all dimensions but the last.
   *
   * @param shape of the variable, fully known, of rank 2 or more
   * @return for example {@code [b, m]} for {@code [b, m, n]}
   * @throws IllegalArgumentException if the rank is below 2 or a dimension is unknown
   */
  public static Shape rowShape(Shape shape) {
    return requireMatrix(shape).take(shape.numDimensions() - 1);
  }

  /**
   * Shape of the column factor: all dimensions but the last but one.
   *
   * @param shape of the variable, fully known, of rank 2 or more
   * @return for example {@code [b, n]} for {@code [b, m, n]}
   * @throws IllegalArgumentException if the rank is below 2 or a dimension is unknown
   */
  public static Shape columnShape(Shape shape) {
    int rank = requireMatrix(shape).numDimensions();
    return shape.take(rank - 2).append(shape.get(rank - 1));
  }

  /**
   * Adds the operations that compute the factors of one step's squared gradient. The bits do not
   * depend on the number of threads.
   *
   * @param tf where to add them
   * @param form for what they are written down
   * @param squared g squared, not negative, of known static shape, rank 2 or more
   * @param <T> float32 or float64
   * @return its row and column means; they saturate at a quarter of the type's largest number
   * @throws IllegalArgumentException if the rank is below 2 or a dimension is unknown
   */
  public static <T extends TNumber> FactoredFisher<T> of(Ops tf, Form form, Operand<T> squared) {
    Shape shape = requireMatrix(squared.shape());
    long m = shape.get(shape.numDimensions() - 2);
    long n = shape.get(shape.numDimensions() - 1);
    long batch = batch(shape);
    return new FactoredFisher<>(
        mean(tf, form, squared, batch * m, n, 1, rowShape(shape)),
        mean(tf, form, squared, batch, m, n, columnShape(shape)));
  }

  /**
   * Adds the operations that move these factors towards those of one step.
   *
   * @param tf where to add them
   * @param decay the bias-corrected decay of the step
   * @param sample factors of the step's squared gradient
   * @return the factors after the step
   */
  public FactoredFisher<T> average(Ops tf, BiasCorrectedDecay<T> decay, FactoredFisher<T> sample) {
    return new FactoredFisher<>(
        decay.average(tf, rows, sample.rows()), decay.average(tf, columns, sample.columns()));
  }

  /**
   * Adds the operations that compute {@code f^p}, in one multiplication of the variable's size.
   *
   * @param tf where to add them
   * @param exponent the FIM exponent p, above 0 and at most 1
   * @return f^p, of the variable's shape
   */
  public Operand<T> power(Ops tf, double exponent) {
    Shape shape = rows.shape().append(columns.shape().get(columns.shape().numDimensions() - 1));
    long m = shape.get(shape.numDimensions() - 2);
    long n = shape.get(shape.numDimensions() - 1);
    long batch = batch(shape);
    // In float32 the sum of large rows is infinite, and f would be 0.
    Operand<TFloat64> sum = BlockSum.along(tf, tf.dtypes.cast(rows, TFloat64.class), batch, m, 1);
    Operand<TFloat64> mean =
        tf.math.minimum(
            tf.math.div(sum, tf.constant((double) Math.max(1, m))), tf.constant(Double.MAX_VALUE));
    Operand<TFloat64> divisor =
        tf.select(tf.math.greater(mean, tf.zerosLike(mean)), mean, tf.onesLike(mean));
    Operand<TFloat64> relative =
        tf.math.div(
            tf.reshape(tf.dtypes.cast(columns, TFloat64.class), tf.constant(new long[] {batch, n})),
            divisor);
    Operand<TFloat64> row =
        Preconditioner.power(tf, tf.dtypes.cast(rows, TFloat64.class), exponent);
    Operand<TFloat64> column = Preconditioner.power(tf, relative, exponent);
    Operand<T> product =
        tf.math.mul(
            vectors(tf, row, batch, m, 1, rows.type()),
            vectors(tf, column, batch, 1, n, rows.type()));
    return tf.reshape(product, tf.constant(shape.asArray()));
  }

  private static <T extends TNumber> Operand<T> vectors(
      Ops tf, Operand<TFloat64> x, long batch, long m, long n, Class<T> type) {
    return tf.dtypes.cast(tf.reshape(x, tf.constant(new long[] {batch, m, n})), type);
  }

  private static <T extends TNumber> Operand<T> mean(
      Ops tf, Form form, Operand<T> squared, long before, long length, long after, Shape shape) {
    Operand<TFloat64> sum = form.sum(tf, squared, before, length, after);
    Operand<TFloat64> mean = tf.math.div(sum, tf.constant((double) Math.max(1, length)));
    Operand<TFloat64> bounded =
        tf.math.minimum(mean, tf.constant(FloatRange.of(squared).max() / 4));
    return tf.dtypes.cast(tf.reshape(bounded, tf.constant(shape.asArray())), squared.type());
  }

  private static long batch(Shape shape) {
    return shape.take(shape.numDimensions() - 2).size();
  }

  private static Shape requireMatrix(Shape shape) {
    if (shape.isUnknown() || shape.hasUnknownDimension() || shape.numDimensions() < 2) {
      throw new IllegalArgumentException(
          "Expected a fully known shape of rank 2 or more to factor, found " + shape);
    }
    return shape;
  }
}
