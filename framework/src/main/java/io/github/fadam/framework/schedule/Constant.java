package io.github.fadam.framework.schedule;

import java.util.OptionalDouble;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/** The same value at every step. */
record Constant(double value) implements Schedule {
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
