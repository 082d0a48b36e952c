package io.github.fadam.ops.xla;

import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.Output;
import org.tensorflow.op.Op;

/**
 * A compiled function's call in a graph.
 *
 * @param call the operation that calls
 * @param done runs when the function has been run and all reference variables have been assigned
 * @param outputs name of a tensor of the source graph ({@code node:index}) to what it is here
 */
public record XlaCall(Operation call, Op done, Map<String, Output<?>> outputs) {

  /**
   * Copies the map.
   *
   * @param call see the record
   * @param done see the record
   * @param outputs see the record
   */
  public XlaCall {
    outputs = Map.copyOf(outputs);
  }

  /**
   * What a fetched tensor of the source graph is here.
   *
   * @param fetched a tensor that the function was told to fetch
   * @return the tensor of the graph with the call
   * @throws IllegalArgumentException if the function does not fetch it
   */
  public Output<?> output(Operand<?> fetched) {
    String name = SourceGraph.tensor(fetched.asOutput());
    Output<?> output = outputs.get(name);
    if (output == null) {
      throw new IllegalArgumentException(
          "Expected a tensor that the compiled function fetches, found "
              + name
              + "; add it with fetch. Fetched are "
              + outputs.keySet());
    }
    return output;
  }
}
