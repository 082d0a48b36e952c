package io.github.fadam.ops.gradient;

import io.github.fadam.ops.gradient.OpKnowledge.Finding;
import io.github.fadam.ops.variable.TensorTypes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;

/**
 * Types of operations whose gradient fails or is wrong for some attributes, dtypes or shapes only.
 *
 * <p>{@code CppGradientsTest} compares TensorFlow's gradients with differences of the operation's
 * value; what it found wrong is here, and it checks that each is refused.
 */
final class OpConditions {

  private interface Condition extends Function<GraphOperation, Optional<Finding>> {}

  /**
   * The dtypes for which the gradient can be built, where the operation itself takes more. For
   * others TensorFlow throws half-way or, for {@code Mean} and {@code ConcatV2}, ends the process.
   */
  private static final Map<String, Dtype> DTYPES =
      Map.ofEntries(
          Map.entry("Angle", Dtype.complex("input")),
          Map.entry("BroadcastTo", Dtype.int32(1, "shape")),
          Map.entry("Complex", Dtype.floating(0, "parts", DataType.DT_FLOAT)),
          Map.entry("ConcatV2", Dtype.int32(-1, "axis")),
          Map.entry("FusedBatchNormV3", Dtype.floating(1, "scale", DataType.DT_FLOAT)),
          Map.entry("GatherV2", Dtype.int32(2, "axis")),
          Map.entry("Imag", Dtype.complex("input")),
          Map.entry("Max", Dtype.int32(1, "axes")),
          Map.entry("MaxPool3DGrad", Dtype.notDouble(2, "gradient")),
          Map.entry("MaxPool3DGradGrad", Dtype.notDouble(2, "gradient")),
          Map.entry("Mean", Dtype.int32(1, "axes")),
          Map.entry("Min", Dtype.int32(1, "axes")),
          Map.entry("Pad", Dtype.int32(1, "paddings")),
          Map.entry("PadV2", Dtype.int32(1, "paddings")),
          Map.entry("Prod", Dtype.int32(1, "axes")),
          Map.entry("Real", Dtype.complex("input")),
          Map.entry(
              "ResizeBicubic", Dtype.floating(0, "images", DataType.DT_FLOAT, DataType.DT_DOUBLE)),
          Map.entry("ScaleAndTranslate", Dtype.floating(0, "images", DataType.DT_FLOAT)),
          Map.entry("Slice", Dtype.int32(1, "begin and size")),
          Map.entry(
              "SoftmaxCrossEntropyWithLogits", Dtype.floating(0, "logits", DataType.DT_FLOAT)),
          Map.entry("StridedSlice", Dtype.int32(1, "begin, end and strides")),
          Map.entry("Sum", Dtype.int32(1, "axes")));

  /**
   * Dtypes of an input.
   *
   * @param input its index, counted from the end if negative
   */
  private record Dtype(int input, String name, Set<DataType> allowed, String remedy) {

    static Dtype int32(int input, String name) {
      return new Dtype(
          input, name, Set.of(DataType.DT_INT32), "Give it " + name + " of dtype int32");
    }

    static Dtype complex(String name) {
      return floating(0, name, DataType.DT_COMPLEX64);
    }

    static Dtype notDouble(int input, String name) {
      return floating(input, name, DataType.DT_FLOAT, DataType.DT_HALF, DataType.DT_BFLOAT16);
    }

    static Dtype floating(int input, String name, DataType... allowed) {
      return new Dtype(
          input,
          name,
          new TreeSet<>(List.of(allowed)),
          "Cast its inputs to float32 and its output back");
    }

    DataType found(GraphOperation op) {
      return TensorTypes.base(op.input(input < 0 ? op.numInputs() + input : input).dataType());
    }
  }

  /** Besides those with a repaired gradient, what the inliner of SavedModels gives another form. */
  private static final Set<String> REWRITTEN = Set.of("Cast", "GatherV2", "LogSoftmax");

  /** The gradient is wrong, silently or when it runs. */
  private static final Map<String, Condition> WRONG =
      Map.ofEntries(
          Map.entry("Atan2", OpConditions::broadcast),
          Map.entry("Cast", OpConditions::castToInteger),
          Map.entry("Conv2D", op -> dilated(op).or(() -> explicitlyPadded(op))),
          Map.entry("DepthToSpace", OpConditions::channelsFirst),
          Map.entry("DepthwiseConv2dNative", OpConditions::dilated),
          Map.entry("GatherV2", OpConditions::negativeAxis),
          Map.entry("IdentityN", OpConditions::pythonGradient),
          Map.entry("LogSoftmax", OpConditions::rankOtherThanTwo),
          Map.entry("LRN", OpConditions::notTheDefaults),
          Map.entry("MaxPool", OpConditions::explicitlyPadded),
          Map.entry("MaxPoolGrad", OpConditions::explicitlyPadded),
          Map.entry("Qr", op -> fullMatrices(op).or(() -> complex(op))),
          Map.entry("SoftmaxCrossEntropyWithLogits", OpConditions::broadcast),
          Map.entry("SpaceToDepth", OpConditions::channelsFirst),
          Map.entry("Svd", op -> fullMatrices(op).or(() -> complex(op))));

