package io.github.fadam.savedmodel.training;

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

  TrainingLoop(Session session, TrainingGraph graph, FitOptions options) {
    this.session = session;
    this.graph = graph;
    this.options = options;
  }

  History run(DataBinding data, Optional<Supplier<Evaluation>> validation) {
    Batches batches = new Batches(data.rows(), options.batchSize(), options.order());
    long total = options.totalSteps(batches.perEpoch());
    Iterator<Batches.Batch> iterator = batches.from(0, 0);
    Ending ending = null;
    double sum = 0;
    long rows = 0;
    long steps = 0;
    while (ending == null) {
      Batches.Batch batch = iterator.next();
      double loss = step(data, batch);
      sum += loss * batch.rows().length;
      rows += batch.rows().length;
      steps++;
      ending = endAfterStep(batch, total, loss);
      if (batch.position() + 1 == batches.perEpoch() || ending != null) {
        History.Epoch epoch =
            new History.Epoch(batch.epoch() + 1, steps, sum / rows, validation.map(Supplier::get));
        epochs.add(epoch);
        boolean goOn = true;
        for (TrainingListener listener : options.listeners()) {
          goOn &= listener.onEpoch(epoch);
        }
        if (!goOn && ending == null) {
          ending = Ending.LISTENER;
        }
        sum = 0;
        rows = 0;
        steps = 0;
      }
    }
    return new History(losses, epochs, secondsPerStep(), ending);
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
                  + (losses.size() + 1)
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
              new TrainingListener.Step(
                  losses.size(), total, batch.epoch() + 1, loss, batch.rows().length));
    }
    if (losses.size() == total) {
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
    return sorted[sorted.length / 2] / 1e9;
  }
}
