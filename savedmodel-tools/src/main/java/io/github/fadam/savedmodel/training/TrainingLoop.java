package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.checkpoint.Progress;
import io.github.fadam.savedmodel.data.Batches;
import io.github.fadam.savedmodel.data.DataBinding;
import io.github.fadam.savedmodel.training.History.Ending;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.types.TFloat32;

/** Feeds batches to a training graph's step, one after the other, and reports. */
final class TrainingLoop {

  private final Session session;
  private final TrainingGraph graph;
  private final FitOptions options;
  private final List<Double> losses = new ArrayList<>();
  private final List<Long> nanos = new ArrayList<>();
  private final List<History.Epoch> epochs = new ArrayList<>();
  private final EpochMean mean = new EpochMean();
  private final Optional<RunCheckpoints> checkpoints;
  private long made;

  TrainingLoop(
      Session session,
      TrainingGraph graph,
      FitOptions options,
      Optional<RunCheckpoints> checkpoints) {
    this.session = session;
    this.graph = graph;
    this.options = options;
    this.checkpoints = checkpoints;
  }

  History run(DataBinding data, Optional<Supplier<Evaluation>> validation) {
    Batches batches = new Batches(data.rows(), options.batchSize(), options.order());
    long total = options.totalSteps(batches.perEpoch());
    Optional<Progress> restored = checkpoints.flatMap(RunCheckpoints::restore);
    Progress start = restored.orElse(Progress.at(0, 0, 0));
    restored.ifPresent(mean::restore);
    made = start.step();
    Iterator<Batches.Batch> iterator = batches.from(start.epoch(), start.position());
    Ending ending = made >= total ? Ending.COMPLETE : null;
    while (ending == null) {
      Batches.Batch batch = iterator.next();
      double loss = step(data, batch);
      made++;
      mean.add(loss, batch.rows().length);
      ending = endAfterStep(batch, total, loss);
      boolean epochHasEnded = batch.position() + 1 == batches.perEpoch();
      boolean due =
          ending != null || checkpoints.filter(c -> c.isDue(made, epochHasEnded)).isPresent();
      if (due && !epochHasEnded) {
        // Before the validation: who interrupts may not wait for it.
        save(batch, Optional.empty());
      }
      if (epochHasEnded || ending != null) {
        ending = endEpoch(batch, validation, ending);
      }
      if (epochHasEnded) {
        mean.reset();
        if (due || ending != null) {
          save(batch, epochs.get(epochs.size() - 1).validation());
        }
      }
    }
    return new History(losses, epochs, secondsPerStep(), ending, start.step());
  }

  private Ending endEpoch(
      Batches.Batch batch, Optional<Supplier<Evaluation>> validation, Ending ending) {
    History.Epoch epoch =
        new History.Epoch(
            batch.epoch() + 1, mean.steps(), mean.mean(), validation.map(Supplier::get));
    epochs.add(epoch);
    boolean goOn = true;
    for (TrainingListener listener : options.listeners()) {
      goOn &= listener.onEpoch(epoch);
    }
    return !goOn && ending == null ? Ending.LISTENER : ending;
  }

  private void save(Batches.Batch batch, Optional<Evaluation> validation) {
    checkpoints.ifPresent(
        c ->
            c.save(mean.addTo(Progress.at(made, batch.epoch(), batch.position() + 1)), validation));
  }

  private double step(DataBinding data, Batches.Batch batch) {
    long start = System.nanoTime();
    try (Feeds feeds = Feeds.of(graph.scoring(), data.tensors(batch.rows()))) {
      if (losses.isEmpty()) {
        for (ProbabilityCheck check : graph.scoring().checks()) {
          check.run(session, feeds);
        }
      }
      Session.Runner runner =
          feeds.into(session.runner()).fetch(graph.scoring().loss()).addTarget(graph.step());
      try (Result result = runner.run()) {
        double loss = ((TFloat32) result.get(0)).getFloat();
        if (!Double.isFinite(loss)) {
          throw new TrainingException(
              "Expected a finite loss, found "
                  + loss
                  + " in step "
                  + (made + 1)
                  + "; lower the learning rate, or check the model on this data with evaluate.");
        }
        losses.add(loss);
        nanos.add(System.nanoTime() - start);
        return loss;
      }
    }
  }

  private Ending endAfterStep(Batches.Batch batch, long total, double loss) {
    boolean goOn = true;
    for (TrainingListener listener : options.listeners()) {
      goOn &=
          listener.onStep(
              new TrainingListener.Step(made, total, batch.epoch() + 1, loss, batch.rows().length));
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
  private double secondsPerStep() {
    long[] sorted =
        nanos.stream().skip(nanos.size() > 1 ? 1 : 0).mapToLong(Long::longValue).toArray();
    Arrays.sort(sorted);
    return sorted.length == 0 ? 0 : sorted[sorted.length / 2] / 1e9;
  }
}
