package io.github.fadam.framework.schedule;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/** Decay by the root of the steps. */
record InverseSquareRoot(double from, long steps) implements Schedule {

  @Override
  public Operand<TFloat64> value(Ops tf, Operand<TInt64> completed) {
    Operand<TFloat64> n = tf.dtypes.cast(completed, TFloat64.class);
    Operand<TFloat64> scale = tf.constant((double) steps);
    return tf.math.mul(tf.constant(from), tf.math.sqrt(tf.math.div(scale, tf.math.add(n, scale))));
  }

  @Override
  public String toString() {
    return "inverse-sqrt(" + from + ", " + steps + ")";
  }
}
