package io.github.fadam.savedmodel.inline;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperationBuilder;
import org.tensorflow.Operation;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;

/**
 * Adds the nodes of a plan to a graph.
 *
 * <p>The nodes go in one by one rather than by {@code Graph.importGraphDef}, which would take every
 * operation whose name begins with "Init" for an initializer of a variable.
 */
public final class GraphEmitter {

  private static final String PREFIX = "inlined";

  private final InlinePlan plan;
  private final Graph graph;
  private final String prefix;
  private final Map<String, Operation> operations = new HashMap<>();
  private final Map<String, Output<?>> replaced = new HashMap<>();

  private GraphEmitter(InlinePlan plan, Graph graph, String prefix) {
    this.plan = plan;
    this.graph = graph;
    this.prefix = freePrefix(graph, prefix);
  }

  /**
   * Adds the nodes to the graph of the loaded model, next to what is there.
   *
   * @param plan the plan
   * @param graph the graph of the {@code SavedModelBundle} that was loaded from the same model
   * @return where inputs, outputs and side effects are
   * @throws IllegalArgumentException if the graph lacks a node that the plan refers to; nothing has
   *     been added then
   */
  public static EmittedGraph emit(InlinePlan plan, Graph graph) {
    return emit(plan, graph, PREFIX);
  }

  /**
   * Adds the nodes to the graph of the loaded model under a name of one's own.
   *
   * @param plan the plan
   * @param graph the graph of the {@code SavedModelBundle} that was loaded from the same model
   * @param prefix name scope for the nodes, without a slash at its end; a number is appended where
   *     it is taken
   * @return where inputs, outputs and side effects are
   * @throws IllegalArgumentException if the graph lacks a node that the plan refers to; nothing has
   *     been added then
   */
  public static EmittedGraph emit(InlinePlan plan, Graph graph, String prefix) {
    GraphEmitter emitter = new GraphEmitter(plan, graph, prefix);
    Set<String> missing = new TreeSet<>();
    for (String name : plan.external()) {
      Operation operation = graph.operation(name);
      if (operation == null) {
        missing.add(name);
      } else {
        emitter.operations.put(name, operation);
      }
    }
    if (!missing.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected the graph of the model that the plan was made from, found one without "
              + missing
              + "; pass SavedModelBundle.graph(), or say what stands for these nodes.");
    }
    plan.randomKey().ifPresent(emitter::addKey);
    return emitter.emitNodes();
  }

  /**
   * Adds the nodes to any graph, such as the body of a function, together with the functions that
   * their control flow operations call.
   *
   * @param plan the plan
   * @param graph the graph
   * @param prefix name scope for the nodes, without a slash at its end; a number is appended where
   *     it is taken
   * @param external what stands in this graph for output 0 of each of the plan's external nodes:
   *     placeholders for inputs, handles or placeholders of resource dtype for variables; and for
   *     the node of {@link InlinePlan#randomKey()} where there is one
   * @return where inputs, outputs and side effects are
   * @throws IllegalArgumentException if {@code external} lacks a node; nothing has been added then
   */
  public static EmittedGraph emit(
      InlinePlan plan, Graph graph, String prefix, Map<String, Output<?>> external) {
    Set<String> missing = new TreeSet<>(plan.external());
    plan.randomKey().map(Frame::nodeName).ifPresent(missing::add);
    missing.removeAll(external.keySet());
    if (!missing.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected a tensor for each of the plan's external nodes, found none for "
              + missing
              + "; add them to the map.");
    }
    GraphEmitter emitter = new GraphEmitter(plan, graph, prefix);
    emitter.replaced.putAll(external);
    external.forEach((name, output) -> emitter.operations.put(name, output.op()));
    if (plan.functions().getFunctionCount() > 0) {
      graph.importGraphDef(GraphDef.newBuilder().setLibrary(plan.functions()).build());
    }
    return emitter.emitNodes();
  }

  private static String freePrefix(Graph graph, String wanted) {
    Set<String> taken = new TreeSet<>();
    graph
        .operations()
        .forEachRemaining(
            operation -> {
              String name = operation.name();
              if (name.startsWith(wanted)) {
                int slash = name.indexOf('/', wanted.length());
                taken.add(slash < 0 ? name : name.substring(0, slash));
              }
            });
    String free = wanted;
    for (int i = 1; taken.contains(free); i++) {
      free = wanted + "_" + i;
    }
    return free;
  }

  private void addKey(String tensor) {
    String name = Frame.nodeName(tensor);
    operations.put(
        name,
        graph
            .opBuilder("Placeholder", prefix + "/" + name, graph.baseScope())
            .setAttr("dtype", DataType.DT_INT64)
            .setAttr("shape", Shape.of(2))
            .build());
  }

  private EmittedGraph emitNodes() {
    for (NodeDef node : plan.nodes()) {
      operations.put(node.getName(), add(node));
    }
    graph.baseScope().refreshNames();
    return new EmittedGraph(
        outputs(plan.inputs()),
        outputs(plan.outputs()),
        plan.sideEffects().stream().map(operations::get).toList(),
        plan.randomKey().map(this::output));
  }

  private Map<String, Output<?>> outputs(Map<String, String> tensors) {
    Map<String, Output<?>> outputs = new LinkedHashMap<>();
    tensors.forEach((key, tensor) -> outputs.put(key, output(tensor)));
    return outputs;
  }

  private Output<?> output(String tensor) {
    int colon = tensor.lastIndexOf(':');
    String name = tensor.substring(0, colon);
    int index = Integer.parseInt(tensor.substring(colon + 1));
    Output<?> replacement = replaced.get(name);
    return replacement != null && index == 0 ? replacement : operations.get(name).output(index);
  }

  private Operation add(NodeDef node) {
    GraphOperationBuilder builder =
        NodeAdder.builder(graph, node, prefix + "/" + node.getName(), this::output);
    for (String input : node.getInputList()) {
      if (input.startsWith("^")) {
        builder.addControlInput(operations.get(input.substring(1)));
      }
    }
    return builder.build();
  }
}
