package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.checkpoint.Checkpoints;
import io.github.fadam.framework.checkpoint.Progress;
import io.github.fadam.framework.checkpoint.Retention;
import io.github.fadam.framework.checkpoint.TrainingState;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.tensorflow.Session;

/** A run's checkpoints: its variables, its optimizer, and what its listeners remember. */
final class RunCheckpoints implements AutoCloseable {

  /** Metric by which the best checkpoint is chosen. */
  static final String VALIDATION_LOSS = "validation-loss";

  private final CheckpointPlan plan;
  private final Checkpoints checkpoints;
  private final Session session;
  private final List<TrainingListener> listeners;
  private final Map<String, String> metadata;

  private RunCheckpoints(
      CheckpointPlan plan,
      Checkpoints checkpoints,
      Session session,
      List<TrainingListener> listeners,
      Map<String, String> metadata) {
    this.plan = plan;
    this.checkpoints = checkpoints;
    this.session = session;
    this.listeners = listeners;
    this.metadata = metadata;
  }

  /**
   * Takes the directory.
   *
   * @param run what has to be the same for the run to go on
   * @param metadata what is only remembered
   * @throws io.github.fadam.framework.checkpoint.CheckpointException if another process has it
   * @throws IllegalArgumentException if it holds checkpoints and the run is not to go on from them
   */
  static RunCheckpoints open(
      CheckpointPlan plan,
      TrainingState state,
      Session session,
      Map<String, String> run,
      List<TrainingListener> listeners,
      Map<String, String> metadata) {
    Checkpoints checkpoints =
        Checkpoints.open(
            plan.directory(),
            state,
            Retention.keepLast(plan.keepLast()).keepBest(VALIDATION_LOSS, Retention.Order.LOWEST),
            run);
    List<Long> steps = checkpoints.steps();
    if (!plan.resume() && !steps.isEmpty()) {
      checkpoints.close();
      throw new IllegalArgumentException(
          "Expected a directory without checkpoints for a new run, found "
              + plan.directory()
              + " with steps "
              + steps
              + "; go on with --resume (resume), or choose another directory.");
    }
    return new RunCheckpoints(plan, checkpoints, session, listeners, metadata);
  }

  /** Where an earlier run was, with everything as it was then; empty if there was none. */
  Optional<Progress> restore() {
    Optional<Progress> progress = checkpoints.restore(session);
    progress.ifPresent(
        saved -> {
          for (int i = 0; i < listeners.size(); i++) {
            String prefix = prefix(i);
            listeners
                .get(i)
                .restore(
                    saved.metadata().entrySet().stream()
                        .filter(entry -> entry.getKey().startsWith(prefix))
                        .collect(
                            Collectors.toMap(
                                entry -> entry.getKey().substring(prefix.length()),
                                Map.Entry::getValue)));
          }
        });
    return progress;
  }

  boolean isDue(long step, boolean epochHasEnded) {
    return plan.isDue(step, epochHasEnded);
  }

  void save(Progress progress, Optional<Evaluation> validation) {
    Progress complete = progress;
    if (validation.isPresent()) {
      complete = complete.metric(VALIDATION_LOSS, validation.get().loss());
    }
    for (Map.Entry<String, String> entry : metadata.entrySet()) {
      complete = complete.metadata(entry.getKey(), entry.getValue());
    }
    for (int i = 0; i < listeners.size(); i++) {
      for (Map.Entry<String, String> entry : listeners.get(i).state().entrySet()) {
        complete = complete.metadata(prefix(i) + entry.getKey(), entry.getValue());
      }
    }
    checkpoints.save(session, complete);
  }

  /** By kind and not by place alone: a run may be resumed with other listeners. */
  private String prefix(int listener) {
    Class<?> type = listeners.get(listener).getClass();
    long before = listeners.subList(0, listener).stream().filter(l -> l.getClass() == type).count();
    return "listener/" + type.getSimpleName() + "/" + before + "/";
  }

  @Override
  public void close() {
    checkpoints.close();
  }
}
