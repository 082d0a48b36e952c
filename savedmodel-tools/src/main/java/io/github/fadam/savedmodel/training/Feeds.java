package io.github.fadam.savedmodel.training;

import java.util.LinkedHashMap;
import java.util.Map;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.types.TInt64;

/** The tensors of one batch and where they go; closing it frees them. */
record Feeds(Map<Output<?>, Tensor> tensors) implements AutoCloseable {

  /**
   * Takes over the tensors, by the name of their input or label column.
   *
   * @param seed what the model's random numbers follow from, together with
   * @param draw the number of the run among those with this seed
   */
  static Feeds of(ScoringGraph graph, Map<String, Tensor> batch, long seed, long draw) {
    Map<Output<?>, Tensor> feeds = new LinkedHashMap<>();
    batch.forEach(
        (name, tensor) -> {
          Output<?> input = graph.inputs().get(name);
          feeds.put(input == null ? graph.labels().get(name) : input, tensor);
        });
    graph.randomKey().ifPresent(key -> feeds.put(key, TInt64.vectorOf(seed, draw)));
    return new Feeds(feeds);
  }

  /** Takes over one more tensor. */
  Feeds and(Output<?> input, Tensor tensor) {
    tensors.put(input, tensor);
    return this;
  }

  Session.Runner into(Session.Runner runner) {
    tensors.forEach(runner::feed);
    return runner;
  }

  @Override
  public void close() {
    tensors.values().forEach(Tensor::close);
  }
}
