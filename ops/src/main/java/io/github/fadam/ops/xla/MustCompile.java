package io.github.fadam.ops.xla;

import io.github.fadam.ops.variable.TensorTypes;
import java.util.List;
import org.tensorflow.ConcreteFunction;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.GraphOperationBuilder;
import org.tensorflow.Operation;
import org.tensorflow.Output;
import org.tensorflow.Signature;
import org.tensorflow.op.Scope;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;

/**
 * The node that both {@link XlaFunction} and programs that try out what compiles put into a graph:
 * a {@code StatefulPartitionedCall} with the attribute {@code _XlaMustCompile}, which fails where
 * XLA cannot compile the function, instead of running it op by op.
 */
public final class MustCompile {

  private MustCompile() {}

  /**
   * Turns a graph into a function and calls it. Nothing is checked beforehand: what cannot be
   * compiled is for TensorFlow to say when the call runs.
   *
   * @param scope the graph that gets the call, with name scope and control dependencies
   * @param name name of the function and of the call
   * @param body the function's graph; can be closed afterwards
   * @param inputs placeholders of the body, one for each argument
   * @param outputs tensors of the body that the call returns, in this order
   * @param arguments tensors of the calling graph; resources as handles, references as their values
   * @param before operations of the calling graph that run first
   * @return the call
   */
  public static GraphOperation call(
      Scope scope,
      String name,
      Graph body,
      List<Output<?>> inputs,
      List<Output<?>> outputs,
      List<Output<?>> arguments,
      List<Operation> before) {
    Signature.Builder signature = Signature.builder(name);
    for (int i = 0; i < inputs.size(); i++) {
      signature.input("input_" + i, inputs.get(i));
    }
    for (int i = 0; i < outputs.size(); i++) {
      signature.output("output_" + i, outputs.get(i));
    }
    try (ConcreteFunction function = ConcreteFunction.create(signature.build(), body)) {
      Graph graph = (Graph) scope.env();
      AttrValue called = UntouchedFunction.add(graph, function);
      GraphOperationBuilder builder =
          graph.opBuilder("StatefulPartitionedCall", scope.makeOpName(name), scope);
      builder.addInputList(arguments.toArray(Output<?>[]::new));
      builder.setAttr("Tin", types(arguments));
      builder.setAttr("Tout", types(outputs));
      builder.setAttr("f", called);
      builder.setAttr("_XlaMustCompile", true);
      before.forEach(builder::addControlInput);
      return builder.build();
    }
  }

  private static DataType[] types(List<Output<?>> tensors) {
    return tensors.stream()
        .map(tensor -> TensorTypes.base(tensor.dataType()))
        .toArray(DataType[]::new);
  }
}
