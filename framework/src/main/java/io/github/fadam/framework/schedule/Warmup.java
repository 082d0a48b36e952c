package io.github.fadam.framework.schedule;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/** A linear rise from 0 in front of another schedule. */
record Warmup(long steps, Schedule next) implements Schedule {
  @Override
  public Operand<TFloat64> value(Ops tf, Operand<TInt64> completed) {
    Operand<TInt64> zero = tf.constant(0L);
    Operand<TInt64> after = tf.math.maximum(tf.math.sub(completed, tf.constant(steps)), zero);
    return tf.math.mul(Progress.of(tf, completed, steps), next.value(tf, after));
  }

  @Override
  public String toString() {
    return "warmup(" + steps + ", " + next + ")";
  }
}
