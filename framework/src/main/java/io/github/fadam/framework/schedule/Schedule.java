package io.github.fadam.framework.schedule;

import java.util.OptionalDouble;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/** A hyper-parameter as a function of the step. */
public interface Schedule {

  /**
   * Adds the operations that compute the current value.
   *
   * @param tf where to add them
   * @param completed number of steps completed before this one, an int64 scalar: 0 at the first
   * @return the value, a float64 scalar
   */
  Operand<TFloat64> value(Ops tf, Operand<TInt64> completed);

  /**
   * The value where it never changes.
   *
   * @return the number for a constant schedule, empty otherwise
   */
  default OptionalDouble constant() {
    return OptionalDouble.empty();
  }
}
