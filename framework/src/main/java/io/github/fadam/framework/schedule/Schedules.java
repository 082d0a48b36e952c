package io.github.fadam.framework.schedule;

import java.util.Arrays;
import java.util.OptionalDouble;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/**
 * The ready-made schedules.
 *
 * <p>n below is the number of completed steps: 0 at the first step. All values are computed in
 * float64, exactly enough for any n a run can reach.
 */
public final class Schedules {

  private Schedules() {}

  /**
   * The same value at every step.
   *
   * @param value any number; infinity only makes sense for a clip, which it turns off
   * @return the schedule
   * @throws IllegalArgumentException if the value is not a number
   */
  public static Schedule constant(double value) {
    return new Constant(value);
  }

  /**
   * A straight line and then its end: {@code from + (to - from) min(n / steps, 1)}.
   *
   * @param from value at n = 0
   * @param to value at n = steps and after
   * @param steps length of the line, at least 1
   * @return the schedule
   * @throws IllegalArgumentException if a value is not finite or steps is below 1
   */
  public static Schedule linear(double from, double to, long steps) {
    requireFinite("from", from);
    requireFinite("to", to);
    requirePositive("steps", steps);
    return new Linear(from, to, steps);
  }

  /**
   * Half a cosine wave and then its end: {@code to + (from - to) (1 + cos(pi min(n / steps, 1))) /
   * 2}.
   *
   * @param from value at n = 0
   * @param to value at n = steps and after
   * @param steps length of the descent, at least 1
   * @return the schedule
   * @throws IllegalArgumentException if a value is not finite or steps is below 1
   */
  public static Schedule cosine(double from, double to, long steps) {
    requireFinite("from", from);
    requireFinite("to", to);
    requirePositive("steps", steps);
    return new Cosine(from, to, steps);
  }

  /**
   * Exponential decay: {@code from rate^(n / steps)}.
   *
   * @param from value at n = 0
   * @param rate factor over {@code steps} steps, positive
   * @param steps steps over which the factor applies once, at least 1
   * @return the schedule
   * @throws IllegalArgumentException if from is not finite, rate not positive and finite, or steps
   *     below 1
   */
  public static Schedule exponential(double from, double rate, long steps) {
    requireFinite("from", from);
    if (!(rate > 0 && rate < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("Expected a positive finite rate, found " + rate + ".");
    }
    requirePositive("steps", steps);
    return new Exponential(from, rate, steps);
  }

  /**
   * Constant pieces: {@code values[i]} while n is below {@code boundaries[i]}, the last value after
   * the last boundary.
   *
   * @param boundaries where a new piece begins, positive and increasing
   * @param values one value more than boundaries
   * @return the schedule
   * @throws IllegalArgumentException if the lengths do not fit, the boundaries do not increase, or
   *     a value is not finite
   */
  public static Schedule piecewise(long[] boundaries, double[] values) {
    if (values.length != boundaries.length + 1) {
      throw new IllegalArgumentException(
          "Expected one value more than boundaries, found "
              + boundaries.length
              + " boundaries and "
              + values.length
              + " values.");
    }
    long last = 0;
    for (long boundary : boundaries) {
      if (boundary <= last) {
        throw new IllegalArgumentException(
            "Expected positive boundaries that increase, found " + Arrays.toString(boundaries));
      }
      last = boundary;
    }
    for (double value : values) {
      requireFinite("values", value);
    }
    return new Piecewise(boundaries.clone(), values.clone());
  }

  /**
   * A linear rise from 0 in front of another schedule: {@code next(0) n / steps} while n is below
   * steps, {@code next(n - steps)} from there on.
   *
   * @param steps length of the rise, at least 1; the first step runs with 0
   * @param next what follows
   * @return the schedule
   * @throws IllegalArgumentException if steps is below 1
   */
  public static Schedule warmup(long steps, Schedule next) {
    requirePositive("steps", steps);
    return new Warmup(steps, next);
  }

  /**
   * A linear rise followed by half a cosine wave down to 0.
   *
   * @param peak value at the end of the rise
   * @param warmup length of the rise, at least 1
   * @param total length of both together, more than warmup
   * @return the schedule
   * @throws IllegalArgumentException if total is not more than warmup, or as {@link #warmup} and
   *     {@link #cosine} say
   */
  public static Schedule warmupCosine(double peak, long warmup, long total) {
    if (total <= warmup) {
      throw new IllegalArgumentException(
          "Expected more steps in total than the " + warmup + " of the warm-up, found " + total);
    }
    return warmup(warmup, cosine(peak, 0, total - warmup));
  }

  private static void requireFinite(String name, double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException("Expected a finite " + name + ", found " + value + ".");
    }
  }

  private static void requirePositive(String name, long value) {
    if (value < 1) {
      throw new IllegalArgumentException("Expected " + name + " of at least 1, found " + value);
    }
  }

  private static Operand<TFloat64> progress(Ops tf, Operand<TInt64> completed, long steps) {
    Operand<TFloat64> n = tf.dtypes.cast(completed, TFloat64.class);
    return tf.math.minimum(tf.math.div(n, tf.constant((double) steps)), tf.constant(1.0));
  }

  private record Constant(double value) implements Schedule {
    Constant {
      if (Double.isNaN(value)) {
        throw new IllegalArgumentException("Expected a number, found NaN.");
      }
    }

    @Override
    public Operand<TFloat64> value(Ops tf, Operand<TInt64> completed) {
      return tf.constant(value);
    }

    @Override
    public OptionalDouble constant() {
      return OptionalDouble.of(value);
    }

    @Override
    public String toString() {
      return Double.toString(value);
    }
  }

  private record Linear(double from, double to, long steps) implements Schedule {
    @Override
    public Operand<TFloat64> value(Ops tf, Operand<TInt64> completed) {
      return tf.math.add(
          tf.constant(from), tf.math.mul(tf.constant(to - from), progress(tf, completed, steps)));
    }

    @Override
    public String toString() {
      return "linear(" + from + ", " + to + ", " + steps + ")";
    }
  }

  private record Cosine(double from, double to, long steps) implements Schedule {
    @Override
    public Operand<TFloat64> value(Ops tf, Operand<TInt64> completed) {
      Operand<TFloat64> angle = tf.math.mul(tf.constant(Math.PI), progress(tf, completed, steps));
      Operand<TFloat64> height =
          tf.math.mul(tf.constant(0.5), tf.math.add(tf.constant(1.0), tf.math.cos(angle)));
      return tf.math.add(tf.constant(to), tf.math.mul(tf.constant(from - to), height));
    }

    @Override
    public String toString() {
      return "cosine(" + from + ", " + to + ", " + steps + ")";
    }
  }

  private record Exponential(double from, double rate, long steps) implements Schedule {
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

  @SuppressWarnings("ArrayRecordComponent") // private, copied on the way in, never compared
  private record Piecewise(long[] boundaries, double[] values) implements Schedule {
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

  private record Warmup(long steps, Schedule next) implements Schedule {
    @Override
    public Operand<TFloat64> value(Ops tf, Operand<TInt64> completed) {
      Operand<TInt64> zero = tf.constant(0L);
      Operand<TInt64> after = tf.math.maximum(tf.math.sub(completed, tf.constant(steps)), zero);
      return tf.math.mul(progress(tf, completed, steps), next.value(tf, after));
    }

    @Override
    public String toString() {
      return "warmup(" + steps + ", " + next + ")";
    }
  }
}
