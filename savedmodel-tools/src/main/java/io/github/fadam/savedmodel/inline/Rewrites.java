package io.github.fadam.savedmodel.inline;

import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/**
 * Replaces operations whose gradient is missing or wrong in TensorFlow's C++ library by equivalent
 * ones that have a right gradient. Values stay the same, bit for bit.
 */
final class Rewrites {

  private final CustomGradients customGradients;
  private final UnaryOperator<String> uniqueName;
  private final Consumer<NodeDef> sink;

  /**
   * Creates the rewriter.
   *
   * @param customGradients what to do with unrecognised custom gradients
   * @param uniqueName makes a new node's name unique and reserves it
   * @param sink takes the new nodes in order
   */
  Rewrites(
      CustomGradients customGradients, UnaryOperator<String> uniqueName, Consumer<NodeDef> sink) {
    this.customGradients = customGradients;
    this.uniqueName = uniqueName;
    this.sink = sink;
  }

  /**
   * Adds a node or what replaces it.
   *
   * @param frame where the node comes from
   * @param original the node as it is written there
   * @param node the node with the plan's names
   * @return what stands for the node
   */
  Frame.Result add(Frame frame, NodeDef original, NodeDef node) {
    return switch (node.getOp()) {
      case "IdentityN" -> identities(frame, original, node);
      case "EnsureShape" -> checkedIdentity(node);
      case "PlaceholderWithDefault" -> plain(identity(node.getName(), node, "dtype"));
      case "LogSoftmax" ->
          Ranks.of(frame, original.getInput(0)) == 2 ? plain(node) : logSoftmax(node);
      case "GatherV2" -> gather(frame, original, node);
      default -> plain(node);
    };
  }

  private Frame.Result plain(NodeDef node) {
    sink.accept(node);
    return Frame.Result.node(node.getName());
  }

  private Frame.Result identities(Frame frame, NodeDef original, NodeDef node) {
    boolean custom = original.containsAttr("_gradient_op_type");
    if (custom && customGradients == CustomGradients.KEEP && !isSilu(frame, original)) {
      return plain(node);
    }
    List<DataType> types = OpDefinitions.attribute(node, "T").getList().getTypeList();
    List<String> controls = controls(node);
    List<String> outputs = new ArrayList<>();
    for (int i = 0; i < types.size(); i++) {
      String name = i == 0 ? node.getName() : uniqueName.apply(node.getName() + "/output");
      sink.accept(
          NodeDef.newBuilder()
              .setName(name)
              .setOp("Identity")
              .addInput(node.getInput(i))
              .addAllInput(controls)
              .putAttr("T", type(types.get(i)))
              .build());
      outputs.add(name + ":0");
    }
    return new Frame.Result(node.getName(), outputs);
  }

  /**
   * {@code tf.nn.silu} saves memory with a custom gradient that equals the ordinary one: x
   * sigmoid(x), or x sigmoid(beta x).
   */
  private static boolean isSilu(Frame frame, NodeDef node) {
    NodeDef product = frame.producer(node.getInput(0));
    if (product == null || !product.getOp().equals("Mul")) {
      return false;
    }
    for (int i = 0; i < 2; i++) {
      String features = product.getInput(i);
      NodeDef sigmoid = frame.producer(product.getInput(1 - i));
      if (sigmoid == null || !sigmoid.getOp().equals("Sigmoid")) {
        continue;
      }
      String argument = sigmoid.getInput(0);
      NodeDef scaled = frame.producer(argument);
      List<String> scale =
          scaled != null && scaled.getOp().equals("Mul") ? scaled.getInputList() : List.of();
      if ((argument.equals(features) || scale.contains(features))
          && node.getInputList().stream()
              .skip(1)
              .filter(input -> !input.startsWith("^"))
              .allMatch(input -> input.equals(features) || scale.contains(input))) {
        return true;
      }
    }
    return false;
  }

  /** The check still runs before the value is used; the value goes around it. */
  private Frame.Result checkedIdentity(NodeDef node) {
    String check = uniqueName.apply(node.getName() + "/check");
    sink.accept(node.toBuilder().setName(check).build());
    return plain(identity(node.getName(), node, "T").toBuilder().addInput("^" + check).build());
  }

  private static NodeDef identity(String name, NodeDef node, String typeAttribute) {
    return NodeDef.newBuilder()
        .setName(name)
        .setOp("Identity")
        .addAllInput(node.getInputList())
        .putAttr("T", OpDefinitions.attribute(node, typeAttribute))
        .build();
  }

