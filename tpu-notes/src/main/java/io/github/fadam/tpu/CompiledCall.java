package io.github.fadam.tpu;

import io.github.fadam.ops.variable.TensorTypes;
import io.github.fadam.ops.xla.MustCompile;
import io.github.fadam.savedmodel.inline.EmittedGraph;
import io.github.fadam.savedmodel.inline.GraphEmitter;
import io.github.fadam.savedmodel.inline.InlinePlan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.GraphOperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;

/**
 * Puts all nodes of a plan into one function that XLA has to compile, and a call of it into the
 * graph that the plan refers to. Nothing is left out beforehand: what cannot be compiled is for
 * TensorFlow to say.
 */
final class CompiledCall {

  private CompiledCall() {}

  /**
   * Adds the call.
   *
   * @param plan what to compile
   * @param graph has the plan's external nodes
   * @param name name of the call
   * @param randomKey what stands for the plan's random key; null where it has none
   * @return output key to the call's output
   */
  static Map<String, Output<?>> add(
      InlinePlan plan, Graph graph, String name, Output<?> randomKey) {
    try (Graph body = new Graph()) {
      List<Output<?>> arguments = new ArrayList<>();
      Map<String, Output<?>> external = new HashMap<>();
      List<Output<?>> parameters = new ArrayList<>();
      for (String node : plan.external()) {
        if (isUsed(plan, node)) {
          Output<?> argument = graph.operationOrThrow(node).output(0);
          parameters.add(parameter(body, argument, arguments.size()));
          external.put(node, parameters.get(arguments.size()));
          arguments.add(argument);
        } else {
          external.put(node, unused(body, external.size()));
        }
      }
      plan.randomKey()
          .map(SignatureNodes::nodeOf)
          .ifPresent(
              node -> {
                parameters.add(parameter(body, randomKey, arguments.size()));
                external.put(node, parameters.get(arguments.size()));
                arguments.add(randomKey);
              });
      EmittedGraph emitted = GraphEmitter.emit(plan, body, "body", external);
      List<String> keys = List.copyOf(emitted.outputs().keySet());
      List<Output<?>> returned = new ArrayList<>();
      keys.forEach(key -> returned.add(emitted.outputs().get(key)));
      GraphOperation call =
          MustCompile.call(
              graph.baseScope(), name, body, parameters, returned, arguments, List.of());
      Map<String, Output<?>> outputs = new LinkedHashMap<>();
      keys.forEach(key -> outputs.put(key, call.output(keys.indexOf(key))));
      return outputs;
    }
  }

  private static boolean isUsed(InlinePlan plan, String external) {
    return plan.nodes().stream()
            .flatMap(node -> node.getInputList().stream())
            .anyMatch(
                input -> !input.startsWith("^") && SignatureNodes.nodeOf(input).equals(external))
        || plan.outputs().values().stream()
            .anyMatch(output -> SignatureNodes.nodeOf(output).equals(external));
  }

  /** Stands for a node that is only waited for. */
  private static Output<?> unused(Graph body, int index) {
    return Ops.create(body).withName("not_taken_" + index).constant(false).asOutput();
  }

  private static Output<?> parameter(Graph body, Output<?> argument, int index) {
    DataType type = TensorTypes.base(argument.dataType());
    GraphOperationBuilder builder =
        body.opBuilder("Placeholder", "input_" + index, body.baseScope()).setAttr("dtype", type);
    if (type != DataType.DT_RESOURCE) {
      builder.setAttr("shape", shape(argument));
    }
    return builder.build().output(0);
  }

  private static Shape shape(Output<?> argument) {
    GraphOperation operation = (GraphOperation) argument.op();
    return TensorTypes.isReference(argument.dataType())
        ? operation.attributes().getAttrShape("shape")
        : argument.shape();
  }
}
