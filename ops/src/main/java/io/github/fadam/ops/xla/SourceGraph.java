package io.github.fadam.ops.xla;

import io.github.fadam.ops.variable.TensorTypes;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDefLibrary;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;

/** A graph's nodes by name, with what their protocol buffers do not say. */
final class SourceGraph {

  private static final Set<String> VARIABLES = Set.of("VariableV2", "Variable", "VarHandleOp");

  private final Graph graph;
  private final FunctionDefLibrary library;
  private final Map<String, NodeDef> nodes = new LinkedHashMap<>();

  SourceGraph(Graph graph) {
    this.graph = graph;
    GraphDef def = graph.toGraphDef();
    library = def.getLibrary();
    def.getNodeList().forEach(node -> nodes.put(node.getName(), node));
  }

  Graph graph() {
    return graph;
  }

  FunctionDefLibrary library() {
    return library;
  }

  Collection<NodeDef> nodes() {
    return nodes.values();
  }

  NodeDef node(String name) {
    return nodes.get(name);
  }

  GraphOperation operation(String name) {
    return graph.operationOrThrow(name);
  }

  Output<?> output(String tensor) {
    return operation(nodeOf(tensor)).output(indexOf(tensor));
  }

  /** The type of what a reference refers to. */
  DataType dataType(String tensor) {
    return TensorTypes.base(output(tensor).dataType());
  }

  static boolean isVariable(NodeDef node) {
    return VARIABLES.contains(node.getOp());
  }

  static boolean isReferenceVariable(NodeDef node) {
    return isVariable(node) && !isResourceVariable(node);
  }

  static boolean isResourceVariable(NodeDef node) {
    return node.getOp().equals("VarHandleOp");
  }

  static boolean isControl(String input) {
    return input.startsWith("^");
  }

  static String nodeOf(String input) {
    int from = isControl(input) ? 1 : 0;
    int colon = input.indexOf(':');
    return colon < 0 ? input.substring(from) : input.substring(from, colon);
  }

  static int indexOf(String tensor) {
    int colon = tensor.indexOf(':');
    return colon < 0 ? 0 : Integer.parseInt(tensor.substring(colon + 1));
  }

  /** One way to write a tensor's name. */
  static String tensor(String input) {
    return nodeOf(input) + ":" + indexOf(input);
  }

  static String tensor(Output<?> output) {
    return output.op().name() + ":" + output.index();
  }

  /** The nodes that some nodes need, themselves included, each after those that it needs itself. */
  List<String> below(Collection<String> roots, Predicate<String> followsInput) {
    List<String> ordered = new ArrayList<>();
    Set<String> begun = new LinkedHashSet<>();
    Set<String> done = new LinkedHashSet<>();
    Deque<String> stack = new ArrayDeque<>(roots);
    while (!stack.isEmpty()) {
      String name = stack.peek();
      if (!begun.add(name)) {
        stack.pop();
        if (done.add(name)) {
          ordered.add(name);
        }
        continue;
      }
      for (String input : nodes.get(name).getInputList()) {
        if (followsInput.test(input) && !begun.contains(nodeOf(input))) {
          stack.push(nodeOf(input));
        }
      }
    }
    return ordered;
  }
}
