package io.github.fadam.savedmodel.inline;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Function;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;

/**
 * Replaces operations whose gradient is missing or wrong in TensorFlow's C++ library by equivalent
 * ones that have a right gradient. Values stay the same, bit for bit, but for convolutions in
 * groups and layers with channels first, which processors cannot run unless XLA compiles them.
 */
final class Rewrites {

  private final CustomGradients customGradients;
  private final NodeWriter writer;
  private final GradientRewrites gradients;
  private final GroupedConvolution grouped;
  private final ChannelsFirst channelsFirst;
  private final KnownShapes known;

  /**
   * Creates the rewriter.
   *
   * @param customGradients what to do with unrecognised custom gradients
   * @param writer takes the new nodes
   * @param shapes what is known about the shape of a tensor of the plan
   */
  Rewrites(CustomGradients customGradients, NodeWriter writer, Function<String, Shape> shapes) {
    this.customGradients = customGradients;
    this.writer = writer;
    gradients = new GradientRewrites(writer);
    grouped = new GroupedConvolution(writer, this::withGradient, shapes);
    channelsFirst = new ChannelsFirst(writer, shapes);
    known = new KnownShapes(shapes);
  }

  /**
   * Adds a node or what replaces it.
   *
   * @param frame where the node comes from
   * @param original the node as it is written there
   * @param translated the node with the plan's names
   * @return what stands for the node
   */
  Frame.Result add(Frame frame, NodeDef original, NodeDef translated) {
    NodeDef node = gradients.prepared(translated);
    return ChannelsFirst.isIn(node)
        ? channelsFirst.add(node, last -> replaced(frame, original, last))
        : replaced(frame, original, node);
  }

  private Frame.Result replaced(Frame frame, NodeDef original, NodeDef node) {
    return switch (node.getOp()) {
      case "IdentityN" -> identities(frame, original, node);
      case "EnsureShape" -> checkedIdentity(node);
      case "PlaceholderWithDefault" -> writer.plain(identity(node.getName(), node, "dtype"));
      case "LogSoftmax" ->
          Ranks.of(frame, original.getInput(0)) == 2 ? writer.plain(node) : logSoftmax(node);
      case "GatherV2" -> gather(frame, original, node);
      case "Conv2D", "Conv3D" -> grouped.add(node);
      default ->
          known
              .of(frame, original, node)
              .map(dimensions -> gradients.repaired(node, dimensions))
              .orElseGet(() -> withGradient(node));
    };
  }

  private Frame.Result withGradient(NodeDef node) {
    return gradients.isWrong(node) ? gradients.repaired(node) : writer.plain(node);
  }

  private Frame.Result identities(Frame frame, NodeDef original, NodeDef node) {
    boolean custom = original.containsAttr("_gradient_op_type");
    if (custom && customGradients == CustomGradients.KEEP && !isSilu(frame, original)) {
      return writer.plain(node);
    }
    List<DataType> types = OpDefinitions.attribute(node, "T").getList().getTypeList();
    List<String> controls = NodeWriter.controls(node);
    List<String> outputs = new ArrayList<>();
    for (int i = 0; i < types.size(); i++) {
      String name = i == 0 ? node.getName() : writer.uniqueName().apply(node.getName() + "/output");
      writer
          .sink()
          .accept(
              NodeDef.newBuilder()
                  .setName(name)
                  .setOp("Identity")
                  .addInput(node.getInput(i))
                  .addAllInput(controls)
                  .putAttr("T", NodeWriter.type(types.get(i)))
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
    String check = writer.uniqueName().apply(node.getName() + "/check");
    writer.sink().accept(node.toBuilder().setName(check).build());
    return writer.plain(
        identity(node.getName(), node, "T").toBuilder().addInput("^" + check).build());
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
    NodeWriter.Nested nested = writer.under(node);
    AttrValue type = OpDefinitions.attribute(node, "T");
    String input = node.getInput(0);
    String shape =
        nested.add("Shape", "shape", List.of(input), "T", type, "out_type", NodeWriter.INT32);
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
            NodeWriter.INT32,
            "Index",
            NodeWriter.INT32,
            "end_mask",
            NodeWriter.integer(1));
    String rows =
        nested.add(
            "ConcatV2",
            "rows",
            List.of(nested.vector("any", -1), last, nested.scalar("axis", DataType.DT_INT32, 0)),
            "N",
            NodeWriter.integer(2),
            "T",
            NodeWriter.INT32,
            "Tidx",
            NodeWriter.INT32);
    String flat =
        nested.add("Reshape", "flat", List.of(input, rows), "T", type, "Tshape", NodeWriter.INT32);
    String result = nested.add("LogSoftmax", "LogSoftmax", List.of(flat), "T", type);
    return writer.plain(
        NodeDef.newBuilder()
            .setName(node.getName())
            .setOp("Reshape")
            .addInput(result)
            .addInput(shape)
            .addAllInput(NodeWriter.controls(node))
            .putAttr("T", type)
            .putAttr("Tshape", NodeWriter.INT32)
            .build());
  }

  /** The C++ gradient cannot count axes from the end, and takes them in int32 only. */
  private Frame.Result gather(Frame frame, NodeDef original, NodeDef node) {
    OptionalLong axis = Scalars.constant(frame.producer(original.getInput(2)));
    boolean wide = OpDefinitions.attribute(node, "Taxis").getType() != DataType.DT_INT32;
    if (axis.isPresent() && axis.getAsLong() >= 0 && !wide) {
      return writer.plain(node);
    }
    NodeWriter.Nested nested = writer.under(node);
    int rank = Ranks.of(frame, original.getInput(0));
    String counted;
    if (axis.isPresent() && axis.getAsLong() >= 0) {
      counted = nested.scalar("axis", DataType.DT_INT32, axis.getAsLong());
    } else if (axis.isPresent() && rank != Ranks.UNKNOWN) {
      counted = nested.scalar("axis", DataType.DT_INT32, rank + axis.getAsLong());
    } else {
      String given = wide ? GradientRewrites.narrow(nested, node.getInput(2)) : node.getInput(2);
      AttrValue params = OpDefinitions.attribute(node, "Tparams");
      String rankNow = nested.add("Rank", "rank", List.of(node.getInput(0)), "T", params);
      counted = nested.add("FloorMod", "axis", List.of(given, rankNow), "T", NodeWriter.INT32);
    }
    return writer.plain(
        node.toBuilder().setInput(2, counted).putAttr("Taxis", NodeWriter.INT32).build());
  }
}
