package io.github.fadam.savedmodel.inline;

import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperationBuilder;
import org.tensorflow.Operation;
import org.tensorflow.Output;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.OpDef.ArgDef;

/** Adds single nodes of a plan to a graph. */
final class NodeAdder {

  private NodeAdder() {}

  /**
   * Adds a node without its control inputs.
   *
   * @param name its name in the graph
   * @param tensors what stands in the graph for an input
   */
  static Operation add(
      Graph graph, NodeDef node, String name, Function<String, Output<?>> tensors) {
    return builder(graph, node, name, tensors).build();
  }

  /** Begins a node: all but its control inputs. */
  static GraphOperationBuilder builder(
      Graph graph, NodeDef node, String name, Function<String, Output<?>> tensors) {
    OpDef definition = OpDefinitions.of(node.getOp());
    GraphOperationBuilder builder = graph.opBuilder(node.getOp(), name, graph.baseScope());
    List<String> inputs =
        node.getInputList().stream().filter(input -> !input.startsWith("^")).toList();
    int next = 0;
    for (ArgDef argument : definition.getInputArgList()) {
      int length = OpDefinitions.length(argument, node);
      Output<?>[] given =
          inputs.subList(next, next + length).stream().map(tensors).toArray(Output<?>[]::new);
      next += length;
      if (argument.getNumberAttr().isEmpty() && argument.getTypeListAttr().isEmpty()) {
        builder.addInput(given[0]);
      } else {
        builder.addInputList(given);
      }
    }
    Set<String> inferred = OpDefinitions.inferredAttributes(definition);
    node.getAttrMap()
        .forEach(
            (attribute, value) -> {
              if (!inferred.contains(attribute)) {
                builder.setAttr(attribute, value);
              }
            });
    return builder;
  }
}
