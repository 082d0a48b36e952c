package io.github.fadam.savedmodel.inline;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.proto.NodeDef;

/**
 * One signature without function calls: a list of nodes that any graph can take.
 *
 * @param signature key of the signature
 * @param nodes the nodes to add, each after the nodes that it takes inputs from; inputs name nodes
 *     of this list or {@code external} ones
 * @param external names of the main graph's nodes that the list refers to and does not contain:
 *     placeholders, variables, tables. In the loaded bundle's graph they exist already
 * @param inputs signature input key to tensor name ({@code node:index})
 * @param outputs signature output key to tensor name ({@code node:index})
 * @param sideEffects names of nodes to run with every step so that what the functions do besides
 *     computing their outputs (assigning batch statistics, say) is done
 */
public record InlinePlan(
    String signature,
    List<NodeDef> nodes,
    Set<String> external,
    Map<String, String> inputs,
    Map<String, String> outputs,
    List<String> sideEffects) {

  /**
   * Copies the collections.
   *
   * @param signature see the record
   * @param nodes see the record
   * @param external see the record
   * @param inputs see the record
   * @param outputs see the record
   * @param sideEffects see the record
   */
  public InlinePlan {
    nodes = List.copyOf(nodes);
    external = Set.copyOf(external);
    inputs = Map.copyOf(inputs);
    outputs = Map.copyOf(outputs);
    sideEffects = List.copyOf(sideEffects);
  }
}
