package io.github.fadam.framework.schedule;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/**
 * Cosine descents that begin anew, each {@code growth} times as long as the last one and {@code
 * decay} times as high.
 */
record CosineRestarts(double from, double to, long steps, long growth, double decay)
    implements Schedule {

  @Override
  public Operand<TFloat64> value(Ops tf, Operand<TInt64> completed) {
    Operand<TFloat64> n = tf.dtypes.cast(completed, TFloat64.class);
    Operand<TFloat64> cycle = growth == 1 ? evenCycle(tf, n) : growingCycle(tf, n);
    Operand<TFloat64> length =
        tf.math.mul(tf.constant((double) steps), tf.math.rint(power(tf, (double) growth, cycle)));
    Operand<TFloat64> done = tf.math.div(tf.math.sub(n, start(tf, cycle)), length);
    Operand<TFloat64> wave = tf.math.cos(tf.math.mul(tf.constant(Math.PI), done));
    Operand<TFloat64> height =
        tf.math.mul(
            tf.math.mul(tf.constant(0.5), tf.math.add(tf.constant(1.0), wave)),
            power(tf, decay, cycle));
    return tf.math.add(tf.constant(to), tf.math.mul(tf.constant(from - to), height));
  }

  private Operand<TFloat64> evenCycle(Ops tf, Operand<TFloat64> n) {
    return tf.math.floor(tf.math.div(n, tf.constant((double) steps)));
  }

  /** The logarithm may be one off at a restart, so it is compared with the starts around it. */
  private Operand<TFloat64> growingCycle(Ops tf, Operand<TFloat64> n) {
    Operand<TFloat64> one = tf.constant(1.0);
    Operand<TFloat64> scaled = tf.math.mul(n, tf.constant((growth - 1.0) / steps));
    Operand<TFloat64> guess =
        tf.math.floor(tf.math.div(tf.math.log1p(scaled), tf.constant(Math.log((double) growth))));
    Operand<TFloat64> low = tf.math.maximum(tf.math.sub(guess, one), tf.constant(0.0));
    Operand<TFloat64> cycle = low;
    for (int i = 0; i < 2; i++) {
      Operand<TFloat64> following = tf.math.add(cycle, one);
      cycle = tf.select(tf.math.lessEqual(start(tf, following), n), following, cycle);
    }
    return cycle;
  }

  /** Steps before a cycle: a whole number. */
  private Operand<TFloat64> start(Ops tf, Operand<TFloat64> cycle) {
    Operand<TFloat64> lengths =
        growth == 1
            ? cycle
            : tf.math.div(
                tf.math.sub(tf.math.rint(power(tf, (double) growth, cycle)), tf.constant(1.0)),
                tf.constant(growth - 1.0));
    return tf.math.mul(tf.constant((double) steps), lengths);
  }

  private static Operand<TFloat64> power(Ops tf, double base, Operand<TFloat64> exponent) {
    return tf.math.pow(tf.constant(base), exponent);
  }

  @Override
  public String toString() {
    return "cosine-restarts("
        + from
        + ", "
        + to
        + ", "
        + steps
        + ", "
        + growth
        + ", "
        + decay
        + ")";
  }
}
