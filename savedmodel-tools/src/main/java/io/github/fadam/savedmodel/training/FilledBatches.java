package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.data.Batches;
import io.github.fadam.savedmodel.data.DataBinding;
import java.util.Arrays;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.types.TFloat32;

/**
 * Fills smaller batches up to the size of the others, by the batch's own rows once more with weight
 * 0, where a step takes weights. XLA has one shape to compile for then.
 */
final class FilledBatches {

  /** How far the loss may move, relative to it: sums in another order, and no more. */
  private static final double ROUNDING = 1e-4;

  private final Session session;
  private final TrainingGraph graph;
  private final DataBinding data;
  private final int size;
  private final FedShapes shapes;
  private boolean filling = true;
  private boolean compared;

  /**
   * For one run.
   *
   * @param size number of rows in all batches but the smaller ones
   */
  FilledBatches(
      Session session, TrainingGraph graph, DataBinding data, int size, FedShapes shapes) {
    this.session = session;
    this.graph = graph;
    this.data = data;
    this.size = size;
    this.shapes = shapes;
  }

  /**
   * What a step is fed for a batch.
   *
   * @param rows the batch's rows
   * @param seed see {@link Feeds#of}
   * @param draw see {@link Feeds#of}
   */
  Feeds feeds(long[] rows, long seed, long draw) {
    if (graph.scoring().weights().isEmpty()) {
      return Feeds.of(graph.scoring(), data.tensors(rows), seed, draw);
    }
    if (isFirstSmaller(rows.length)) {
      compare(rows, seed, draw);
      compared = true;
    }
    return weighted(rows, filling ? size : rows.length, seed, draw);
  }

  /** Whether {@link #feeds} is going to try the model for a batch. */
  boolean runsModel(Batches.Batch batch) {
    return graph.scoring().weights().isPresent() && isFirstSmaller(batch.rows().length);
  }

  private boolean isFirstSmaller(int rows) {
    return filling && !compared && rows < size;
  }

  private Feeds weighted(long[] rows, int length, long seed, long draw) {
    long[] filled = new long[length];
    float[] weights = new float[length];
    Arrays.fill(weights, 0, rows.length, 1);
    for (int i = 0; i < length; i++) {
      filled[i] = rows[i % rows.length];
    }
    Output<?> input = graph.scoring().weights().orElseThrow();
    return Feeds.of(graph.scoring(), data.tensors(filled), seed, draw)
        .and(input, TFloat32.vectorOf(weights));
  }

  /** What rows mean to each other does not show in all graphs, but it does in the loss. */
  private void compare(long[] rows, long seed, long draw) {
    double alone = loss(rows, rows.length, seed, draw);
    double filled = loss(rows, size, seed, draw);
    if (Math.abs(alone - filled) > ROUNDING * Math.abs(alone)) {
      filling = false;
      shapes.notFilledUp(
          "rows that do not count change the loss of the others from " + alone + " to " + filled);
    }
  }

  private double loss(long[] rows, int length, long seed, long draw) {
    try (Feeds feeds = weighted(rows, length, seed, draw);
        Result result = feeds.into(session.runner()).fetch(graph.scoring().loss()).run()) {
      return ((TFloat32) result.get(0)).getFloat();
    }
  }
}
