package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.checkpoint.Progress;
import io.github.fadam.savedmodel.data.Batches;
import io.github.fadam.savedmodel.data.DataBinding;
import io.github.fadam.savedmodel.training.History.Ending;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.tensorflow.Session;

/** Makes a training graph's steps, one after the other, and reports. */
final class TrainingLoop {

  private final Session session;
  private final TrainingGraph graph;
  private final FitOptions options;
  private final List<Double> losses = new ArrayList<>();
  private final List<Long> nanos = new ArrayList<>();
  private final List<Long> nanosInSession = new ArrayList<>();
  private final List<History.Epoch> epochs = new ArrayList<>();
  private final EpochMean mean = new EpochMean();
  private final Optional<RunCheckpoints> checkpoints;
  private final FedShapes shapes;
  private long made;

  TrainingLoop(
      Session session,
      TrainingGraph graph,
      FitOptions options,
      Optional<RunCheckpoints> checkpoints,
      FedShapes shapes) {
    this.session = session;
    this.graph = graph;
    this.options = options;
    this.checkpoints = checkpoints;
    this.shapes = shapes;
  }

  History run(DataBinding data, Optional<Supplier<Evaluation>> validation) {
    Batches batches = new Batches(data.rows(), options.batchSize(), options.order());
    long total = options.totalSteps(data.rows(), graph.optimizer().microSteps());
    Optional<Progress> restored = checkpoints.flatMap(RunCheckpoints::restore);
    Progress start = restored.orElse(Progress.at(0, 0, 0));
    restored.ifPresent(mean::restore);
    made = start.step();
    if (made >= total) {
      return history(Ending.COMPLETE, start, 0);
    }
    try (StepRunner steps =
        new StepRunner(session, graph, data, batches, start, total, options.seed(), shapes)) {
      return history(run(steps, total, validation), start, steps.skipped());
    }
  }

  private Ending run(StepRunner steps, long total, Optional<Supplier<Evaluation>> validation) {
    Ending ending = null;
    while (ending == null) {
      StepRunner.Made step = timed(steps);
      made++;
      losses.add(step.loss());
      mean.add(step.loss(), step.rows());
      ending = endAfterStep(step, total, steps.skipped());
      boolean epochHasEnded = step.endedEpoch().isPresent();
      boolean due =
          ending != null || checkpoints.filter(c -> c.isDue(made, epochHasEnded)).isPresent();
      if (due && !epochHasEnded) {
        // Before the validation: who interrupts may not wait for it.
        save(step, Optional.empty());
      }
      if (epochHasEnded || ending != null) {
        ending = endEpoch(step, validation, ending);
      }
      if (epochHasEnded) {
        mean.reset();
        if (due || ending != null) {
          save(step, epochs.get(epochs.size() - 1).validation());
        }
      }
    }
    return ending;
  }

  private History history(Ending ending, Progress start, long skipped) {
    return new History(
        losses, epochs, median(nanos), median(nanosInSession), ending, start.step(), skipped);
  }

  private StepRunner.Made timed(StepRunner steps) {
    long start = System.nanoTime();
    long before = steps.nanosInSession();
    StepRunner.Made step = steps.next();
    nanos.add(System.nanoTime() - start);
    nanosInSession.add(steps.nanosInSession() - before);
    return step;
  }

  private Ending endEpoch(
      StepRunner.Made step, Optional<Supplier<Evaluation>> validation, Ending ending) {
    History.Epoch epoch =
        new History.Epoch(
            step.endedEpoch().orElse(step.last().epoch()) + 1,
            mean.steps(),
            mean.mean(),
            validation.map(Supplier::get));
    epochs.add(epoch);
    boolean goOn = true;
    for (TrainingListener listener : options.listeners()) {
      goOn &= listener.onEpoch(epoch);
    }
    return !goOn && ending == null ? Ending.LISTENER : ending;
  }

  private void save(StepRunner.Made step, Optional<Evaluation> validation) {
    Batches.Batch last = step.last();
    Progress progress = Progress.at(made, last.epoch(), last.position() + 1);
    checkpoints.ifPresent(c -> c.save(mean.addTo(progress), validation));
  }

  private Ending endAfterStep(StepRunner.Made step, long total, long skipped) {
    TrainingListener.Step report =
        new TrainingListener.Step(made, total, step.epoch() + 1, step.loss(), step.rows(), skipped);
    boolean goOn = true;
    for (TrainingListener listener : options.listeners()) {
      goOn &= listener.onStep(report);
    }
    if (made == total) {
      return Ending.COMPLETE;
    }
    if (!goOn) {
      return Ending.LISTENER;
    }
    return Thread.currentThread().isInterrupted() ? Ending.INTERRUPTED : null;
  }

  /** The first step builds kernels and is left out where there are others. */
  private static double median(List<Long> nanos) {
    long[] sorted =
        nanos.stream().skip(nanos.size() > 1 ? 1 : 0).mapToLong(Long::longValue).toArray();
    Arrays.sort(sorted);
    return sorted.length == 0 ? 0 : sorted[sorted.length / 2] / 1e9;
  }
}
