package io.github.fadam.ops.xla;

import io.github.fadam.ops.xla.NotCompilableException.Reason;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorShapeProto;

/**
 * The nodes of a cluster as the body of a function: what comes from outside are placeholders,
 * reference variables are values.
 */
final class FunctionBody {

  /** The output that is there when everything has been done. */
  static final String DONE = "xla_done";

  /** The argument that is one, see {@link StoredSums}. */
  static final String ONE = "xla_one";

  private final SourceGraph source;
  private final Cluster cluster;
  private final Set<String> inside;
  private final Set<String> cuts;
  private final List<NodeDef> nodes = new ArrayList<>();

  /** Tensor of the source to node of the body that stands for it. */
  private final Map<String, String> inputs = new LinkedHashMap<>();

  private final Set<String> before = new LinkedHashSet<>();

  /** Reference variable to the node that assigns it. */
  private final Map<String, String> assigned = new LinkedHashMap<>();

  private final Map<String, Set<String>> after = new HashMap<>();

  /** Reference variable to the tensor of its new value. */
  private final Map<String, String> newValues = new LinkedHashMap<>();

  private final List<Reason> reasons = new ArrayList<>();

  FunctionBody(SourceGraph source, Cluster cluster, Set<String> cuts, Collection<String> targets) {
    this.source = source;
    this.cluster = cluster;
    this.inside = new HashSet<>(cluster.inside());
    this.cuts = cuts;
    findAssigns();
    List<String> effects = new ArrayList<>();
    for (String name : cluster.inside()) {
      NodeDef node = source.node(name);
      add(node);
      if (Assignments.assigns(node) || targets.contains(name)) {
        effects.add("^" + name);
      }
    }
    if (!reasons.isEmpty()) {
      throw new NotCompilableException(reasons);
    }
    addDone(effects);
  }

  /** The body with the functions that it calls. */
  GraphDef graph() {
    GraphDef body =
        GraphDef.newBuilder()
            .addAllNode(StoredSums.in(nodes, ONE))
            .setLibrary(source.library())
            .build();
    return SharedLowering.in(body, tensor -> proto(shape(tensor)));
  }

  /** What was put in place of an assign is not of the source. */
  private Shape shape(String tensor) {
    return source.node(SourceGraph.nodeOf(tensor)) == null
        ? Shape.unknown()
        : source.output(tensor).shape();
  }

  /** Tensor of the source to the node of the body that stands for it, in the arguments' order. */
  Map<String, String> inputs() {
    return inputs;
  }

  /** Nodes outside that have to be run before the body. */
  Set<String> before() {
    return before;
  }

  /** Reference variable to the tensor in the body that it has to be assigned. */
  Map<String, String> newValues() {
    return newValues;
  }

  private void findAssigns() {
    Map<String, List<String>> consumers = new HashMap<>();
    for (String name : cluster.inside()) {
      for (String input : source.node(name).getInputList()) {
        consumers.computeIfAbsent(SourceGraph.nodeOf(input), key -> new ArrayList<>()).add(name);
      }
    }
    for (String name : cluster.inside()) {
      NodeDef node = source.node(name);
      if (!Assignments.isKnown(node)) {
        continue;
      }
      for (int i = 0; i < Assignments.changed(node); i++) {
        String variable = SourceGraph.nodeOf(node.getInput(i));
        if (!SourceGraph.isReferenceVariable(source.node(variable))) {
          refuse(node, "it assigns the result of another operation; assign the variable itself");
        } else if (assigned.put(variable, name) != null) {
          refuse(node, "it assigns " + variable + " a second time; assign it once in a step");
        }
        after.computeIfAbsent(name, key -> descendants(key, consumers));
      }
    }
  }

  private void refuse(NodeDef node, String problem) {
    reasons.add(new Reason(node.getOp(), node.getName(), problem));
  }

  private static Set<String> descendants(String name, Map<String, List<String>> consumers) {
    Set<String> found = new HashSet<>();
    Deque<String> queue = new ArrayDeque<>(List.of(name));
    while (!queue.isEmpty()) {
      for (String consumer : consumers.getOrDefault(queue.remove(), List.of())) {
        if (found.add(consumer)) {
          queue.add(consumer);
        }
      }
    }
    return found;
  }

  private void add(NodeDef node) {
    List<String> data = new ArrayList<>();
    List<String> control = new ArrayList<>();
    for (String input : node.getInputList()) {
      String from = SourceGraph.nodeOf(input);
      if (!SourceGraph.isControl(input)) {
        data.add(dataInput(node, SourceGraph.tensor(input)));
      } else if (inside.contains(from)) {
        control.add(input);
      } else if (!Cluster.isInput(source.node(from))) {
        before.add(from);
      }
    }
    if (Assignments.isKnown(node)) {
      Assignments.Rewritten rewritten = Assignments.rewrite(node, data, control);
      nodes.addAll(rewritten.nodes());
      for (int i = 0; i < Assignments.changed(node); i++) {
        newValues.put(SourceGraph.nodeOf(node.getInput(i)), rewritten.values().get(i));
      }
    } else {
      nodes.add(
          node.toBuilder()
              .clearInput()
              .addAllInput(data)
              .addAllInput(control)
              .clearDevice()
              .removeAttr("_class")
              .build());
    }
  }

  private String dataInput(NodeDef consumer, String tensor) {
    String from = SourceGraph.nodeOf(tensor);
    if (inside.contains(from) && !cuts.contains(tensor)) {
      return tensor;
    }
    String assign = assigned.get(from);
    if (assign != null && after.get(assign).contains(consumer.getName())) {
      return newValues.get(from);
    }
    return inputs.computeIfAbsent(tensor, key -> input(consumer, key));
  }

  private String input(NodeDef consumer, String tensor) {
    NodeDef from = source.node(SourceGraph.nodeOf(tensor));
    if (SourceGraph.isResourceVariable(from) && !cuts.contains(tensor)) {
      nodes.add(from.toBuilder().clearDevice().clearInput().removeAttr("_class").build());
      return from.getName();
    }
    DataType type = source.dataType(tensor);
    switch (type) {
      case DT_STRING, DT_RESOURCE, DT_VARIANT ->
          refuse(
              consumer,
              "it takes "
                  + tensor
                  + " of "
                  + type
                  + ", which cannot be handed to a compiled function; compute numbers from it"
                  + " before");
      default -> {}
    }
    String name = "xla_input_" + inputs.size();
    nodes.add(
        NodeDef.newBuilder()
            .setName(name)
            .setOp("Placeholder")
            .putAttr("dtype", AttrValue.newBuilder().setType(type).build())
            .putAttr("shape", AttrValue.newBuilder().setShape(proto(shape(from, tensor))).build())
            .build());
    return name;
  }

  private Shape shape(NodeDef from, String tensor) {
    return SourceGraph.isReferenceVariable(from)
        ? source.operation(from.getName()).attributes().getAttrShape("shape")
        : source.output(tensor).shape();
  }

  static TensorShapeProto proto(Shape shape) {
    TensorShapeProto.Builder proto = TensorShapeProto.newBuilder();
    if (shape.isUnknown()) {
      return proto.setUnknownRank(true).build();
    }
    for (long size : shape.asArray()) {
      proto.addDim(TensorShapeProto.Dim.newBuilder().setSize(size));
    }
    return proto.build();
  }

  private void addDone(List<String> effects) {
    nodes.add(ScalarNodes.bool(DONE, true).addAllInput(effects).build());
  }
}
