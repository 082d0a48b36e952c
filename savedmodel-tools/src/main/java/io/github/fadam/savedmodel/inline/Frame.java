package io.github.fadam.savedmodel.inline;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef.ArgDef;

/** The main graph or one call of a function: its nodes, and what has become of them. */
final class Frame {

  /**
   * What became of a node.
   *
   * @param control the node to depend on where somebody depends on the original
   * @param outputs the tensors that stand for its outputs; empty where they are {@code control}'s
   */
  record Result(String control, List<String> outputs) {
    static Result node(String name) {
      return new Result(name, List.of());
    }

    String output(int index) {
      return outputs.isEmpty() ? control + ":" + index : outputs.get(index);
    }
  }

  /** Prefix of the names of the nodes that are made from this frame's: empty or ends with "/". */
  final String prefix;

  /** The frame's own nodes by their own names. */
  final Map<String, NodeDef> nodes = new LinkedHashMap<>();

  /** A function's arguments: the caller's tensors. */
  final Map<String, List<String>> arguments = new HashMap<>();

  /** What is known about the rank of a function's arguments from outside. */
  final Map<String, Integer> argumentRanks = new HashMap<>();

  /** Attributes of the call that attributes of the body refer to. */
  final Map<String, AttrValue> callAttributes = new HashMap<>();

  /** Nodes of the caller that have to run before any node of this frame. */
  final List<String> entryControls = new ArrayList<>();

  final Map<String, Result> results = new HashMap<>();

  Frame(String prefix, Collection<NodeDef> nodes) {
    this.prefix = prefix;
    nodes.forEach(node -> this.nodes.put(node.getName(), node));
  }

  /** Takes what a call gives to the arguments of this frame's function. */
  void bind(NodeDef call, FunctionDef function, List<String> given, List<Integer> known) {
    Deque<String> tensors = new ArrayDeque<>(given);
    Deque<Integer> ranks = new ArrayDeque<>(known);
    for (ArgDef argument : function.getSignature().getInputArgList()) {
      int length = OpDefinitions.length(argument, call);
      if (tensors.size() < length) {
        break;
      }
      List<String> bound = new ArrayList<>();
      for (int i = 0; i < length; i++) {
        bound.add(tensors.remove());
        argumentRanks.put(argument.getName(), ranks.remove());
      }
      arguments.put(argument.getName(), bound);
    }
    if (!tensors.isEmpty() || arguments.size() != function.getSignature().getInputArgCount()) {
      throw new IllegalArgumentException(
          "Expected the call "
              + call.getName()
              + " to give the "
              + function.getSignature().getInputArgCount()
              + " arguments of its function, found another number of inputs: saved_model.pb is"
              + " damaged; copy or export the model again.");
    }
  }

  /**
   * Orders the nodes that some nodes need, each after those it needs itself.
   *
   * @param roots names of the nodes to begin with
   * @param isBoundary nodes whose inputs do not matter
   */
  List<NodeDef> inOrder(Collection<String> roots, Predicate<NodeDef> isBoundary) {
    List<NodeDef> ordered = new ArrayList<>();
    Set<String> open = new LinkedHashSet<>();
    Set<String> closed = new LinkedHashSet<>();
    for (String root : roots) {
      Deque<Visit> stack = new ArrayDeque<>();
      enter(root, stack, open, closed, isBoundary);
      while (!stack.isEmpty()) {
        Visit visit = stack.peek();
        if (visit.needed.isEmpty()) {
          stack.pop();
          open.remove(visit.node.getName());
          closed.add(visit.node.getName());
          ordered.add(visit.node);
        } else {
          enter(visit.needed.remove(), stack, open, closed, isBoundary);
        }
      }
    }
    return ordered;
  }

  private record Visit(NodeDef node, Deque<String> needed) {}

  private void enter(
      String name,
      Deque<Visit> stack,
      Set<String> open,
      Set<String> closed,
      Predicate<NodeDef> isBoundary) {
    NodeDef node = nodes.get(name);
    if (node == null || closed.contains(name)) {
      return;
    }
    if (!open.add(name)) {
      throw new IllegalArgumentException(
          "Expected a graph without cycles, found a loop of TensorFlow 1 through "
              + prefix
              + name
              + " ("
              + node.getOp()
              + "), which TensorFlow-Java cannot build or differentiate; save the model with"
              + " control flow v2 (tf.compat.v1.enable_control_flow_v2()).");
    }
    Deque<String> needed = new ArrayDeque<>();
    if (!isBoundary.test(node)) {
      node.getInputList().forEach(input -> needed.add(nodeName(input)));
    }
    stack.push(new Visit(node, needed));
  }

  static String nodeName(String input) {
    int start = input.startsWith("^") ? 1 : 0;
    int colon = input.indexOf(':');
    return input.substring(start, colon < 0 ? input.length() : colon);
  }

  /** The node of this frame that produces an input; null for an argument of the function. */
  NodeDef producer(String input) {
    return nodes.get(nodeName(input));
  }

  /** The tensor that stands for a data input of one of this frame's nodes. */
  String tensor(String input, CallOutputs calls) {
    String[] parts = input.split(":", -1);
    List<String> argument = arguments.get(parts[0]);
    if (argument != null) {
      return argument.get(parts.length == 1 ? 0 : Integer.parseInt(parts[parts.length - 1]));
    }
    return result(parts[0])
        .output(
            switch (parts.length) {
              case 1 -> 0;
              case 2 -> Integer.parseInt(parts[1]);
              default ->
                  OpDefinitions.flatIndex(
                      nodes.get(parts[0]),
                      calls.outputsOf(nodes.get(parts[0])),
                      parts[1],
                      Integer.parseInt(parts[2]));
            });
  }

  /** Names the outputs of an operation or of a function that is called like one. */
  interface CallOutputs {
    List<ArgDef> outputsOf(NodeDef node);
  }

  /** The node to depend on for a control input of one of this frame's nodes. */
  String control(String input) {
    String name = nodeName(input);
    List<String> argument = arguments.get(name);
    return argument != null ? nodeName(argument.get(0)) : result(name).control();
  }

  private Result result(String name) {
    Result result = results.get(name);
    if (result == null) {
      throw new IllegalArgumentException(
          "Expected a node or argument '"
              + name
              + "' in "
              + (prefix.isEmpty() ? "the main graph" : "the function called by " + prefix)
              + ", found none: saved_model.pb is damaged; copy or export the model again.");
    }
    return result;
  }
}
