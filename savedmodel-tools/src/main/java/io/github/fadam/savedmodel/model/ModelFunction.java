package io.github.fadam.savedmodel.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A function of the model's Python objects that no signature calls, and what it takes and gives.
 *
 * @param name its name in the graph's library
 * @param arguments the main graph's tensors that it takes ({@code node:index}), captured variables
 *     and tables last
 * @param outputs signature output key to the number of the function's output
 * @param losses numbers of the outputs that are losses of the model's own, scalars each
 */
public record ModelFunction(
    String name, List<String> arguments, Map<String, Integer> outputs, List<Integer> losses) {

  /**
   * Copies the collections.
   *
   * @param name see the record
   * @param arguments see the record
   * @param outputs see the record
   * @param losses see the record
   */
  public ModelFunction {
    arguments = List.copyOf(arguments);
    outputs = Collections.unmodifiableMap(new LinkedHashMap<>(outputs));
    losses = List.copyOf(losses);
  }
}
