package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.optimizer.SkippedSteps;
import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.types.TInt64;

/** Follows which runs of a step its optimizer has skipped because of gradients. */
final class SkippedRuns {

  private final Optional<SkippedSteps> guard;
  private final Optional<Operand<TInt64>> counters;
  private final long before;
  private long total;
  private long inARow;
  private boolean last;

  /** Begins to count. */
  SkippedRuns(Session session, TrainingGraph graph) {
    guard = graph.optimizer().skippedSteps();
    counters = graph.skipped();
    before = guard.map(skipped -> skipped.total(session)).orElse(0L);
    total = before;
  }

  /** Has the counters fetched, behind all else that is fetched of a step's run. */
  Session.Runner fetch(Session.Runner step) {
    return counters.map(step::fetch).orElse(step);
  }

  /** Takes note of a run. */
  void observe(Result run) {
    if (counters.isEmpty()) {
      return;
    }
    TInt64 read = (TInt64) run.get(run.size() - 1);
    last = read.getLong(0) > total;
    total = read.getLong(0);
    inARow = read.getLong(1);
  }

  /** Whether the last run was skipped. */
  boolean last() {
    return last;
  }

  /**
   * Fails where the guard was told to.
   *
   * @throws io.github.fadam.framework.gradient.NonFiniteGradientsException if too many runs in a
   *     row were skipped
   */
  void check() {
    guard.ifPresent(skipped -> skipped.check(inARow));
  }

  long count() {
    return total - before;
  }
}
