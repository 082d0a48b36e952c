package io.github.fadam.framework.schedule;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/** A power of the rest of the way, and then its end. */
record Polynomial(double from, double to, double power, long steps) implements Schedule {

  @Override
  public Operand<TFloat64> value(Ops tf, Operand<TInt64> completed) {
    Operand<TFloat64> rest = tf.math.sub(tf.constant(1.0), Progress.of(tf, completed, steps));
    return tf.math.add(
        tf.constant(to),
        tf.math.mul(tf.constant(from - to), tf.math.pow(rest, tf.constant(power))));
  }

  @Override
  public String toString() {
    return "polynomial(" + from + ", " + to + ", " + power + ", " + steps + ")";
  }
}
