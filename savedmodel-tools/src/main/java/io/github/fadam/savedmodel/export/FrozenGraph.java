package io.github.fadam.savedmodel.export;

import io.github.fadam.framework.file.WholeFile;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.savedmodel.inline.FunctionInliner;
import io.github.fadam.savedmodel.inline.InlinePlan;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Tensor;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;

/**
 * Writes one signature as a single {@code GraphDef} whose variables are constants: what converters
 * for other runtimes and {@code Graph.importGraphDef} take.
 *
 * <p>Inputs are placeholders and outputs are identities, named as the signature names them;
 * characters that a node's name cannot hold become {@code _}, and an output that is named as an
 * input gets {@code _output} appended. All other nodes are below {@code frozen/}. TensorFlow may
 * compute with constants beforehand, so that outputs can differ from the signature's by rounding.
 */
public final class FrozenGraph {

  private static final String PREFIX = "frozen/";

  /** A protocol buffer cannot be larger. */
  private static final long LARGEST = Integer.MAX_VALUE;

  private final InlinePlan plan;
  private final SavedSignature signature;
  private final Map<String, NodeDef> external = new LinkedHashMap<>();
  private final Map<String, String> renamed = new HashMap<>();
  private final Set<String> taken = new HashSet<>();
  private final GraphDef.Builder graph = GraphDef.newBuilder();

  private FrozenGraph(InlinePlan plan, SavedModel model) {
    this.plan = plan;
    signature = model.signature(plan.signature());
    GraphDef main = model.metaGraph().getGraphDef();
    main.getNodeList().stream()
        .filter(node -> plan.external().contains(node.getName()))
        .forEach(node -> external.put(node.getName(), node));
    graph.setVersions(main.getVersions()).setLibrary(plan.functions());
    requireFreezable();
  }

  /**
   * Writes a signature with the values that its variables have now.
   *
   * @param model the model's description
   * @param bundle the same model, loaded
   * @param signatureKey key of the signature
   * @param file the file to write, replaced if it exists; its directory must exist
   * @throws IOException if the file cannot be written; it is as it was before then
   * @throws IllegalArgumentException if the signature needs what a constant cannot stand for
   *     (lookup tables, assignments, control flow over variables), with every such node, or the
   *     variables are larger than a graph may be; nothing has been written then
   */
  public static void write(
      SavedModel model, SavedModelBundle bundle, String signatureKey, Path file)
      throws IOException {
    FrozenGraph frozen = new FrozenGraph(FunctionInliner.inline(model, signatureKey), model);
    GraphDef graph = frozen.build(bundle);
    WholeFile.write(file, graph::writeTo);
  }

  /**
   * Checks whether {@link #write} could freeze a signature, for those who want to know before they
   * train.
   *
   * @param model the model's description
   * @param signatureKey key of the signature
   * @throws IllegalArgumentException if it needs what a constant cannot stand for, as above
   */
  public static void requireFreezable(SavedModel model, String signatureKey) {
    new FrozenGraph(FunctionInliner.inline(model, signatureKey), model);
  }

  private void requireFreezable() {
    Map<String, String> reasons = new TreeMap<>();
    Set<String> inputs =
        plan.inputs().values().stream().map(FrozenGraph::node).collect(Collectors.toSet());
    external.forEach(
        (name, node) -> {
          if (!inputs.contains(name) && !FrozenNodes.isVariable(node)) {
            reasons.put(name, node.getOp());
          }
        });
    for (NodeDef node : plan.nodes()) {
      if (!FrozenNodes.isRead(node)
          && node.getInputList().stream()
              .anyMatch(
                  input ->
                      !input.startsWith("^") && FrozenNodes.isHandle(external.get(node(input))))) {
        reasons.put(node.getName(), node.getOp());
      }
    }
    if (!reasons.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected a signature whose variables are only read, found "
              + reasons.entrySet().stream()
                  .map(reason -> reason.getValue() + " (" + reason.getKey() + ")")
                  .collect(Collectors.joining(", "))
              + ", for which a constant cannot stand; export the SavedModel instead.");
    }
  }

  private GraphDef build(SavedModelBundle bundle) {
    plan.inputs().forEach((key, tensor) -> rename(node(tensor), nodeName(key)));
    external.keySet().forEach(name -> renamed.putIfAbsent(name, PREFIX + name));
    plan.nodes().forEach(node -> rename(node.getName(), PREFIX + node.getName()));
    plan.inputs()
        .forEach(
            (key, tensor) -> {
              var input = signature.inputs().get(key);
              graph.addNode(
                  FrozenNodes.placeholder(
                      renamed.get(node(tensor)), input.dataType(), input.shape()));
            });
    addConstants(bundle);
    for (NodeDef node : plan.nodes()) {
      NodeDef copy = withNewNames(node);
      boolean ofHandle = FrozenNodes.isRead(node) && isHandle(node.getInput(0));
      if (ofHandle) {
        graph.addAllNode(FrozenNodes.onValue(copy));
      } else {
        graph.addNode(copy);
      }
    }
    plan.outputs()
        .forEach(
            (key, tensor) -> {
              String name = nodeName(key);
              graph.addNode(
                  FrozenNodes.identity(
                      taken.contains(name) ? name + "_output" : name,
                      signature.outputs().get(key).dataType(),
                      newName(tensor)));
            });
    return graph.build();
  }

  private boolean isHandle(String input) {
    return FrozenNodes.isHandle(external.get(node(input)));
  }

  private void addConstants(SavedModelBundle bundle) {
    Graph loaded = bundle.graph();
    Ops tf = Ops.create(loaded).withSubScope("freeze");
    Map<String, Operand<?>> reads = new LinkedHashMap<>();
    long bytes = 0;
    for (NodeDef node : external.values()) {
      if (FrozenNodes.isVariable(node)) {
        TrainableVariable variable =
            TrainableVariable.of(loaded.operationOrThrow(node.getName()).output(0));
        reads.put(renamed.get(node.getName()), variable.read(tf));
      }
    }
    for (Map.Entry<String, Operand<?>> read : reads.entrySet()) {
      try (Tensor value = bundle.session().runner().fetch(read.getValue()).run().get(0)) {
        bytes += value.numBytes();
        if (bytes > LARGEST) {
          throw new IllegalArgumentException(
              "Expected variables of less than 2 GB, which is the most that a frozen graph holds,"
                  + " found more; export the SavedModel instead.");
        }
        graph.addNode(FrozenNodes.constant(read.getKey(), value));
      }
    }
  }

  private void rename(String from, String to) {
    renamed.put(from, to);
    taken.add(to);
  }

  private NodeDef withNewNames(NodeDef node) {
    NodeDef.Builder copy = node.toBuilder().setName(renamed.get(node.getName())).clearInput();
    node.getInputList().forEach(input -> copy.addInput(newName(input)));
    return copy.build();
  }

  private String newName(String input) {
    String name = node(input);
    return input.startsWith("^")
        ? "^" + renamed.get(name)
        : renamed.get(name) + input.substring(name.length());
  }

  /** The node that an input or a tensor's name refers to. */
  private static String node(String input) {
    int start = input.startsWith("^") ? 1 : 0;
    int colon = input.indexOf(':');
    return input.substring(start, colon < 0 ? input.length() : colon);
  }

  private static String nodeName(String key) {
    String name = key.replaceAll("[^A-Za-z0-9_.\\-]", "_");
    return name.matches("[A-Za-z0-9.].*") ? name : "x" + name;
  }
}
