package io.github.fadam.framework.schedule;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/** A straight line and then its end. */
record Linear(double from, double to, long steps) implements Schedule {
  @Override
  public Operand<TFloat64> value(Ops tf, Operand<TInt64> completed) {
    return tf.math.add(
        tf.constant(from), tf.math.mul(tf.constant(to - from), Progress.of(tf, completed, steps)));
  }

  @Override
  public String toString() {
    return "linear(" + from + ", " + to + ", " + steps + ")";
  }
}
