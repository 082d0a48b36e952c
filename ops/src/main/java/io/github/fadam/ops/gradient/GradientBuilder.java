package io.github.fadam.ops.gradient;

import java.util.List;
import org.tensorflow.GraphOperation;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;

/**
 * One forward operation whose gradient is being built, and the graph pieces that gradients share.
 *
 * <p>Operations are added by their type: the dtypes of a forward operation are not known to the
 * compiler, and attributes can be copied from it.
 */
final class GradientBuilder {

  /** The gradient by the inputs of a forward operation, in the terms of this class. */
  @FunctionalInterface
  interface Formula {
    List<Output<?>> apply(GradientBuilder g);

    /** Makes a formula a gradient that can be registered. */
    default OpGradient asGradient() {
      return (tf, op, gradients) -> apply(new GradientBuilder(tf, op, gradients));
    }
  }

  private final Ops tf;
  private final GraphOperation op;
  private final List<Output<?>> outputGradients;

  GradientBuilder(Ops tf, GraphOperation op, List<Output<?>> outputGradients) {
    this.tf = tf;
    this.op = op;
    this.outputGradients = outputGradients;
  }

  int inputs() {
    return op.numInputs();
  }

  /** Input {@code i} of the forward operation. */
  Output<?> x(int i) {
    return op.input(i);
  }

  /** Output {@code i} of the forward operation. */
  Output<?> y(int i) {
    return op.output(i);
  }

  /** Gradient by output {@code i} of the forward operation. */
  Output<?> dy(int i) {
    return outputGradients.get(i);
  }

  List<Output<?>> allDy() {
    return outputGradients;
  }

  /** Whether the loss uses an output: TensorFlow passes a fresh {@code ZerosLike} otherwise. */
  boolean isUsed(int i) {
    return !dy(i).op().type().equals("ZerosLike");
  }

  boolean booleanAttribute(String name) {
    return op.attributes().getAttrBool(name);
  }

  /** Output 0 of a new operation that needs no attributes. */
  Output<?> add(String type, Output<?>... inputs) {
    return operation(type).of(inputs);
  }

  Node operation(String type) {
    return new Node(tf.scope().opBuilder(type, type));
  }

  Output<?> zeros(int input) {
    return add("ZerosLike", x(input));
  }

  /** A constant of the dtype of the gradients. */
  Output<?> constant(double value) {
    return cast(tf.constant(value).asOutput(), dy(0).dataType());
  }

  Output<?> integers(int... values) {
    return tf.constant(values).asOutput();
  }

  Output<?> integer(int value) {
    return tf.constant(value).asOutput();
  }

  Output<?> cast(Output<?> value, DataType type) {
    return operation("Cast").attr("DstT", type).of(value);
  }

  Output<?> shape(Output<?> value) {
    return add("Shape", value);
  }

  Output<?> reshape(Output<?> value, Output<?> shape) {
    return add("Reshape", value, shape);
  }

  Output<?> times(Output<?> a, Output<?> b) {
    return add("Mul", a, b);
  }

  /** Elements {@code from} and following of a vector. */
  Output<?> tail(Output<?> vector, int from) {
    return add("Slice", vector, integers(from), integers(-1));
  }

  /** The last element of a vector, as a scalar. */
  Output<?> lastOf(Output<?> vector) {
    Output<?> last = add("Sub", add("Size", vector), integer(1));
    return add("GatherV2", vector, last, integer(0));
  }

  Output<?> concatenate(Output<?>... vectors) {
    return operation("ConcatV2").ofList(vectors, integer(0));
  }

  /** Sums a gradient over the dimensions along which input {@code i} was broadcast. */
  Output<?> unbroadcast(Output<?> gradient, int i, int other) {
    Output<?> shape = shape(x(i));
    Output<?> dimensions = add("BroadcastGradientArgs", shape, shape(x(other)));
    return reshape(add("Sum", gradient, dimensions), shape);
  }

  /** An operation that takes its attributes before its inputs. */
  final class Node {
    private final OperationBuilder builder;

    private Node(OperationBuilder builder) {
      this.builder = builder;
    }

    /** Copies attributes of the same names from the forward operation. */
    Node copy(String... attributes) {
      for (String name : attributes) {
        builder.setAttr(name, op.attributes().getAttrValueProto(name));
      }
      return this;
    }

    Node attr(String name, DataType value) {
      builder.setAttr(name, value);
      return this;
    }

    Node attr(String name, boolean value) {
      builder.setAttr(name, value);
      return this;
    }

    Output<?> of(Output<?>... inputs) {
      return build(inputs).output(0);
    }

    /** With a list as the first input. */
    Output<?> ofList(Output<?>[] list, Output<?>... inputs) {
      builder.addInputList(list);
      return of(inputs);
    }

    /** With two lists as inputs. */
    Output<?> ofLists(Output<?>[] first, Output<?>[] second) {
      builder.addInputList(first);
      return ofList(second);
    }

    GraphOperation build(Output<?>... inputs) {
      for (Output<?> input : inputs) {
        builder.addInput(input);
      }
      return (GraphOperation) builder.build();
    }
  }

  /** Dimensions of the value of the variable whose handle is input {@code i}. */
  Output<?> variableShape(int i, DataType type) {
    return operation("VariableShape").attr("out_type", type).of(x(i));
  }
}
