package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.framework.optimizer.SkippedSteps;
import java.util.Optional;
import org.tensorflow.Session;

/** Follows which runs of a step its optimizer has skipped because of gradients. */
final class SkippedRuns {

  private final Session session;
  private final RuleOptimizer optimizer;
  private final Optional<SkippedSteps> counter;
  private final long before;
  private long total;

  /** Begins to count. */
  SkippedRuns(Session session, RuleOptimizer optimizer) {
    this.session = session;
    this.optimizer = optimizer;
    counter = optimizer.skippedSteps();
    before = read();
    total = before;
  }

  /** Whether the run that has just been made was skipped; to be asked after every run. */
  boolean observe() {
    long earlier = total;
    total = read();
    return total > earlier;
  }

  /**
   * Fails where the guard was told to.
   *
   * @throws io.github.fadam.framework.gradient.NonFiniteGradientsException if too many runs in a
   *     row were skipped
   */
  void check() {
    optimizer.checkGuard(session);
  }

  long count() {
    return total - before;
  }

  private long read() {
    return counter.map(c -> c.total(session)).orElse(0L);
  }
}
