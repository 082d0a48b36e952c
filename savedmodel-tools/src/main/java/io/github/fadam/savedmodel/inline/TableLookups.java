package io.github.fadam.savedmodel.inline;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.tensorflow.proto.NodeDef;

/**
 * Looks up rows in a variable itself where a model looks them up in its value.
 *
 * <p>Keras 3 reads an embedding's table and gathers from what it has read. Values are the same, but
 * TensorFlow copies a table that is updated by rows whenever it is read whole: a step of a large
 * table would take the time of the table and not of the rows. Only of variables that nothing in the
 * plan assigns, for a lookup may come later than the read whose place it takes.
 */
final class TableLookups {

  private static final Set<String> READERS =
      Set.of("ReadVariableOp", "ResourceGather", "VarIsInitializedOp", "VariableShape");

  private static final Set<String> PASSED = Set.of("Cast", "Identity");

  private final UnaryOperator<String> uniqueName;
  private final Map<String, NodeDef> nodes = new LinkedHashMap<>();
  private final Map<String, List<NodeDef>> consumers = new HashMap<>();
  private final Map<String, Lookup> lookups = new HashMap<>();

  /**
   * A lookup in a value that was read.
   *
   * @param read reads the variable
   * @param casts what is done to the value in between, from the read on
   * @param controls what has to run before the value is there
   */
  private record Lookup(NodeDef read, List<NodeDef> casts, Set<String> controls) {}

  private TableLookups(Collection<NodeDef> nodes, UnaryOperator<String> uniqueName) {
    this.uniqueName = uniqueName;
    for (NodeDef node : nodes) {
      this.nodes.put(node.getName(), node);
      for (String input : node.getInputList()) {
        if (!input.startsWith("^")) {
          consumers.computeIfAbsent(Frame.nodeName(input), n -> new ArrayList<>()).add(node);
        }
      }
    }
  }

  /**
   * The nodes with lookups in variables.
   *
   * @param nodes a plan's nodes, each after those it needs
   * @param results names of the nodes that give results
   * @param uniqueName makes a new node's name unique and reserves it
   */
  static List<NodeDef> in(
      List<NodeDef> nodes, Collection<String> results, UnaryOperator<String> uniqueName) {
    return new TableLookups(nodes, uniqueName).rewritten(new HashSet<>(results));
  }

  private List<NodeDef> rewritten(Set<String> results) {
    nodes.values().stream().filter(this::isByRows).forEach(this::find);
    Map<String, NodeDef> gone = new HashMap<>();
    for (Lookup lookup : lookups.values()) {
      if (isOnlyLookedUp(lookup.read().getName(), results)) {
        gone.put(lookup.read().getName(), lookup.read());
      }
    }
    List<NodeDef> rewritten = new ArrayList<>();
    for (NodeDef node : nodes.values()) {
      Lookup lookup = lookups.get(node.getName());
      if (lookup == null) {
        rewritten.add(without(gone, node));
      } else {
        add(lookup, node, gone, rewritten);
      }
    }
    return rewritten;
  }

  private boolean isByRows(NodeDef node) {
    return node.getOp().equals("GatherV2")
        && OpDefinitions.attribute(node, "batch_dims").getI() == 0
        && Scalars.constant(nodes.get(Frame.nodeName(node.getInput(2)))).equals(OptionalLong.of(0));
  }

  private void find(NodeDef gather) {
    List<NodeDef> casts = new ArrayList<>();
    Set<String> controls = new LinkedHashSet<>(NodeWriter.controls(gather));
    NodeDef node = nodes.get(Frame.nodeName(gather.getInput(0)));
    while (node != null && PASSED.contains(node.getOp())) {
      controls.addAll(NodeWriter.controls(node));
      if (node.getOp().equals("Cast")) {
        casts.add(0, node);
      }
      node = nodes.get(Frame.nodeName(node.getInput(0)));
    }
    if (node != null && node.getOp().equals("ReadVariableOp") && isNeverAssigned(node)) {
      controls.addAll(NodeWriter.controls(node));
      lookups.put(gather.getName(), new Lookup(node, casts, controls));
    }
  }

  /** The handle belongs to the model's own graph: whoever else has it is in the plan. */
  private boolean isNeverAssigned(NodeDef read) {
    String handle = Frame.nodeName(read.getInput(0));
    return !nodes.containsKey(handle)
        && consumers.get(handle).stream().allMatch(node -> READERS.contains(node.getOp()));
  }

  private boolean isOnlyLookedUp(String name, Set<String> results) {
    return !results.contains(name)
        && consumers.get(name).stream()
            .allMatch(
                node ->
                    lookups.containsKey(node.getName())
                        || (PASSED.contains(node.getOp())
                            && consumers.containsKey(node.getName())
                            && isOnlyLookedUp(node.getName(), results)));
  }

  private void add(
      Lookup lookup, NodeDef gather, Map<String, NodeDef> gone, List<NodeDef> rewritten) {
    String name = gather.getName();
    NodeDef.Builder rows =
        NodeDef.newBuilder()
            .setName(lookup.casts().isEmpty() ? name : uniqueName.apply(name + "/rows"))
            .setOp("ResourceGather")
            .addInput(lookup.read().getInput(0))
            .addInput(gather.getInput(1))
            .addAllInput(lookup.controls())
            .putAttr("dtype", OpDefinitions.attribute(lookup.read(), "dtype"))
            .putAttr("Tindices", OpDefinitions.attribute(gather, "Tindices"));
    rewritten.add(without(gone, rows.build()));
    String value = rows.getName();
    for (int i = 0; i < lookup.casts().size(); i++) {
      boolean last = i == lookup.casts().size() - 1;
      NodeDef.Builder cast =
          lookup.casts().get(i).toBuilder()
              .setName(last ? name : uniqueName.apply(name + "/cast"))
              .clearInput()
              .addInput(value + ":0");
      rewritten.add(cast.build());
      value = cast.getName();
    }
  }

  /** Whoever waited for a read that is gone waits for what the read waited for. */
  private static NodeDef without(Map<String, NodeDef> gone, NodeDef node) {
    if (node.getInputList().stream()
        .noneMatch(input -> input.startsWith("^") && gone.containsKey(input.substring(1)))) {
      return node;
    }
    NodeDef.Builder builder = node.toBuilder().clearInput();
    node.getInputList().stream().filter(input -> !input.startsWith("^")).forEach(builder::addInput);
    Set<String> controls = new LinkedHashSet<>();
    for (String control : NodeWriter.controls(node)) {
      NodeDef read = gone.get(control.substring(1));
      controls.addAll(read == null ? List.of(control) : NodeWriter.controls(read));
    }
    return builder.addAllInput(controls).build();
  }
}
