package io.github.fadam.savedmodel.inline;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/**
 * Puts constants in the place of placeholders and takes the branches that follow from them.
 *
 * <p>A program of TensorFlow 1 asks a placeholder whether it trains. With the answer in the graph,
 * its conditionals are gone: {@code Switch} hands its input on to one side, what hangs on the other
 * is dead, {@code Merge} takes what is left; of an {@code If} the chosen function is called. So
 * gradients can be taken, which is impossible through version 1 conditionals.
 *
 * <p>Pure: the given graph is not changed. Only the main graph is looked at, not the functions.
 */
public final class SettledConditionals {

  private static final Set<String> SWITCHES = Set.of("Switch", "RefSwitch");
  private static final Set<String> MERGES = Set.of("Merge", "RefMerge");
  private static final Set<String> BACK_EDGES = Set.of("NextIteration", "RefNextIteration");
  private static final Set<String> CONDITIONALS = Set.of("If", "StatelessIf");

  private final Map<String, NodeDef> nodes = new LinkedHashMap<>();
  private final Map<String, Boolean> known = new HashMap<>();
  private final Map<String, String> instead = new HashMap<>();
  private final Set<String> dead = new HashSet<>();

  private SettledConditionals(GraphDef graph, Map<String, TensorProto> constants) {
    for (NodeDef node : graph.getNodeList()) {
      TensorProto value = constants.get(node.getName());
      nodes.put(node.getName(), value == null ? node : constant(node.getName(), value));
    }
  }

  /**
   * Settles what can be settled.
   *
   * @param graph the graph
   * @param constants name of a placeholder to its value; those that the graph lacks do nothing
   * @return the graph with constants; the same object where there are none
   */
  public static GraphDef in(GraphDef graph, Map<String, TensorProto> constants) {
    if (constants.isEmpty()) {
      return graph;
    }
    return graph.toBuilder()
        .clearNode()
        .addAllNode(new SettledConditionals(graph, constants).settled())
        .build();
  }

  private static NodeDef constant(String name, TensorProto value) {
    return NodeDef.newBuilder()
        .setName(name)
        .setOp("Const")
        .putAttr("dtype", AttrValue.newBuilder().setType(value.getDtype()).build())
        .putAttr("value", AttrValue.newBuilder().setTensor(value).build())
        .build();
  }

  private List<NodeDef> settled() {
    List<NodeDef> settled = new ArrayList<>();
    for (NodeDef node : inOrder()) {
      NodeDef own = withInputs(node);
      if (MERGES.contains(node.getOp())) {
        merge(own, settled);
      } else if (own.getInputList().stream().anyMatch(this::isDead)) {
        dead.add(node.getName());
      } else if (SWITCHES.contains(node.getOp())) {
        switched(own, settled);
      } else if (CONDITIONALS.contains(node.getOp())) {
        settled.add(chosen(own));
      } else {
        evaluate(own).ifPresent(value -> known.put(node.getName(), value));
        settled.add(own);
      }
    }
    return settled;
  }

  /** Each node after its inputs; edges that close a loop do not count. */
  private List<NodeDef> inOrder() {
    Map<String, Integer> missing = new HashMap<>();
    Map<String, List<String>> users = new HashMap<>();
    Deque<String> ready = new ArrayDeque<>();
    for (NodeDef node : nodes.values()) {
      Set<String> needed = new HashSet<>();
      for (String input : node.getInputList()) {
        NodeDef producer = nodes.get(Frame.nodeName(input));
        if (producer != null && !BACK_EDGES.contains(producer.getOp())) {
          needed.add(producer.getName());
        }
      }
      missing.put(node.getName(), needed.size());
      needed.forEach(
          name -> users.computeIfAbsent(name, n -> new ArrayList<>()).add(node.getName()));
      if (needed.isEmpty()) {
        ready.add(node.getName());
      }
    }
    List<NodeDef> ordered = new ArrayList<>();
    while (!ready.isEmpty()) {
      String name = ready.remove();
      ordered.add(nodes.get(name));
      for (String user : users.getOrDefault(name, List.of())) {
        if (missing.merge(user, -1, Integer::sum) == 0) {
          ready.add(user);
        }
      }
    }
    return ordered;
  }

  private NodeDef withInputs(NodeDef node) {
    NodeDef.Builder builder = node.toBuilder().clearInput();
    node.getInputList().forEach(input -> builder.addInput(resolved(input)));
    return builder.build();
  }

  private String resolved(String input) {
    return input.startsWith("^") ? input : instead.getOrDefault(tensor(input), input);
  }

