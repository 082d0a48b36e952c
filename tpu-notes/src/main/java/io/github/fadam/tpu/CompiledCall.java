package io.github.fadam.tpu;

import io.github.fadam.savedmodel.inline.EmittedGraph;
import io.github.fadam.savedmodel.inline.GraphEmitter;
import io.github.fadam.savedmodel.inline.InlinePlan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.ConcreteFunction;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.GraphOperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.Signature;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.Scope;
import org.tensorflow.proto.DataType;

/**
 * Puts all nodes of a plan into one function that XLA has to compile, and a call of it into the
 * graph that the plan refers to. Nothing is left out beforehand: what cannot be compiled is for
 * TensorFlow to say.
 */
final class CompiledCall {

  private static final int REFERENCE = 100;

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
      Signature.Builder signature = Signature.builder(name);
      for (String node : plan.external()) {
        if (isUsed(plan, node)) {
          Output<?> argument = graph.operationOrThrow(node).output(0);
          external.put(node, parameter(body, argument, arguments.size()));
          signature.input("input_" + arguments.size(), external.get(node));
          arguments.add(argument);
        } else {
          external.put(node, unused(body, external.size()));
        }
      }
      plan.randomKey()
          .map(SignatureNodes::nodeOf)
          .ifPresent(
              node -> {
                external.put(node, parameter(body, randomKey, arguments.size()));
                signature.input("input_" + arguments.size(), external.get(node));
                arguments.add(randomKey);
              });
      EmittedGraph emitted = GraphEmitter.emit(plan, body, "body", external);
      List<DataType> types = new ArrayList<>();
      Map<String, Integer> indices = new LinkedHashMap<>();
      emitted
          .outputs()
          .forEach(
              (key, output) -> {
                signature.output("output_" + types.size(), output);
                indices.put(key, types.size());
                types.add(output.dataType());
              });
      return call(graph, name, body, signature.build(), arguments, types, indices);
    }
  }

  private static Map<String, Output<?>> call(
      Graph graph,
      String name,
      Graph body,
      Signature signature,
      List<Output<?>> arguments,
      List<DataType> types,
      Map<String, Integer> indices) {
    try (ConcreteFunction function = ConcreteFunction.create(signature, body)) {
      Scope scope = graph.baseScope();
      GraphOperationBuilder builder =
          graph.opBuilder("StatefulPartitionedCall", scope.makeOpName(name), scope);
      builder.addInputList(arguments.toArray(Output<?>[]::new));
      builder.setAttr(
          "Tin", arguments.stream().map(CompiledCall::valueType).toArray(DataType[]::new));
      builder.setAttr("Tout", types.toArray(DataType[]::new));
      builder.setAttr("f", function);
      builder.setAttr("_XlaMustCompile", true);
      GraphOperation call = builder.build();
      Map<String, Output<?>> outputs = new LinkedHashMap<>();
      indices.forEach((key, index) -> outputs.put(key, call.output(index)));
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
    DataType type = valueType(argument);
    GraphOperationBuilder builder =
        body.opBuilder("Placeholder", "input_" + index, body.baseScope()).setAttr("dtype", type);
    if (type != DataType.DT_RESOURCE) {
      builder.setAttr("shape", shape(argument));
    }
    return builder.build().output(0);
  }

  private static Shape shape(Output<?> argument) {
    GraphOperation operation = (GraphOperation) argument.op();
    return argument.dataType().getNumber() > REFERENCE
        ? operation.attributes().getAttrShape("shape")
        : argument.shape();
  }

  /** The type of the values that a reference refers to, or the type itself. */
  private static DataType valueType(Output<?> output) {
    int number = output.dataType().getNumber();
    return number > REFERENCE ? DataType.forNumber(number - REFERENCE) : output.dataType();
  }
}
