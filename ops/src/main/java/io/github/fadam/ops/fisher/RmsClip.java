package io.github.fadam.ops.fisher;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * The RMS clip {@code x / max(1, RMS(x) / c)} over one variable (Algorithm 1, lines 9 and 12;
 * appendix B.3).
 */
public final class RmsClip {

  private RmsClip() {}

  /**
   * Adds the operations that clip a tensor.
   *
   * @param tf where to add them
   * @param form for what they are written down
   * @param x what to clip, finite, float32 or float64, of known static shape
   * @param threshold c, a positive scalar; infinity clips nothing
   * @param <T> the type of x
   * @return x, scaled down so that its RMS is at most c
   */
  public static <T extends TNumber> Operand<T> of(
      Ops tf, Form form, Operand<T> x, Operand<T> threshold) {
    RootMeanSquare<T> rms = form.rms(tf, x);
    Operand<TFloat64> c = tf.dtypes.cast(threshold, TFloat64.class);
    // scale / max(1, scale relative / c), without the reciprocal of a large number: TensorFlow may
    // divide by multiplying, and the reciprocal of 1e308 is flushed to 0.
    Operand<T> factor =
        tf.dtypes.cast(tf.math.minimum(rms.scale(), tf.math.div(c, rms.relative())), x.type());
    return tf.math.mul(rms.scaled(), factor);
  }
}
