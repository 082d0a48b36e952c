package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.checkpoint.Progress;
import io.github.fadam.ops.xla.NotCompilableException;
import io.github.fadam.savedmodel.data.Batches;
import io.github.fadam.savedmodel.data.DataBinding;
import java.util.Map;
import java.util.OptionalLong;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.types.TFloat32;

/**
 * Makes one step after the other: feeds as many batches as the optimizer takes micro-steps for one.
 * The batches of a step may come from two epochs, or more; none is left out.
 */
final class StepRunner implements AutoCloseable {

  private final Session session;
  private final TrainingGraph graph;
  private final DataBinding data;
  private final long seed;
  private final PreparedBatches batches;
  private final long perEpoch;
  private final int microSteps;
  private final SkippedRuns skipped;
  private final FedShapes compilation;
  private final StepThreads threads;

  private long nanosInSession;

  private boolean checked;

  /**
   * A step that was made.
   *
   * @param loss mean over the rows that went into it
   * @param rows number of rows of its batches
   * @param epoch epoch of its first batch, from 0
   * @param endedEpoch the last epoch that ended in it, from 0
   * @param last its last batch
   */
  record Made(double loss, long rows, long epoch, OptionalLong endedEpoch, Batches.Batch last) {}

  StepRunner(
      Session session,
      TrainingGraph graph,
      DataBinding data,
      Batches batches,
      Progress start,
      long total,
      long seed,
      FedShapes compilation) {
    this.session = session;
    this.graph = graph;
    this.data = data;
    this.seed = seed;
    this.compilation = compilation;
    perEpoch = batches.perEpoch();
    int size = (int) Math.min(batches.batchSize(), batches.rows());
    FilledBatches filled = new FilledBatches(session, graph, data, size, compilation);
    microSteps = graph.optimizer().microSteps();
    threads = new StepThreads(!compilation.compilation().compiled() && !Device.GPU.isAvailable());
    skipped = new SkippedRuns(session, graph);
    long steps = total - start.step();
    this.batches =
        new PreparedBatches(
            batches.from(start.epoch(), start.position()),
            filled,
            this::fed,
            seed,
            Math.multiplyExact(start.step(), microSteps),
            steps <= Long.MAX_VALUE / microSteps ? steps * microSteps : Long.MAX_VALUE);
  }

  /** Number of runs that the optimizer has skipped. */
  long skipped() {
    return skipped.count();
  }

  /** Wall time of all runs of the session, their feeding and fetching left out. */
  long nanosInSession() {
    return nanosInSession;
  }

  /**
   * Makes a step.
   *
   * @throws TrainingException if a loss is not finite and its gradients were not skipped
   * @throws io.github.fadam.framework.gradient.NonFiniteGradientsException if the guard gives up
   */
  Made next() {
    double sum = 0;
    double countedSum = 0;
    long rows = 0;
    long countedRows = 0;
    long epoch = -1;
    OptionalLong ended = OptionalLong.empty();
    Batches.Batch batch = null;
    for (int i = 0; i < microSteps; i++) {
      PreparedBatches.Prepared prepared = batches.next();
      batch = prepared.batch();
      epoch = i == 0 ? batch.epoch() : epoch;
      int size = batch.rows().length;
      double loss = run(prepared);
      boolean counts = !skipped.last();
      if (counts && !Double.isFinite(loss)) {
        throw new TrainingException(
            "Expected a finite loss, found "
                + loss
                + " in step "
                + (prepared.draw() / microSteps + 1)
                + "; lower the learning rate, or check the model on this data with evaluate.");
      }
      sum += loss * size;
      rows += size;
      countedSum += counts ? loss * size : 0;
      countedRows += counts ? size : 0;
      if (batch.position() + 1 == perEpoch) {
        ended = OptionalLong.of(batch.epoch());
      }
      skipped.check();
    }
    double loss = countedRows > 0 ? countedSum / countedRows : sum / rows;
    return new Made(loss, rows, epoch, ended, batch);
  }

  private double run(PreparedBatches.Prepared prepared) {
    try (Feeds feeds = prepared.feeds()) {
      if (!checked) {
        check(prepared);
        checked = true;
      }
      Session.Runner runner = threads.of(prepared.step());
      long start = System.nanoTime();
      try (Result result = runner.run()) {
        long nanos = System.nanoTime() - start;
        nanosInSession += nanos;
        threads.observe(nanos);
        compilation.observe(feeds, nanos);
        skipped.observe(result);
        return ((TFloat32) result.get(0)).getFloat();
      }
    } catch (RuntimeException e) {
      throw compilation.compilation().compiled() ? explained(e) : e;
    }
  }

  private Session.Runner fed(Feeds feeds) {
    Session.Runner step = feeds.into(session.runner()).addTarget(graph.step());
    return skipped.fetch(step.fetch(graph.loss()));
  }

  /** What XLA refuses only when it compiles comes out of the first run with a batch's shapes. */
  private static RuntimeException explained(RuntimeException failure) {
    return NotCompilableException.of(failure).map(RuntimeException.class::cast).orElse(failure);
  }

  /** Not with the step's own nodes, which may do more than compute. */
  private void check(PreparedBatches.Prepared first) {
    Map<String, Tensor> tensors = data.tensors(first.batch().rows());
    try (Feeds feeds = Feeds.of(graph.inference(), tensors, seed, first.draw())) {
      for (ProbabilityCheck check : graph.inference().checks()) {
        check.run(session, feeds);
      }
    }
  }

  @Override
  public void close() {
    batches.close();
  }
}
