package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.data.Batches;
import io.github.fadam.savedmodel.data.DataBinding;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.types.TFloat32;

/** Runs a model over data without changing it. */
record Evaluator(Session session, ScoringGraph graph) {

  /** Measuring the same model on the same batches twice gives the same numbers. */
  private static final long EVALUATION_SEED = -1;

  Evaluation evaluate(DataBinding data, int batchSize) {
    List<Operand<TFloat32>> scalars = new ArrayList<>();
    scalars.add(graph.loss());
    scalars.addAll(graph.metrics().values());
    double[] sums = new double[scalars.size()];
    Iterator<Batches.Batch> batches = Batches.inOrder(data.rows(), batchSize).epoch(0);
    for (long draw = 0; batches.hasNext(); draw++) {
      long[] rows = batches.next().rows();
      try (Feeds feeds = Feeds.of(graph, data.tensors(rows), EVALUATION_SEED, draw)) {
        Session.Runner runner = feeds.into(session.runner());
        scalars.forEach(runner::fetch);
        try (Result result = runner.run()) {
          for (int i = 0; i < sums.length; i++) {
            sums[i] += ((TFloat32) result.get(i)).getFloat() * (double) rows.length;
          }
        }
      }
    }
    Map<String, Double> metrics = new LinkedHashMap<>();
    int i = 1;
    for (String name : graph.metrics().keySet()) {
      metrics.put(name, sums[i++] / data.rows());
    }
    return new Evaluation(data.rows(), sums[0] / data.rows(), metrics);
  }

  Predictions predict(DataBinding data, int batchSize) {
    Map<String, List<Tensor>> outputs = new LinkedHashMap<>();
    graph.outputs().keySet().forEach(name -> outputs.put(name, new ArrayList<>()));
    Predictions predictions = new Predictions(outputs);
    try {
      Iterator<Batches.Batch> batches = Batches.inOrder(data.rows(), batchSize).epoch(0);
      for (long draw = 0; batches.hasNext(); draw++) {
        try (Feeds feeds =
            Feeds.of(graph, data.tensors(batches.next().rows()), EVALUATION_SEED, draw)) {
          Session.Runner runner = feeds.into(session.runner());
          graph.outputs().values().forEach(runner::fetch);
          // Not closed: its tensors are the predictions'.
          Result result = runner.run();
          int i = 0;
          for (List<Tensor> tensors : outputs.values()) {
            tensors.add(result.get(i++));
          }
        }
      }
      return predictions;
    } catch (RuntimeException e) {
      predictions.close();
      throw e;
    }
  }
}
