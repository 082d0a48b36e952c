package io.github.fadam.framework.schedule;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/** How much of a fixed number of steps is done. */
final class Progress {

  private Progress() {}

  /** {@code min(n / steps, 1)}; n as a float64 is exact up to 2^53 steps. */
  static Operand<TFloat64> of(Ops tf, Operand<TInt64> completed, long steps) {
    Operand<TFloat64> n = tf.dtypes.cast(completed, TFloat64.class);
    return tf.math.minimum(tf.math.div(n, tf.constant((double) steps)), tf.constant(1.0));
  }
}
