package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.gradient.NonFiniteGradientsException;
import java.util.OptionalLong;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt64;

/** How many steps an optimizer has skipped because a gradient was not finite. */
public final class SkippedSteps {

  private final String optimizer;
  private final StepGuard guard;
  private final OptionalLong limit;

  SkippedSteps(String optimizer, StepGuard guard, OptionalLong limit) {
    this.optimizer = optimizer;
    this.guard = guard;
    this.limit = limit;
  }

  /**
   * All skipped steps; of an accumulated step, micro-steps are counted.
   *
   * @param session an initialised session of the optimizer's graph
   * @return number of skipped steps since the state was initialised
   */
  public long total(Session session) {
    return read(session, guard.skipped());
  }

  /**
   * The skipped steps since the last one that was not.
   *
   * @param session an initialised session of the optimizer's graph
   * @return number of skipped steps in a row, 0 after a step that was made
   */
  public long inARow(Session session) {
    return read(session, guard.inARow());
  }

  /**
   * Fails where the guard's limit is reached; does nothing, and runs nothing, without a limit.
   *
   * @param session an initialised session of the optimizer's graph
   * @throws NonFiniteGradientsException if as many steps in a row have been skipped as the guard
   *     fails after
   */
  public void check(Session session) {
    if (limit.isPresent()) {
      check(inARow(session));
    }
  }

  /**
   * Fails where the guard's limit is reached.
   *
   * @param steps number of skipped steps in a row
   * @throws NonFiniteGradientsException if as many have been skipped as the guard fails after
   */
  public void check(long steps) {
    if (limit.isPresent() && steps >= limit.getAsLong()) {
      throw new NonFiniteGradientsException(
          optimizer
              + " has skipped "
              + steps
              + " steps in a row because gradients were not finite, and was told to fail after "
              + limit.getAsLong()
              + "; look for NaN in the data, lower the learning rate, or start with a smaller loss"
              + " scale.");
    }
  }

  /**
   * Adds to the graph what reads both numbers behind a step, to be fetched in the run that makes
   * it: a run of its own takes as long as a small step.
   *
   * @param step what {@code minimize} or {@code minimizeCompiled} has given
   * @return int64 of shape [2], {@link #total} and {@link #inARow} after the step
   */
  public Operand<TInt64> readBehind(Op step) {
    Ops tf = Ops.create(step.op().env());
    return guard.read(tf.withControlDependencies(step));
  }

  private static long read(Session session, Operand<TInt64> counter) {
    try (var result = session.runner().fetch(counter).run()) {
      return ((TInt64) result.get(0)).getLong();
    }
  }
}
