package io.github.fadam.framework.optimizer;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/** Counts the micro-steps that one step is accumulated from. */
final class MicroSteps {

  private final int count;
  private final TrainableVariable done;
  private final Operand<TInt64> doneValue;
  private final Operand<TBool> last;

  MicroSteps(Ops tf, TrainableVariable.Kind kind, int count) {
    this.count = count;
    done = OptimizerState.create(tf, kind, "micro-step", tf.withInitScope().constant(0L));
    doneValue = VariableUpdate.typed(done.read(tf));
    last = tf.math.greaterEqual(doneValue, tf.constant(count - 1L));
  }

  /** Holds at the micro-step that completes a step. */
  Condition last() {
    return new Condition(Optional.of(last));
  }

  /** This micro-step's share in the mean; divided first, for a sum might overflow. */
  <T extends TNumber> Operand<T> share(Ops tf, Operand<T> value) {
    return tf.math.div(value, tf.dtypes.cast(tf.constant((double) count), value.type()));
  }

  /** What an accumulator holds after this micro-step. */
  <T extends TNumber> Operand<T> rest(Ops tf, Operand<T> accumulated) {
    return tf.select(last, tf.zerosLike(accumulated), accumulated);
  }

  Op advance(Ops tf, Ops ordered, Condition finite) {
    Operand<TInt64> next =
        tf.select(last, tf.constant(0L), tf.math.add(doneValue, tf.constant(1L)));
    return done.assign(ordered, finite.select(tf, next, doneValue));
  }

  TrainableVariable variable() {
    return done;
  }
}
