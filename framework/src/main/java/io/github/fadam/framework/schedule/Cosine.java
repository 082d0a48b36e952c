package io.github.fadam.framework.schedule;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/** Half a cosine wave and then its end. */
record Cosine(double from, double to, long steps) implements Schedule {
  @Override
  public Operand<TFloat64> value(Ops tf, Operand<TInt64> completed) {
    Operand<TFloat64> angle = tf.math.mul(tf.constant(Math.PI), Progress.of(tf, completed, steps));
    Operand<TFloat64> height =
        tf.math.mul(tf.constant(0.5), tf.math.add(tf.constant(1.0), tf.math.cos(angle)));
    return tf.math.add(tf.constant(to), tf.math.mul(tf.constant(from - to), height));
  }

  @Override
  public String toString() {
    return "cosine(" + from + ", " + to + ", " + steps + ")";
  }
}
