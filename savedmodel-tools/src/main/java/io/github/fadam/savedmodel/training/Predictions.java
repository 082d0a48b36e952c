package io.github.fadam.savedmodel.training;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.tensorflow.Tensor;

/** The outputs of a signature for some data, batch after batch; closing it frees the tensors. */
public final class Predictions implements AutoCloseable {

  private final Map<String, List<Tensor>> batches;

  Predictions(Map<String, List<Tensor>> batches) {
    this.batches = batches;
  }

  /**
   * The outputs.
   *
   * @return output key to one tensor for each batch, rows first, in the order of the data
   */
  public Map<String, List<Tensor>> batches() {
    return Collections.unmodifiableMap(batches);
  }

  @Override
  public void close() {
    batches.values().forEach(tensors -> tensors.forEach(Tensor::close));
  }
}
