package io.github.fadam.savedmodel.inline;

import io.github.fadam.ops.gradient.RepairedGradients;
import java.util.List;
import java.util.Map;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.OpDef.ArgDef;

/**
 * What is put before or behind a node that stays, so that its gradient is right: values are those
 * of the node, bit for bit.
 */
final class GradientRewrites {

  /**
   * Inputs that are indices, which TensorFlow's gradients take in int32 only.
   *
   * @param attribute the attribute that has their dtype
   * @param clamped whether they may stand for "as far as it goes" by a number beyond int32
   * @param inputs their places; -1 is the last
   */
  private record Indices(String attribute, boolean clamped, List<Integer> inputs) {}

  private static final Map<String, Indices> INDICES =
      Map.ofEntries(
          Map.entry("BroadcastTo", new Indices("Tidx", false, List.of(1))),
          Map.entry("ConcatV2", new Indices("Tidx", false, List.of(-1))),
          Map.entry("Max", new Indices("Tidx", false, List.of(1))),
          Map.entry("Mean", new Indices("Tidx", false, List.of(1))),
          Map.entry("Min", new Indices("Tidx", false, List.of(1))),
          Map.entry("Pad", new Indices("Tpaddings", false, List.of(1))),
          Map.entry("PadV2", new Indices("Tpaddings", false, List.of(1))),
          Map.entry("Prod", new Indices("Tidx", false, List.of(1))),
          Map.entry("Slice", new Indices("Index", false, List.of(1, 2))),
          Map.entry("StridedSlice", new Indices("Index", true, List.of(1, 2, 3))),
          Map.entry("Sum", new Indices("Tidx", false, List.of(1))));

  private static final AttrValue INT64 = NodeWriter.type(DataType.DT_INT64);

  private final NodeWriter writer;

  /**
   * Creates the rewriter.
   *
   * @param writer takes the new nodes
   */
  GradientRewrites(NodeWriter writer) {
    this.writer = writer;
  }

  /** The node with inputs that its gradient can take; nodes that make them have been added. */
  NodeDef prepared(NodeDef node) {
    Indices indices = INDICES.get(node.getOp());
    if (indices != null && isOf(node, indices.attribute(), DataType.DT_INT64)) {
      return narrowed(node, indices);
    }
    return node.getOp().equals("Cast") && rounds(node) ? stopped(node) : node;
  }

  /** Whether {@link #repaired} has to stand for the node. */
  boolean isWrong(NodeDef node) {
    return RepairedGradients.isNeeded(node);
  }

  /** Adds the node and, under its name, the operation behind it that has its gradient. */
  Frame.Result repaired(NodeDef node) {
    return repaired(node, Map.of());
  }

  /** The same with what the gradient has to know, by attribute. */
  Frame.Result repaired(NodeDef node, Map<String, AttrValue> known) {
    OpDef definition = OpDefinitions.of(node.getOp());
    NodeWriter.Nested nested = writer.under(node);
    String value = writer.uniqueName().apply(node.getName() + "/value");
    writer.plain(node.toBuilder().setName(value).build());
    NodeDef.Builder identity = NodeDef.newBuilder().setName(node.getName()).setOp("IdentityN");
    AttrValue.ListValue.Builder types = AttrValue.ListValue.newBuilder();
    for (int i = 0; i < definition.getOutputArgCount(); i++) {
      DataType type = type(node, definition.getOutputArg(i));
      identity.addInput(stopped(nested, value + ":" + i, type));
      types.addType(type);
    }
    for (int i = 0; i < definition.getInputArgCount(); i++) {
      identity.addInput(node.getInput(i));
      types.addType(type(node, definition.getInputArg(i)));
    }
    identity.putAttr("T", AttrValue.newBuilder().setList(types).build());
    identity.putAttr(
        RepairedGradients.TYPE, AttrValue.newBuilder().setS(definition.getNameBytes()).build());
    for (OpDef.AttrDef attribute : definition.getAttrList()) {
      identity.putAttr(
          RepairedGradients.PREFIX + attribute.getName(),
          OpDefinitions.attribute(node, attribute.getName()));
    }
    return writer.plain(identity.putAllAttr(known).build());
  }

  private static boolean isOf(NodeDef node, String attribute, DataType type) {
    return OpDefinitions.attribute(node, attribute).getType() == type;
  }

  private static DataType type(NodeDef node, ArgDef argument) {
    return argument.getTypeAttr().isEmpty()
        ? argument.getType()
        : OpDefinitions.attribute(node, argument.getTypeAttr()).getType();
  }

  /** Whether a cast rounds: TensorFlow would pass the gradient through, rounded itself. */
  private static boolean rounds(NodeDef node) {
    return switch (OpDefinitions.attribute(node, "DstT").getType()) {
      case DT_HALF, DT_BFLOAT16, DT_FLOAT, DT_DOUBLE, DT_COMPLEX64, DT_COMPLEX128 -> false;
      default ->
          switch (OpDefinitions.attribute(node, "SrcT").getType()) {
            case DT_HALF, DT_BFLOAT16, DT_FLOAT, DT_DOUBLE -> true;
            default -> false;
          };
    };
  }

  private NodeDef stopped(NodeDef node) {
    DataType type = OpDefinitions.attribute(node, "SrcT").getType();
    return node.toBuilder()
        .setInput(0, stopped(writer.under(node), node.getInput(0), type))
        .build();
  }

  private static String stopped(NodeWriter.Nested nested, String input, DataType type) {
    return nested.add("StopGradient", "stopped", List.of(input), "T", NodeWriter.type(type));
  }

  private NodeDef narrowed(NodeDef node, Indices indices) {
    int data = node.getInputCount() - NodeWriter.controls(node).size();
    NodeWriter.Nested nested = writer.under(node);
    NodeDef.Builder narrowed = node.toBuilder();
    for (int input : indices.inputs()) {
      int place = input < 0 ? data + input : input;
      String wide = node.getInput(place);
      if (indices.clamped()) {
        wide = bounded(nested, "Minimum", wide, Integer.MAX_VALUE);
        wide = bounded(nested, "Maximum", wide, Integer.MIN_VALUE);
      }
      narrowed.setInput(place, narrow(nested, wide));
    }
    return narrowed.putAttr(indices.attribute(), NodeWriter.INT32).build();
  }

  /** An int64 tensor as int32. */
  static String narrow(NodeWriter.Nested nested, String wide) {
    return nested.add("Cast", "narrowed", List.of(wide), "SrcT", INT64, "DstT", NodeWriter.INT32);
  }

  private static String bounded(NodeWriter.Nested nested, String op, String value, long bound) {
    String limit = nested.scalar("limit", DataType.DT_INT64, bound);
    return nested.add(op, "bounded", List.of(value, limit), "T", INT64);
  }
}