  private static String tensor(String input) {
    return input.contains(":") ? input : input + ":0";
  }

  private boolean isDead(String input) {
    return input.startsWith("^")
        ? dead.contains(input.substring(1))
        : dead.contains(tensor(input)) || dead.contains(Frame.nodeName(input));
  }

  private Optional<Boolean> value(String input) {
    return tensor(input).endsWith(":0")
        ? Optional.ofNullable(known.get(Frame.nodeName(input)))
        : Optional.empty();
  }

  private void switched(NodeDef node, List<NodeDef> settled) {
    Optional<Boolean> predicate = value(node.getInput(1));
    if (predicate.isEmpty()) {
      settled.add(node);
      return;
    }
    int taken = predicate.get() ? 1 : 0;
    instead.put(node.getName() + ":" + taken, node.getInput(0));
    dead.add(node.getName() + ":" + (1 - taken));
    settled.add(identity(node, node.getInput(0)));
  }

  private void merge(NodeDef node, List<NodeDef> settled) {
    List<String> data = new ArrayList<>();
    List<Integer> places = new ArrayList<>();
    boolean loop = false;
    for (int i = 0; i < node.getInputCount(); i++) {
      String input = node.getInput(i);
      NodeDef producer = nodes.get(Frame.nodeName(input));
      if (!input.startsWith("^") && producer != null && BACK_EDGES.contains(producer.getOp())) {
        loop = true;
      } else if (!input.startsWith("^") && !isDead(input)) {
        data.add(input);
        places.add(i);
      }
    }
    if (data.isEmpty()) {
      dead.add(node.getName());
      return;
    }
    if (loop || data.size() > 1) {
      settled.add(node);
      return;
    }
    instead.put(node.getName() + ":0", data.get(0));
    String index = node.getName() + "/value_index";
    TensorProto place =
        TensorProto.newBuilder()
            .setDtype(DataType.DT_INT32)
            .setTensorShape(TensorShapeProto.getDefaultInstance())
            .addIntVal(places.get(0))
            .build();
    instead.put(node.getName() + ":1", index);
    settled.add(constant(index, place));
    settled.add(identity(node, data.get(0)));
  }

  /** For those that depend on the node alone; what is computed from it takes the tensor itself. */
  private static NodeDef identity(NodeDef node, String input) {
    NodeDef.Builder builder =
        NodeDef.newBuilder().setName(node.getName()).setOp("Identity").addInput(input);
    node.getInputList().stream().filter(name -> name.startsWith("^")).forEach(builder::addInput);
    return builder.putAttr("T", OpDefinitions.attribute(node, "T")).build();
  }

  private NodeDef chosen(NodeDef node) {
    Optional<Boolean> predicate = value(node.getInput(0));
    if (predicate.isEmpty()) {
      return node;
    }
    NodeDef.Builder call =
        node.toBuilder()
            .setOp(node.getOp().equals("If") ? "StatefulPartitionedCall" : "PartitionedCall")
            .clearInput()
            .clearAttr()
            .addAllInput(node.getInputList().subList(1, node.getInputCount()));
    for (String attribute : List.of("Tin", "Tout")) {
      call.putAttr(attribute, OpDefinitions.attribute(node, attribute));
    }
    String branch = predicate.get() ? "then_branch" : "else_branch";
    return call.putAttr("f", OpDefinitions.attribute(node, branch)).build();
  }

  private Optional<Boolean> evaluate(NodeDef node) {
    return switch (node.getOp()) {
      case "Const" -> constantValue(node);
      case "Identity" -> value(node.getInput(0));
      case "LogicalNot" -> value(node.getInput(0)).map(value -> !value);
      case "LogicalAnd" -> both(node).map(values -> values.get(0) && values.get(1));
      case "LogicalOr" -> both(node).map(values -> values.get(0) || values.get(1));
      default -> Optional.empty();
    };
  }

  private Optional<List<Boolean>> both(NodeDef node) {
    return value(node.getInput(0))
        .flatMap(first -> value(node.getInput(1)).map(second -> List.of(first, second)));
  }

  private static Optional<Boolean> constantValue(NodeDef node) {
    TensorProto value = OpDefinitions.attribute(node, "value").getTensor();
    if (value.getDtype() != DataType.DT_BOOL || value.getTensorShape().getDimCount() > 0) {
      return Optional.empty();
    }
    if (!value.getTensorContent().isEmpty()) {
      return Optional.of(value.getTensorContent().byteAt(0) != 0);
    }
    return Optional.of(value.getBoolValCount() > 0 && value.getBoolVal(0));
  }
}
