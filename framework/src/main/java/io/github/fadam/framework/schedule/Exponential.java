package io.github.fadam.framework.schedule;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/** Exponential decay. */
record Exponential(double from, double rate, long steps) implements Schedule {
  @Override
  public Operand<TFloat64> value(Ops tf, Operand<TInt64> completed) {
    Operand<TFloat64> n = tf.dtypes.cast(completed, TFloat64.class);
    return tf.math.mul(
        tf.constant(from),
        tf.math.pow(tf.constant(rate), tf.math.div(n, tf.constant((double) steps))));
  }

  @Override
  public String toString() {
    return "exponential(" + from + ", " + rate + ", " + steps + ")";
  }
}
