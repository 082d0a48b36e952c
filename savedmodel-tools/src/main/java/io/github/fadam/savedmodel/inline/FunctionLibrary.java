package io.github.fadam.savedmodel.inline;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.FunctionDefLibrary;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef.ArgDef;

/** The functions of a model: who calls which, and what a call does. */
final class FunctionLibrary {

  private static final Set<String> CALLS = Set.of("PartitionedCall", "StatefulPartitionedCall");

  private final Map<String, FunctionDef> functions = new HashMap<>();
  private final Map<String, Boolean> stateChanging = new HashMap<>();

  FunctionLibrary(FunctionDefLibrary library) {
    for (FunctionDef function : library.getFunctionList()) {
      functions.put(function.getSignature().getName(), function);
    }
  }

  /** Whether an attribute of the node names the function; otherwise its operation may. */
  static boolean isCall(NodeDef node) {
    return CALLS.contains(node.getOp());
  }

  /** The function that a node calls, or null. */
  FunctionDef callee(NodeDef node) {
    return isCall(node)
        ? required(OpDefinitions.attribute(node, "f").getFunc().getName(), node)
        : functions.get(node.getOp());
  }

  /** The function of a name that a node gives. */
  FunctionDef required(String name, NodeDef caller) {
    FunctionDef function = functions.get(name);
    if (function == null) {
      throw new IllegalArgumentException(
          "Expected the function '"
              + name
              + "' that "
              + caller.getName()
              + " calls, found none: saved_model.pb is damaged; copy or export the model again.");
    }
    return function;
  }

  /** The outputs of a node, none where its operation is not known. */
  List<ArgDef> outputs(NodeDef node) {
    FunctionDef named = functions.get(node.getOp());
    if (named != null) {
      return named.getSignature().getOutputArgList();
    }
    return OpDefinitions.isKnown(node.getOp())
        ? OpDefinitions.of(node.getOp()).getOutputArgList()
        : List.of();
  }

  /** Whether there is a loop among the nodes or in any function. */
  boolean anyLoop(Collection<NodeDef> nodes) {
    return Stream.concat(
            nodes.stream(), functions.values().stream().flatMap(f -> f.getNodeDefList().stream()))
        .anyMatch(node -> ControlFlow.isLoop(node.getOp()));
  }

  /** Whether a node, or a function that it calls, does more than to compute its outputs. */
  boolean changesState(NodeDef node) {
    return OpDefinitions.changesState(node)
        || calledFunctions(node).stream().anyMatch(this::functionChangesState);
  }

  boolean functionChangesState(String name) {
    FunctionDef function = functions.get(name);
    Boolean known = stateChanging.get(name);
    if (function == null || known != null) {
      return function != null && known;
    }
    stateChanging.put(name, false);
    boolean changes = function.getNodeDefList().stream().anyMatch(this::changesState);
    stateChanging.put(name, changes);
    return changes;
  }

  /** The tensor of its body that a function returns as an output. */
  static String returned(FunctionDef function, String output) {
    String tensor = function.getRetMap().get(output);
    if (tensor == null) {
      throw new IllegalArgumentException(
          "Expected the function "
              + function.getSignature().getName()
              + " to return "
              + output
              + ", found no such result: saved_model.pb is damaged; copy or export the model"
              + " again.");
    }
    return tensor;
  }

  private static Set<String> calledFunctions(NodeDef node) {
    Set<String> called = new LinkedHashSet<>(List.of(node.getOp()));
    for (AttrValue attribute : node.getAttrMap().values()) {
      if (attribute.hasFunc()) {
        called.add(attribute.getFunc().getName());
      }
      attribute.getList().getFuncList().forEach(function -> called.add(function.getName()));
    }
    return called;
  }

  /** The functions that nodes call, and those that these call. */
  List<FunctionDef> calledFrom(List<NodeDef> nodes) {
    Set<String> found = new LinkedHashSet<>();
    Deque<NodeDef> open = new ArrayDeque<>(nodes);
    while (!open.isEmpty()) {
      for (String name : calledFunctions(open.pop())) {
        if (functions.containsKey(name) && found.add(name)) {
          open.addAll(functions.get(name).getNodeDefList());
        }
      }
    }
    return found.stream().map(functions::get).toList();
  }
}