  private OpConditions() {}

  /** Why the gradient cannot be built, whether or not a variable's gradient comes through it. */
  static Optional<Finding> failing(String type, GraphOperation op) {
    return type.equals("ResourceGather") ? batchedGather(op) : dtype(type, op);
  }

  /** Why the gradient is wrong or fails when it runs. */
  static Optional<Finding> wrong(String type, GraphOperation op) {
    Condition condition = WRONG.get(type);
    return condition == null ? Optional.empty() : condition.apply(op);
  }

  /** Whether a type is refused for some attributes, dtypes or shapes. */
  static boolean has(String type) {
    return WRONG.containsKey(type) || DTYPES.containsKey(type) || type.equals("ResourceGather");
  }

  /** What of a type's uses is refused, in a few words; empty if nothing. */
  static String note(String type) {
    List<String> notes = new ArrayList<>();
    Dtype rule = DTYPES.get(type);
    if (rule != null) {
      notes.add("only for " + rule.name() + " of " + rule.allowed());
    }
    if (WRONG.containsKey(type)) {
      notes.add("wrong for some attributes or shapes and refused then");
    }
    boolean indices = rule != null && rule.allowed().equals(Set.of(DataType.DT_INT32));
    if (indices || REWRITTEN.contains(type) || RepairedGradients.types().contains(type)) {
      notes.add("right in inlined SavedModels");
    }
    if (type.equals("ResourceGather")) {
      notes.add("for batch_dims 0 only");
    }
    return String.join("; ", notes);
  }

  private static Optional<Finding> refuse(boolean refused, String problem, String remedy) {
    return refused ? Optional.of(new Finding(problem, remedy)) : Optional.empty();
  }

  private static Optional<Finding> dtype(String type, GraphOperation op) {
    Dtype rule = DTYPES.get(type);
    if (rule == null) {
      return Optional.empty();
    }
    DataType found = rule.found(op);
    return refuse(
        !rule.allowed().contains(found),
        "TensorFlow's gradient for it cannot be built for "
            + rule.name()
            + " of dtype "
            + found
            + ", only for "
            + rule.allowed(),
        rule.remedy());
  }

  private static Optional<Finding> batchedGather(GraphOperation op) {
    long dimensions = op.attributes().getAttrInt("batch_dims");
    return refuse(
        dimensions != 0,
        "its gradient is known for batch_dims 0 only, and batch_dims is " + dimensions,
        "Read the variable first and gather from the value");
  }

  private static Optional<Finding> dilated(GraphOperation op) {
    long[] dilations = op.attributes().getAttrIntList("dilations");
    return refuse(
        Arrays.stream(dilations).anyMatch(dilation -> dilation != 1),
        "TensorFlow's gradient for it does not heed dilations, and they are "
            + Arrays.toString(dilations),
        "Write it as tf.spaceToBatchNd, the convolution without dilations, and tf.batchToSpaceNd");
  }

  private static Optional<Finding> fullMatrices(GraphOperation op) {
    return refuse(
        op.attributes().getAttrBool("full_matrices"),
        "the columns that full_matrices adds have no derivative of their own",
        "Set full_matrices to false");
  }

  private static Optional<Finding> complex(GraphOperation op) {
    return refuse(
        GradientBuilder.isComplex(op.input(0)),
        "its gradient is known for real matrices only",
        "Decompose a real matrix");
  }

  private static Optional<Finding> explicitlyPadded(GraphOperation op) {
    return refuse(
        op.attributes().getAttrString("padding").equals("EXPLICIT"),
        "TensorFlow's gradient for it does not heed explicit paddings",
        "Pad the input with tf.pad before it and give it VALID padding");
  }

  private static Optional<Finding> channelsFirst(GraphOperation op) {
    String format = op.attributes().getAttrString("data_format");
    return refuse(
        !format.equals("NHWC"),
        "TensorFlow's gradient for it takes every input for NHWC, and its data_format is " + format,
        "Transpose to NHWC before it and back after it");
  }

