package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.schedule.Schedule;
import io.github.fadam.ops.variable.TrainableVariable;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/**
 * The step counter and the learning rate's multiplier of one optimizer in its graph.
 *
 * <p>Both are variables: a session that is restored goes on where it was.
 */
final class StepClock {

  private final TrainableVariable step;
  private final TrainableVariable multiplier;
  private final Operand<TInt64> completed;
  private final Operand<TInt64> current;
  private final Operand<TFloat64> multiplierValue;
  private final Placeholder<TFloat64> newMultiplier;
  private final Op assignMultiplier;

  StepClock(Ops tf, TrainableVariable.Kind kind) {
    Ops init = tf.withInitScope();
    step = OptimizerState.create(tf, kind, "step", init.constant(0L));
    multiplier = OptimizerState.create(tf, kind, "learning-rate-multiplier", init.constant(1.0));
    completed = VariableUpdate.typed(step.read(tf));
    current = tf.math.add(completed, tf.constant(1L));
    multiplierValue = VariableUpdate.typed(multiplier.read(tf));
    newMultiplier =
        tf.withName("new-learning-rate-multiplier")
            .placeholder(TFloat64.class, Placeholder.shape(Shape.scalar()));
    assignMultiplier = multiplier.assign(tf, newMultiplier);
  }

  /** t, 1 at the first step. */
  Operand<TInt64> current() {
    return current;
  }

  TrainableVariable variable() {
    return step;
  }

  TrainableVariable multiplier() {
    return multiplier;
  }

  /** A schedule's value at this step. */
  Operand<TFloat64> value(Ops tf, Schedule schedule) {
    return schedule.value(tf, completed);
  }

  /** A learning rate at this step: the schedule's value times the multiplier. */
  Operand<TFloat64> rate(Ops tf, Schedule schedule) {
    return tf.math.mul(value(tf, schedule), multiplierValue);
  }

  /** Counts the step; {@code ordered} is behind everything that reads it. */
  Op advance(Ops tf, Ops ordered, Condition applied) {
    return step.assign(ordered, applied.select(tf, current, completed));
  }

  /** t - 1, the number of completed steps. */
  Operand<TInt64> completed() {
    return completed;
  }

  void setMultiplier(Session session, double value) {
    try (TFloat64 tensor = TFloat64.scalarOf(value)) {
      session.runner().feed(newMultiplier, tensor).addTarget(assignMultiplier).run().close();
    }
  }
}
