package io.github.fadam.framework.schedule;

import java.util.Arrays;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/** Constant pieces. */
@SuppressWarnings("ArrayRecordComponent") // private, copied on the way in, never compared
record Piecewise(long[] boundaries, double[] values) implements Schedule {
  @Override
  public Operand<TFloat64> value(Ops tf, Operand<TInt64> completed) {
    Operand<TFloat64> value = tf.constant(values[boundaries.length]);
    for (int i = boundaries.length - 1; i >= 0; i--) {
      value =
          tf.select(
              tf.math.less(completed, tf.constant(boundaries[i])), tf.constant(values[i]), value);
    }
    return value;
  }

  @Override
  public String toString() {
    return "piecewise(" + Arrays.toString(boundaries) + ", " + Arrays.toString(values) + ")";
  }
}
