package io.github.fadam.savedmodel.model;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;

/** The nodes of a meta graph's main graph and the functions they call, by name. */
final class MainGraph {

  private static final Set<String> CALLS = Set.of("PartitionedCall", "StatefulPartitionedCall");
  private static final Set<String> VARIABLES = Set.of("VarHandleOp", "VariableV2", "Variable");

  private final Map<String, NodeDef> nodes = new LinkedHashMap<>();
  private final Map<String, FunctionDef> functions = new TreeMap<>();

  MainGraph(MetaGraphDef graph) {
    graph.getGraphDef().getNodeList().forEach(node -> nodes.put(node.getName(), node));
    graph
        .getGraphDef()
        .getLibrary()
        .getFunctionList()
        .forEach(function -> functions.put(function.getSignature().getName(), function));
  }

  Collection<NodeDef> nodes() {
    return Collections.unmodifiableCollection(nodes.values());
  }

  /** The node that produces a tensor or is meant by a control input; null if there is none. */
  NodeDef node(String input) {
    return nodes.get(nodeName(input));
  }

  Map<String, FunctionDef> functions() {
    return Collections.unmodifiableMap(functions);
  }

  static String nodeName(String input) {
    int start = input.startsWith("^") ? 1 : 0;
    int colon = input.indexOf(':');
    return input.substring(start, colon < 0 ? input.length() : colon);
  }

  static boolean isVariable(NodeDef node) {
    return VARIABLES.contains(node.getOp());
  }

  static List<String> dataInputs(NodeDef node) {
    return node.getInputList().stream().filter(input -> !input.startsWith("^")).toList();
  }

  /** The function that a node calls and stands for, or null if the node is no plain call. */
  FunctionDef callee(NodeDef node) {
    return CALLS.contains(node.getOp())
        ? functions.get(
            node.getAttrOrDefault("f", AttrValue.getDefaultInstance()).getFunc().getName())
        : functions.get(node.getOp());
  }

  /** The nodes that have to run for some tensors or nodes, these included. */
  Set<NodeDef> ancestors(Collection<String> inputs) {
    Set<NodeDef> found = new LinkedHashSet<>();
    Deque<String> open = new ArrayDeque<>(inputs);
    while (!open.isEmpty()) {
      NodeDef node = node(open.pop());
      if (node != null && found.add(node)) {
        open.addAll(node.getInputList());
      }
    }
    return found;
  }

  /** Counts the operations of some nodes and of everything they call, a function at every call. */
  Map<String, Long> countOps(Collection<NodeDef> counted) {
    Map<String, Map<String, Long>> known = new TreeMap<>();
    Map<String, Long> counts = new TreeMap<>();
    counted.forEach(node -> count(node, counts, known));
    return counts;
  }

  private void count(NodeDef node, Map<String, Long> counts, Map<String, Map<String, Long>> known) {
    if (callee(node) == null) {
      counts.merge(node.getOp(), 1L, Long::sum);
    } else if (!CALLS.contains(node.getOp())) {
      countsOf(node.getOp(), known).forEach((op, n) -> counts.merge(op, n, Long::sum));
    }
    for (AttrValue attribute : node.getAttrMap().values()) {
      if (attribute.hasFunc()) {
        countsOf(attribute.getFunc().getName(), known)
            .forEach((op, n) -> counts.merge(op, n, Long::sum));
      }
      attribute
          .getList()
          .getFuncList()
          .forEach(
              function ->
                  countsOf(function.getName(), known)
                      .forEach((op, n) -> counts.merge(op, n, Long::sum)));
    }
  }

  private Map<String, Long> countsOf(String function, Map<String, Map<String, Long>> known) {
    Map<String, Long> counts = known.get(function);
    if (counts == null) {
      counts = new TreeMap<>();
      known.put(function, Map.of()); // a function that calls itself counts once
      FunctionDef definition = functions.get(function);
      if (definition != null) {
        for (NodeDef node : definition.getNodeDefList()) {
          count(node, counts, known);
        }
      }
      known.put(function, counts);
    }
    return counts;
  }
}
