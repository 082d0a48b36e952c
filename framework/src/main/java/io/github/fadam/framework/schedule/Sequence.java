package io.github.fadam.framework.schedule;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/** One schedule for some steps, and another one from its own beginning after them. */
record Sequence(Schedule first, long steps, Schedule next) implements Schedule {

  @Override
  public Operand<TFloat64> value(Ops tf, Operand<TInt64> completed) {
    Operand<TInt64> after = tf.math.sub(completed, tf.constant(steps));
    Operand<TInt64> zero = tf.constant(0L);
    return tf.select(
        tf.math.less(after, zero),
        first.value(tf, completed),
        next.value(tf, tf.math.maximum(after, zero)));
  }

  @Override
  public String toString() {
    return "sequence(" + first + ", " + steps + ", " + next + ")";
  }
}
