package io.github.fadam.ops.gradient;

import io.github.fadam.ops.variable.TensorTypes;
import java.util.ArrayList;
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
  private final String type;

  /** What stands before the names of the forward operation's attributes. */
  private final String attributePrefix;

  /** Place of the forward operation's first input among those of {@code op}. */
  private final int firstInput;

  GradientBuilder(Ops tf, GraphOperation op, List<Output<?>> outputGradients) {
    this(tf, op, outputGradients, op.type(), "", 0);
  }

  private GradientBuilder(
      Ops tf,
      GraphOperation op,
      List<Output<?>> outputGradients,
      String type,
      String attributePrefix,
      int firstInput) {
    this.tf = tf;
    this.op = op;
    this.outputGradients = outputGradients;
    this.type = type;
    this.attributePrefix = attributePrefix;
    this.firstInput = firstInput;
  }

  /** Whether the operation is an {@code IdentityN} that stands for another operation. */
  boolean isRepaired() {
    return OpConditions.attribute(op, RepairedGradients.TYPE).isPresent();
  }

  /** The operation that an {@code IdentityN} stands for; {@link RepairedGradients} says how. */
  GradientBuilder ofRepaired() {
    String repaired = op.attributes().getAttrString(RepairedGradients.TYPE);
    int first = op.numInputs() - RepairedGradients.inputs(repaired);
    return new GradientBuilder(tf, op, outputGradients, repaired, RepairedGradients.PREFIX, first);
  }

  /** Type of the forward operation. */
  String type() {
    return type;
  }

  int inputs() {
    return op.numInputs() - firstInput;
  }

  /** Input {@code i} of the forward operation. */
  Output<?> x(int i) {
    return op.input(firstInput + i);
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
    return op.attributes().getAttrBool(attributePrefix + name);
  }

  long[] integersAttribute(String name) {
    return op.attributes().getAttrIntList(attributePrefix + name);
  }

  String textAttribute(String name) {
    return op.attributes().getAttrString(attributePrefix + name);
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

  Output<?> times(double factor, Output<?> b) {
    return times(cast(tf.constant(factor).asOutput(), b.dataType()), b);
  }

  Output<?> plus(Output<?> a, Output<?> b) {
    return add("AddV2", a, b);
  }

  Output<?> minus(Output<?> a, Output<?> b) {
    return add("Sub", a, b);
  }

  Output<?> minus(Output<?> a) {
    return add("Neg", a);
  }

  Output<?> square(Output<?> a) {
    return add("Square", a);
  }

  /** The complex conjugate: a real tensor itself. */
  Output<?> conjugate(Output<?> a) {
    return isComplex(a) ? add("Conj", a) : a;
  }

  static boolean isComplex(Output<?> a) {
    DataType type = TensorTypes.base(a.dataType());
    return type == DataType.DT_COMPLEX64 || type == DataType.DT_COMPLEX128;
  }

  /** 1 where a test holds, 0 elsewhere, in the dtype of the gradients. */
  Output<?> indicator(Output<?> test) {
    return cast(test, dy(0).dataType());
  }

  /** Slices along the first dimension. */
  Output<?> rows(Output<?> values, Output<?> indices) {
    return add("GatherV2", values, indices, integer(0));
  }

  /** Zeros by all inputs but one. */
  List<Output<?>> onlyBy(int input, Output<?> gradient) {
    List<Output<?>> all = new ArrayList<>();
    for (int i = 0; i < inputs(); i++) {
      all.add(i == input ? gradient : zeros(i));
    }
    return all;
  }

  /** Elements {@code from} and following of a vector. */
  Output<?> tail(Output<?> vector, int from) {
    return add("Slice", vector, integers(from), integers(-1));
  }

  /** A vector without its last element. */
  Output<?> head(Output<?> vector) {
    Output<?> count = add("Sub", add("Size", vector), integer(1));
    return add("Slice", vector, integers(0), reshape(count, integers(1)));
  }

  /** A shape (int32) with 1 in place of the sizes of some dimensions, which may be negative. */
  Output<?> shapeWithOnes(Output<?> shape, Output<?> dimensions) {
    Output<?> rank = add("Size", shape);
    Output<?> axes =
        add("FloorMod", reshape(cast(dimensions, DataType.DT_INT32), integers(-1)), rank);
    Output<?> all = add("Range", integer(0), rank, integer(1));
    return operation("DynamicStitch")
        .ofLists(new Output<?>[] {all, axes}, new Output<?>[] {shape, add("OnesLike", axes)});
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
    return unbroadcast(gradient, x(i), x(other));
  }

  /** Sums a gradient over the dimensions along which a tensor was broadcast with another. */
  Output<?> unbroadcast(Output<?> gradient, Output<?> tensor, Output<?> other) {
    Output<?> shape = shape(tensor);
    Output<?> dimensions = add("BroadcastGradientArgs", shape, shape(other));
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
        builder.setAttr(name, op.attributes().getAttrValueProto(attributePrefix + name));
      }
      return this;
    }

    /** Never the reference dtype of a variable that is the forward operation's input. */
    Node attr(String name, DataType value) {
      builder.setAttr(name, TensorTypes.base(value));
      return this;
    }

    Node attr(String name, String value) {
      builder.setAttr(name, value);
      return this;
    }

    Node attr(String name, long value) {
      builder.setAttr(name, value);
      return this;
    }

    Node attr(String name, long... values) {
      builder.setAttr(name, values);
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

    /** With a list as the second input. */
    GraphOperation buildWithList(Output<?> input, Output<?>[] list) {
      builder.addInput(input);
      builder.addInputList(list);
      return build();
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