  /** The C++ gradient sums over axis 1 whatever the rank: flatten all axes but the last. */
  private Frame.Result logSoftmax(NodeDef node) {
    Nested nested = new Nested(node);
    AttrValue type = OpDefinitions.attribute(node, "T");
    String input = node.getInput(0);
    String shape = nested.add("Shape", "shape", List.of(input), "T", type, "out_type", INT32);
    String last =
        nested.add(
            "StridedSlice",
            "classes",
            List.of(
                shape,
                nested.vector("begin", -1),
                nested.vector("end", 0),
                nested.vector("one", 1)),
            "T",
            INT32,
            "Index",
            INT32,
            "end_mask",
            AttrValue.newBuilder().setI(1).build());
    String rows =
        nested.add(
            "ConcatV2",
            "rows",
            List.of(nested.vector("any", -1), last, nested.scalar("axis", DataType.DT_INT32, 0)),
            "N",
            AttrValue.newBuilder().setI(2).build(),
            "T",
            INT32,
            "Tidx",
            INT32);
    String flat = nested.add("Reshape", "flat", List.of(input, rows), "T", type, "Tshape", INT32);
    String result = nested.add("LogSoftmax", "LogSoftmax", List.of(flat), "T", type);
    return plain(
        NodeDef.newBuilder()
            .setName(node.getName())
            .setOp("Reshape")
            .addInput(result)
            .addInput(shape)
            .addAllInput(controls(node))
            .putAttr("T", type)
            .putAttr("Tshape", INT32)
            .build());
  }

  /** The C++ gradient cannot count axes from the end. */
  private Frame.Result gather(Frame frame, NodeDef original, NodeDef node) {
    OptionalLong axis = constant(frame.producer(original.getInput(2)));
    if (axis.isPresent() && axis.getAsLong() >= 0) {
      return plain(node);
    }
    Nested nested = new Nested(node);
    AttrValue axisType = OpDefinitions.attribute(node, "Taxis");
    int rank = Ranks.of(frame, original.getInput(0));
    String counted;
    if (axis.isPresent() && rank != Ranks.UNKNOWN) {
      counted = nested.scalar("axis", axisType.getType(), rank + axis.getAsLong());
    } else {
      String rankNow =
          nested.add(
              "Rank",
              "rank",
              List.of(node.getInput(0)),
              "T",
              OpDefinitions.attribute(node, "Tparams"));
      if (axisType.getType() != DataType.DT_INT32) {
        rankNow = nested.add("Cast", "cast", List.of(rankNow), "SrcT", INT32, "DstT", axisType);
      }
      counted = nested.add("FloorMod", "axis", List.of(node.getInput(2), rankNow), "T", axisType);
    }
    return plain(node.toBuilder().setInput(2, counted).build());
  }

  /** Value of a constant integer scalar. */
  private static OptionalLong constant(NodeDef node) {
    if (node == null || !node.getOp().equals("Const")) {
      return OptionalLong.empty();
    }
    TensorProto value = OpDefinitions.attribute(node, "value").getTensor();
    if (value.getIntValCount() > 0) {
      return OptionalLong.of(value.getIntVal(0));
    }
    if (value.getInt64ValCount() > 0) {
      return OptionalLong.of(value.getInt64Val(0));
    }
    var bytes = value.getTensorContent().asReadOnlyByteBuffer().order(ByteOrder.nativeOrder());
    return switch (bytes.remaining()) {
      case Integer.BYTES -> OptionalLong.of(bytes.getInt());
      case Long.BYTES -> OptionalLong.of(bytes.getLong());
      case 0 -> OptionalLong.of(0); // how a tensor of zeros is written
      default -> OptionalLong.empty();
    };
  }

  private static List<String> controls(NodeDef node) {
    return node.getInputList().stream().filter(input -> input.startsWith("^")).toList();
  }

  private static final AttrValue INT32 = type(DataType.DT_INT32);

  private static AttrValue type(DataType type) {
    return AttrValue.newBuilder().setType(type).build();
  }

  /** Adds nodes under the name of the node they help to replace. */
  private final class Nested {
    private final NodeDef parent;

    Nested(NodeDef parent) {
      this.parent = parent;
    }

    /** Adds a node with attributes given as name, value, name, value; returns its first output. */
    String add(String op, String name, List<String> inputs, Object... attributes) {
      String unique = uniqueName.apply(parent.getName() + "/" + name);
      NodeDef.Builder node =
          NodeDef.newBuilder()
              .setName(unique)
              .setOp(op)
              .addAllInput(inputs)
              .addAllInput(controls(parent));
      for (int i = 0; i < attributes.length; i += 2) {
        node.putAttr((String) attributes[i], (AttrValue) attributes[i + 1]);
      }
      sink.accept(node.build());
      return unique + ":0";
    }

    String scalar(String name, DataType type, long value) {
      return constant(name, type, TensorShapeProto.getDefaultInstance(), value);
    }

    String vector(String name, int value) {
      return constant(
          name,
          DataType.DT_INT32,
          TensorShapeProto.newBuilder()
              .addDim(TensorShapeProto.Dim.newBuilder().setSize(1))
              .build(),
          value);
    }

    private String constant(String name, DataType type, TensorShapeProto shape, long value) {
      TensorProto.Builder tensor = TensorProto.newBuilder().setDtype(type).setTensorShape(shape);
      if (type == DataType.DT_INT64) {
        tensor.addInt64Val(value);
      } else {
        tensor.addIntVal(Math.toIntExact(value));
      }
      return add(
          "Const",
          name,
          List.of(),
          "dtype",
          type(type),
          "value",
          AttrValue.newBuilder().setTensor(tensor).build());
    }
  }
}
