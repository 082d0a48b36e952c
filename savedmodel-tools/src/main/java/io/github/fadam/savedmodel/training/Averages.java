package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.optimizer.RuleOptimizer;
import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt64;

/** The averages of the trained weights, where an optimizer keeps them. */
final class Averages {

  private final Session session;
  private final RuleOptimizer optimizer;
  private final Optional<Operand<?>> steps;

  /** What is done while the averages are in the weights' place. */
  interface Use<T, E extends Exception> {
    T run() throws E;
  }

  /** The optimizer must have built its step. */
  Averages(Ops tf, Session session, RuleOptimizer optimizer) {
    this.session = session;
    this.optimizer = optimizer;
    steps =
        optimizer.settings().get("ema").equals("none")
            ? Optional.empty()
            : Optional.of(optimizer.step().read(tf));
  }

  /**
   * Does something with the averages in the weights' place, and puts the weights back. Without
   * averages, and before the first step has made them, the weights stay.
   */
  <T, E extends Exception> T inPlace(Use<T, E> use) throws E {
    if (!exist()) {
      return use.run();
    }
    optimizer.swapWeights(session);
    try {
      return use.run();
    } finally {
      optimizer.swapWeights(session);
    }
  }

  private boolean exist() {
    if (steps.isEmpty()) {
      return false;
    }
    try (Result result = session.runner().fetch(steps.get()).run()) {
      return ((TInt64) result.get(0)).getLong() > 0;
    }
  }
}
