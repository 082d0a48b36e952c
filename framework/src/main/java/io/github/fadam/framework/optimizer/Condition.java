package io.github.fadam.framework.optimizer;

import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TType;

/**
 * New values that count only if a condition holds. It is a select on every value, not a branch, so
 * that XLA can compile the step.
 *
 * @param scalar its value; empty for always
 */
record Condition(Optional<Operand<TBool>> scalar) {

  static final Condition ALWAYS = new Condition(Optional.empty());

  Condition and(Ops tf, Condition other) {
    if (scalar.isEmpty()) {
      return other;
    }
    return other.scalar.isEmpty()
        ? this
        : new Condition(Optional.of(tf.math.logicalAnd(scalar.get(), other.scalar.get())));
  }

  /** The new value, or the old one with all its bits. */
  <T extends TType> Operand<T> select(Ops tf, Operand<T> value, Operand<T> old) {
    return scalar.<Operand<T>>map(holds -> tf.select(holds, value, old)).orElse(value);
  }
}
