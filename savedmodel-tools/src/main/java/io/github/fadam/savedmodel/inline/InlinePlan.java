package io.github.fadam.savedmodel.inline;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.tensorflow.proto.FunctionDefLibrary;
import org.tensorflow.proto.NodeDef;

/**
 * One signature without function calls: a list of nodes that any graph can take.
 *
 * <p>The list is complete but for the {@code external} nodes: it has copies of the main graph's
 * nodes too. Node names are unique and tell the path: calls, from the outermost to the innermost,
 * then the node's name in the function.
 *
 * @param signature key of the signature
 * @param nodes the nodes to add, each after the nodes that it takes inputs from; inputs name nodes
 *     of this list or {@code external} ones
 * @param external names of the main graph's nodes that the list refers to and does not contain:
 *     placeholders, variables, tables. In the loaded bundle's graph they exist already
 * @param inputs signature input key to tensor name ({@code node:index}), all of external nodes
 * @param outputs signature output key to tensor name ({@code node:index})
 * @param sideEffects names of nodes to run with every step so that what the functions do besides
 *     computing their outputs (assigning batch statistics, say) is done; empty where they do
 *     nothing else
 * @param randomKey the tensor ({@code node:0}) from which the plan's random numbers follow, an
 *     int64 vector of a run's seed and the number of the draw in it, to be fed with every run;
 *     empty where the plan draws none. Its node is neither in {@code nodes} nor in {@code external}
 * @param unseeded name and type of each random operation whose numbers do not follow from the key:
 *     they differ from run to run
 * @param kept conditionals and loops that a gradient might go through and that stay as they are:
 *     name of the node to why
 * @param functions the functions that are left because control flow operations in {@code nodes}
 *     call them, and those that they call
 */
public record InlinePlan(
    String signature,
    List<NodeDef> nodes,
    Set<String> external,
    Map<String, String> inputs,
    Map<String, String> outputs,
    List<String> sideEffects,
    Optional<String> randomKey,
    List<String> unseeded,
    Map<String, String> kept,
    FunctionDefLibrary functions) {

  /**
   * Copies the collections, keeping the order of the maps.
   *
   * @param signature see the record
   * @param nodes see the record
   * @param external see the record
   * @param inputs see the record
   * @param outputs see the record
   * @param sideEffects see the record
   * @param randomKey see the record
   * @param unseeded see the record
   * @param kept see the record
   * @param functions see the record
   */
  public InlinePlan {
    nodes = List.copyOf(nodes);
    external = Collections.unmodifiableSet(new TreeSet<>(external));
    inputs = Collections.unmodifiableMap(new LinkedHashMap<>(inputs));
    outputs = Collections.unmodifiableMap(new LinkedHashMap<>(outputs));
    sideEffects = List.copyOf(sideEffects);
    unseeded = List.copyOf(unseeded);
    kept = Collections.unmodifiableMap(new LinkedHashMap<>(kept));
  }
}
