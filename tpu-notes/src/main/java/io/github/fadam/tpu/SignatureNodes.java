package io.github.fadam.tpu;

import io.github.fadam.ops.gradient.GradientRegistry;
import io.github.fadam.ops.gradient.GradientSource;
import io.github.fadam.ops.gradient.GradientTable;
import io.github.fadam.savedmodel.inline.InlinePlan;
import io.github.fadam.savedmodel.training.Device;
import io.github.fadam.tpu.CheckReport.Answer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.NodeDef;

/** The operations of an inlined signature, those in functions that loops still call included. */
final class SignatureNodes {

  private final List<NodeDef> nodes = new ArrayList<>();
  private final Set<String> trained;

  /**
   * Lists them.
   *
   * @param trainedHandles names of the trained variables' nodes
   */
  SignatureNodes(InlinePlan plan, Collection<String> trainedHandles) {
    nodes.addAll(plan.nodes());
    trained = downstream(plan.nodes(), trainedHandles);
    Set<String> calledOnTheWay = new HashSet<>();
    for (NodeDef node : plan.nodes()) {
      if (trained.contains(node.getName())) {
        node.getAttrMap().values().stream()
            .filter(value -> value.hasFunc())
            .forEach(value -> calledOnTheWay.add(value.getFunc().getName()));
      }
    }
    for (FunctionDef function : plan.functions().getFunctionList()) {
      String name = function.getSignature().getName();
      for (NodeDef node : function.getNodeDefList()) {
        String path = name + "/" + node.getName();
        nodes.add(node.toBuilder().setName(path).build());
        if (calledOnTheWay.contains(name)) {
          trained.add(path);
        }
      }
    }
  }

  /** All nodes; those of functions have the function's name in front of theirs. */
  List<NodeDef> nodes() {
    return nodes;
  }

  /** Whether a trained variable has a part in a node. */
  boolean isTrained(NodeDef node) {
    return trained.contains(node.getName());
  }

  /** The nodes that the device does not compile, with why. */
  Map<NodeDef, String> problems(Device device) {
    return nodes.stream()
        .filter(node -> DeviceTable.problem(device, node).isPresent())
        .collect(
            Collectors.toMap(
                Function.identity(),
                node -> DeviceTable.problem(device, node).orElseThrow(),
                (a, b) -> a,
                java.util.LinkedHashMap::new));
  }

  /** One row for each type, the most frequent first. */
  List<CheckReport.Op> rows(boolean ranHere) {
    Map<String, String> notes =
        GradientTable.rows().stream()
            .collect(Collectors.toMap(GradientTable.Row::opType, GradientTable.Row::note));
    Map<String, List<NodeDef>> byType =
        nodes.stream()
            .collect(Collectors.groupingBy(NodeDef::getOp, TreeMap::new, Collectors.toList()));
    List<CheckReport.Op> rows = new ArrayList<>();
    byType.forEach((op, same) -> rows.add(row(op, same, notes.getOrDefault(op, ""), ranHere)));
    rows.sort(Comparator.comparingInt(CheckReport.Op::count).reversed());
    return rows;
  }

  private CheckReport.Op row(String op, List<NodeDef> same, String note, boolean ranHere) {
    GradientSource source = GradientRegistry.sourceOf(op);
    Map<Device, Answer> answers = new EnumMap<>(Device.class);
    NodeDef example = same.get(0);
    for (Device device : Device.values()) {
      Optional<NodeDef> stuck =
          same.stream().filter(n -> DeviceTable.problem(device, n).isPresent()).findFirst();
      String evidence = ranHere && device == Device.CPU ? ModelCheck.RAN_HERE : ModelCheck.TABLE;
      answers.put(
          device,
          stuck
              .map(node -> DeviceTable.problem(device, node).orElseThrow())
              .map(problem -> new Answer(false, ModelCheck.TABLE, problem))
              .orElseGet(
                  () -> new Answer(true, evidence, DeviceTable.note(device, op).orElse(""))));
      example = stuck.orElse(example);
    }
    return new CheckReport.Op(
        op,
        same.size(),
        example.getName(),
        source.name(),
        note,
        same.stream().anyMatch(this::isTrained),
        answers);
  }

  /** The nodes that take, directly or through others, what some nodes compute. */
  private static Set<String> downstream(List<NodeDef> inOrder, Collection<String> from) {
    Set<String> reached = new HashSet<>(from);
    for (NodeDef node : inOrder) {
      boolean takes =
          node.getInputList().stream()
              .filter(input -> !input.startsWith("^"))
              .anyMatch(input -> reached.contains(nodeOf(input)));
      if (takes) {
        reached.add(node.getName());
      }
    }
    return reached;
  }

  static String nodeOf(String tensor) {
    int colon = tensor.lastIndexOf(':');
    return colon < 0 ? tensor : tensor.substring(0, colon);
  }
}
