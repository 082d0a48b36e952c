package io.github.fadam.framework.schedule;

import java.util.Arrays;

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
   * A power of the rest of the way, and then its end: {@code to + (from - to) (1 - min(n / steps,
   * 1))^power}.
   *
   * @param from value at n = 0
   * @param to value at n = steps and after
   * @param power above 0; 1 is a straight line
   * @param steps length of the way, at least 1
   * @return the schedule
   * @throws IllegalArgumentException if a value is not finite, power not positive or steps below 1
   */
  public static Schedule polynomial(double from, double to, double power, long steps) {
    requireFinite("from", from);
    requireFinite("to", to);
    requirePositive("power", power);
    requirePositive("steps", steps);
    return new Polynomial(from, to, power, steps);
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
   * Half cosine waves that begin anew: {@code to + (from - to) decay^i (1 + cos(pi k / length)) /
   * 2} at step k of cycle i, whose {@code length} is {@code steps growth^i}. It never ends.
   *
   * @param from value at n = 0
   * @param to value that each cycle falls towards
   * @param steps length of the first cycle, at least 1
   * @param growth how many times as long each cycle is as the one before, at least 1
   * @param decay how many times as high each cycle is as the one before, above 0 and at most 1
   * @return the schedule
   * @throws IllegalArgumentException if a value is out of bounds
   */
  public static Schedule cosineRestarts(
      double from, double to, long steps, long growth, double decay) {
    requireFinite("from", from);
    requireFinite("to", to);
    requirePositive("steps", steps);
    requirePositive("growth", growth);
    if (!(decay > 0 && decay <= 1)) {
      throw new IllegalArgumentException(
          "Expected a decay above 0 and at most 1, found " + decay + ".");
    }
    return new CosineRestarts(from, to, steps, growth, decay);
  }

  /**
   * Decay by the root of the steps: {@code from sqrt(steps / (n + steps))}. Behind a {@link
   * #warmup} of as many steps it is the usual {@code from sqrt(steps / n)} of the whole count.
   *
   * @param from value at n = 0
   * @param steps how slow it falls, at least 1: half of {@code from} is reached at n = 3 steps
   * @return the schedule
   * @throws IllegalArgumentException if from is not finite or steps below 1
   */
  public static Schedule inverseSquareRoot(double from, long steps) {
    requireFinite("from", from);
    requirePositive("steps", steps);
    return new InverseSquareRoot(from, steps);
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
    requirePositive("rate", rate);
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

  /**
   * One schedule after another: {@code first(n)} while n is below steps, {@code next(n - steps)}
   * from there on.
   *
   * @param first what begins
   * @param steps length of the first, at least 1
   * @param next what follows
   * @return the schedule
   * @throws IllegalArgumentException if steps is below 1
   */
  public static Schedule sequence(Schedule first, long steps, Schedule next) {
    requirePositive("steps", steps);
    return new Sequence(first, steps, next);
  }

  /**
   * A linear rise from 0, a plateau, and a straight line down to an end.
   *
   * @param peak value of the plateau
   * @param end value at n = warmup + stable + decay and after
   * @param warmup length of the rise, at least 1
   * @param stable length of the plateau, at least 1
   * @param decay length of the descent, at least 1
   * @return the schedule
   * @throws IllegalArgumentException if a value is not finite or a length below 1
   */
  public static Schedule warmupStableDecay(
      double peak, double end, long warmup, long stable, long decay) {
    requirePositive("decay", decay);
    return warmup(warmup, sequence(constant(peak), stable, linear(peak, end, decay)));
  }

  /**
   * Smith and Topin's one cycle with the usual shape: half a cosine wave up from {@code peak / 25}
   * over 30 percent of the steps and one down to {@code peak / 250000} over the rest.
   *
   * @param peak the largest value
   * @param steps length of the cycle, at least 2
   * @return the schedule
   * @throws IllegalArgumentException if peak is not finite or steps below 2
   */
  public static Schedule oneCycle(double peak, long steps) {
    return oneCycle(peak, peak / 25, peak / 250_000, 0.3, steps);
  }

  /**
   * Half a cosine wave up and one down.
   *
   * @param peak the largest value, reached at n = rise steps, rounded
   * @param start value at n = 0
   * @param end value at n = steps and after
   * @param rise part of the steps that goes up, above 0 and below 1
   * @param steps length of the cycle, at least 2
   * @return the schedule
   * @throws IllegalArgumentException if a value is not finite, rise is out of bounds, or steps is
   *     below 2
   */
  public static Schedule oneCycle(double peak, double start, double end, double rise, long steps) {
    if (!(rise > 0 && rise < 1)) {
      throw new IllegalArgumentException(
          "Expected a rise above 0 and below 1, the part of the steps, found " + rise + ".");
    }
    if (steps < 2) {
      throw new IllegalArgumentException("Expected steps of at least 2, found " + steps);
    }
    long up = Math.max(1, Math.min(steps - 1, Math.round(rise * steps)));
    return sequence(cosine(start, peak, up), up, cosine(peak, end, steps - up));
  }

  /**
   * A schedule from its text, as the command line takes it: {@code NAME} or {@code
   * NAME:KEY=VALUE,...}.
   *
   * <table>
   *   <caption>Names and keys</caption>
   *   <tr><th>Name</th><th>Keys besides {@code steps} and {@code warmup}</th></tr>
   *   <tr><td>{@code constant}</td><td></td></tr>
   *   <tr><td>{@code linear}</td><td>{@code end=0}</td></tr>
   *   <tr><td>{@code polynomial}</td><td>{@code end=0}, {@code power=2}</td></tr>
   *   <tr><td>{@code cosine}</td><td>{@code end=0}</td></tr>
   *   <tr><td>{@code cosine-restarts}</td><td>{@code end=0}, {@code every=steps - warmup}, {@code
   *       growth=2}, {@code decay=1}</td></tr>
   *   <tr><td>{@code exponential}</td><td>{@code rate=0.1}, {@code every=steps - warmup}</td></tr>
   *   <tr><td>{@code inverse-sqrt}</td><td>{@code every=warmup}</td></tr>
   *   <tr><td>{@code one-cycle}</td><td>{@code start=0.04}, {@code end=4e-6}, {@code rise=0.3}; no
   *       {@code warmup}</td></tr>
   *   <tr><td>{@code warmup-stable-decay}</td><td>{@code end=0}, {@code decay=10%}; {@code
   *       warmup=1%}</td></tr>
   *   <tr><td>{@code piecewise}</td><td>{@code STEP=VALUE} for each new piece; no {@code
   *       steps}</td></tr>
   * </table>
   *
   * <p>{@code steps} is the length of the whole, warm-up included, by default all steps of the run.
   * {@code warmup} is the length of a linear rise from 0 in front, 0 by default. Lengths are
   * numbers of steps or percentages of {@code steps}, values ({@code start}, {@code end}, those of
   * {@code piecewise}) are factors on the peak. Examples: {@code cosine:warmup=500,end=0.1}, {@code
   * warmup-stable-decay:warmup=2%,decay=20%}, {@code piecewise:1000=0.1,5000=0.01}.
   *
   * @param text name and keys
   * @param peak the largest value, for example the learning rate, at least 0 and finite
   * @param totalSteps steps of the run, or 0 where they are not known
   * @return the schedule
   * @throws IllegalArgumentException if there is no such name or key, a value is out of bounds, or
   *     the length is needed and neither given nor known
   */
  public static Schedule parse(String text, double peak, long totalSteps) {
    if (!(peak >= 0 && peak < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "Expected a finite peak of at least 0, found " + peak + ".");
    }
    return ScheduleText.parse(text, peak, totalSteps);
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

  private static void requirePositive(String name, double value) {
    if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "Expected a positive finite " + name + ", found " + value + ".");
    }
  }
}
