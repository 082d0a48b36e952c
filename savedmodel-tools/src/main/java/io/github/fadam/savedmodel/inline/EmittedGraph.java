package io.github.fadam.savedmodel.inline;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tensorflow.Operation;
import org.tensorflow.Output;

/**
 * A plan's nodes in a graph.
 *
 * @param inputs what to feed: signature input key to tensor
 * @param outputs what to fetch or to differentiate: signature output key to tensor
 * @param sideEffects operations to run with every step, besides what is fetched
 * @param randomKey what random numbers follow from, to be fed with every run: an int64 vector of a
 *     run's seed and the number of the draw in it; empty where there are no random numbers
 */
public record EmittedGraph(
    Map<String, Output<?>> inputs,
    Map<String, Output<?>> outputs,
    List<Operation> sideEffects,
    Optional<Output<?>> randomKey) {

  /**
   * Copies the collections, keeping the order of the maps.
   *
   * @param inputs see the record
   * @param outputs see the record
   * @param sideEffects see the record
   * @param randomKey see the record
   */
  public EmittedGraph {
    inputs = Collections.unmodifiableMap(new LinkedHashMap<>(inputs));
    outputs = Collections.unmodifiableMap(new LinkedHashMap<>(outputs));
    sideEffects = List.copyOf(sideEffects);
  }
}