  private static Optional<Finding> notTheDefaults(GraphOperation op) {
    var attributes = op.attributes();
    return refuse(
        attributes.getAttrInt("depth_radius") != 5
            || attributes.getAttrFloat("bias") != 1
            || attributes.getAttrFloat("alpha") != 1
            || attributes.getAttrFloat("beta") != 0.5f,
        "TensorFlow's gradient for it is that of the default attributes, and they differ",
        "Use depth_radius 5, bias 1, alpha 1 and beta 0.5, or write it with other operations");
  }

  private static Optional<Finding> broadcast(GraphOperation op) {
    Shape a = op.input(0).shape();
    Shape b = op.input(1).shape();
    return refuse(
        mayBroadcast(a, b),
        "TensorFlow's gradient for it does not sum over broadcast dimensions, and its inputs have"
            + " the shapes "
            + a
            + " and "
            + b,
        "Give both inputs one static shape, with tf.broadcastTo or tf.ensureShape");
  }

  /** Two unknown sizes are taken to be one batch size. */
  private static boolean mayBroadcast(Shape a, Shape b) {
    if (a.isUnknown() || b.isUnknown() || a.numDimensions() != b.numDimensions()) {
      return true;
    }
    for (int i = 0; i < a.numDimensions(); i++) {
      if (a.get(i) != b.get(i) && (a.get(i) == 1 || b.get(i) == 1)) {
        return true;
      }
    }
    return false;
  }

  private static Optional<Finding> rankOtherThanTwo(GraphOperation op) {
    Shape shape = op.output(0).shape();
    return refuse(
        shape.isUnknown() || shape.numDimensions() != 2,
        "TensorFlow's gradient for it is wrong for every rank but 2, and its rank is "
            + (shape.isUnknown() ? "unknown" : shape.numDimensions()),
        "Reshape to [-1, classes] before it and back after it");
  }

  private static Optional<Finding> negativeAxis(GraphOperation op) {
    OptionalInt axis = constant(op.input(2));
    return refuse(
        axis.isEmpty() ? !isCountedFromTheFront(op) : axis.getAsInt() < 0,
        "TensorFlow's gradient for it fails at run time for a negative axis, and its axis is "
            + (axis.isPresent() ? axis.getAsInt() : "not a constant"),
        "Count the axis from the front, as a constant or tf.math.floorMod(axis, tf.rank(params))");
  }

  /** A remainder of the rank of what is gathered from is never negative. */
  private static boolean isCountedFromTheFront(GraphOperation gather) {
    GraphOperation axis = (GraphOperation) gather.input(2).op();
    if (!axis.type().equals("FloorMod")) {
      return false;
    }
    GraphOperation rank = (GraphOperation) axis.input(1).op();
    return rank.type().equals("Rank") && rank.input(0).equals(gather.input(0));
  }

  private static Optional<Finding> castToInteger(GraphOperation op) {
    DataType target = op.output(0).dataType();
    return refuse(
        !Dtypes.canCarryGradient(target),
        "TensorFlow's gradient would pass through the rounding to "
            + target
            + ", rounded itself, where none is defined",
        "Cut the path with tf.stopGradient before the cast");
  }

  private static Optional<Finding> pythonGradient(GraphOperation op) {
    return attribute(op, "_gradient_op_type")
        .map(
            name ->
                new Finding(
                    "it stands for a Python custom gradient ("
                        + name
                        + ") that is not part of the graph, and to pass through would be wrong",
                    "Replace it by one tf.identity per input where the derivative of the function"
                        + " itself is meant"));
  }

  static Optional<String> attribute(GraphOperation op, String name) {
    try {
      return Optional.of(op.attributes().getAttrString(name));
    } catch (RuntimeException absent) {
      return Optional.empty();
    }
  }

  private static final Set<String> SAME_VALUE = Set.of("Identity", "Snapshot", "StopGradient");

  /** The value of an int32 scalar that is a constant, looked for behind identities. */
  static OptionalInt constant(Output<?> tensor) {
    GraphOperation op = (GraphOperation) tensor.op();
    while (SAME_VALUE.contains(op.type())) {
      op = (GraphOperation) op.input(0).op();
    }
    if (!op.type().equals("Const")) {
      return OptionalInt.empty();
    }
    try (Tensor value = op.attributes().getAttrTensor("value")) {
      if (value.shape().numDimensions() != 0) {
        return OptionalInt.empty();
      }
      return op.attributes().getAttrType("dtype") == DataType.DT_INT32
          ? OptionalInt.of(value.asRawTensor().data().asInts().getInt(0))
          : OptionalInt.empty();
    }
  }
}
