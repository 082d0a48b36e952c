package io.github.fadam.ops.fisher;

import java.util.Arrays;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * Gradient centralisation: of every column of a weight, the gradient's mean is subtracted.
 *
 * <p>A column is what belongs to one index of the last dimension: all weights of one unit or filter
 * in TensorFlow's layouts. The mean has the same bits whatever the number of threads.
 */
public final class CenteredGradient {

  private CenteredGradient() {}

  /**
   * Adds the operations that centre a gradient.
   *
   * @param tf where to add them
   * @param form for what they are written down
   * @param gradient g, float32 or float64, of known static shape
   * @param <T> its type
   * @return g less its mean over all but the last dimension; g itself for scalars and vectors
   */
  public static <T extends TNumber> Operand<T> of(Ops tf, Form form, Operand<T> gradient) {
    Shape shape = gradient.shape();
    if (shape.numDimensions() < 2 || shape.size() == 0) {
      return gradient;
    }
    long last = shape.get(shape.numDimensions() - 1);
    long length = shape.size() / last;
    Operand<TFloat64> mean =
        tf.math.div(form.sum(tf, gradient, 1, length, last), tf.constant((double) length));
    long[] broadcast = new long[shape.numDimensions()];
    Arrays.fill(broadcast, 1);
    broadcast[broadcast.length - 1] = last;
    return tf.math.sub(
        gradient, tf.dtypes.cast(tf.reshape(mean, tf.constant(broadcast)), gradient.type()));
  }
}
