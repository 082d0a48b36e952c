package io.github.fadam.savedmodel.model;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.NodeDef;

/**
 * Which variable of the main graph takes its value from which checkpoint key.
 *
 * <p>The model's own restore operation says so: it assigns outputs of {@code RestoreV2} to the
 * variables, in the main graph (TF1) or in a function (TF2).
 */
final class RestoredKeys {

  private static final Set<String> ASSIGNMENTS = Set.of("AssignVariableOp", "Assign");
  private static final Set<String> PASS_THROUGH = Set.of("Identity", "Reshape", "Cast");

  private final MainGraph graph;
  private final Map<String, String> keys = new LinkedHashMap<>();

  private RestoredKeys(MainGraph graph) {
    this.graph = graph;
  }

  /**
   * Follows the restore operation.
   *
   * @return main graph's variable node to checkpoint key
   */
  static Map<String, String> of(MainGraph graph, String restoreOperation) {
    RestoredKeys restored = new RestoredKeys(graph);
    if (!restoreOperation.isEmpty()) {
      restored.collect(graph.ancestors(List.of(restoreOperation)), UnaryOperator.identity(), 0);
    }
    return restored.keys;
  }

  private void collect(Collection<NodeDef> nodes, UnaryOperator<String> toMainGraph, int depth) {
    Map<String, NodeDef> byName = new HashMap<>();
    nodes.forEach(node -> byName.put(node.getName(), node));
    for (NodeDef node : nodes) {
      if (ASSIGNMENTS.contains(node.getOp()) && node.getInputCount() >= 2) {
        NodeDef variable = graph.node(toMainGraph.apply(MainGraph.nodeName(node.getInput(0))));
        String key = restoredKey(byName, node.getInput(1));
        if (variable != null && MainGraph.isVariable(variable) && key != null) {
          keys.put(variable.getName(), key);
        }
      }
      FunctionDef callee = graph.callee(node);
      if (callee != null && depth < graph.functions().size()) {
        collect(callee.getNodeDefList(), arguments(callee, node, toMainGraph), depth + 1);
      }
    }
  }

  private static UnaryOperator<String> arguments(
      FunctionDef callee, NodeDef call, UnaryOperator<String> toMainGraph) {
    List<String> inputs = MainGraph.dataInputs(call);
    Map<String, String> byArgument = new HashMap<>();
    for (int i = 0; i < Math.min(inputs.size(), callee.getSignature().getInputArgCount()); i++) {
      byArgument.put(
          callee.getSignature().getInputArg(i).getName(),
          toMainGraph.apply(MainGraph.nodeName(inputs.get(i))));
    }
    return name -> byArgument.getOrDefault(name, "");
  }

  /** The key of the tensor that a value comes from, or null if it is not restored as it is. */
  private static String restoredKey(Map<String, NodeDef> nodes, String value) {
    String input = value;
    List<String> visited = new ArrayList<>();
    while (true) {
      NodeDef node = nodes.get(MainGraph.nodeName(input));
      if (node == null || visited.contains(node.getName())) {
        return null;
      }
      visited.add(node.getName());
      if (node.getOp().equals("RestoreV2") && node.getInputCount() > 1) {
        NodeDef names = nodes.get(MainGraph.nodeName(node.getInput(1)));
        return names == null ? null : string(names, outputIndex(input));
      }
      if (!PASS_THROUGH.contains(node.getOp()) || node.getInputCount() == 0) {
        return null;
      }
      input = node.getInput(0);
    }
  }

  /** RestoreV2 has one list of outputs: the last number is the position in it. */
  private static int outputIndex(String input) {
    int colon = input.lastIndexOf(':');
    try {
      return colon < 0 ? 0 : Integer.parseInt(input.substring(colon + 1));
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  private static String string(NodeDef constant, int index) {
    var values = constant.getAttrMap().get("value");
    return values != null && index >= 0 && index < values.getTensor().getStringValCount()
        ? values.getTensor().getStringVal(index).toStringUtf8()
        : null;
  }
}
