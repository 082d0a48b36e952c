package io.github.fadam.savedmodel.inline;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;

/**
 * Writes out convolutions in groups of channels. On processors TensorFlow's kernels for their
 * gradients know no groups, nor does the one that it fuses with what follows; Keras has XLA compile
 * them there.
 *
 * <p>Where every channel is a group of its own and the strides are equal this is a depthwise
 * convolution. Else it becomes a convolution for each group, between a split and a concatenation.
 */
final class GroupedConvolution {

  private final NodeWriter writer;
  private final Function<NodeDef, Frame.Result> convolutions;
  private final Function<String, Shape> shapes;

  /**
   * Creates the rewriter.
   *
   * @param writer takes the new nodes
   * @param convolutions adds a convolution without groups
   * @param shapes what is known about the shape of a tensor of the plan
   */
  GroupedConvolution(
      NodeWriter writer,
      Function<NodeDef, Frame.Result> convolutions,
      Function<String, Shape> shapes) {
    this.writer = writer;
    this.convolutions = convolutions;
    this.shapes = shapes;
  }

  /** Adds a convolution or, where it is known to have groups, what replaces it. */
  Frame.Result add(NodeDef node) {
    Shape filter = shapes.apply(node.getInput(1));
    Shape image = shapes.apply(node.getInput(0));
    int rank = node.getOp().equals("Conv3D") ? 5 : 4;
    if (filter.numDimensions() != rank || image.numDimensions() != rank) {
      return convolutions.apply(node);
    }
    int axis = text(node, "data_format").endsWith("C") ? rank - 1 : 1;
    long channels = image.get(axis);
    long each = filter.get(rank - 2);
    if (channels <= 0 || each <= 0 || channels == each || channels % each != 0) {
      return convolutions.apply(node);
    }
    long groups = channels / each;
    return each == 1 && isDepthwise(node, axis) && filter.get(3) > 0
        ? depthwise(node, filter)
        : split(node, Math.toIntExact(groups), axis, rank - 1);
  }

  private static String text(NodeDef node, String attribute) {
    return OpDefinitions.attribute(node, attribute).getS().toStringUtf8();
  }

  /** What the kernel of the depthwise convolution asks for besides. */
  private static boolean isDepthwise(NodeDef node, int axis) {
    List<Long> strides = OpDefinitions.attribute(node, "strides").getList().getIList();
    boolean dilated =
        OpDefinitions.attribute(node, "dilations").getList().getIList().stream()
            .anyMatch(dilation -> dilation != 1);
    return node.getOp().equals("Conv2D")
        && axis == 3
        && strides.get(1).equals(strides.get(2))
        && !dilated;
  }

  /** Output channel k m + q is the q-th of the m that come from input channel k, as there. */
  private Frame.Result depthwise(NodeDef node, Shape filter) {
    NodeWriter.Nested nested = writer.under(node);
    AttrValue type = OpDefinitions.attribute(node, "T");
    long channels = shapes.apply(node.getInput(0)).get(3);
    String sizes =
        nested.vector(
            "sizes", -1, (int) filter.get(1), (int) channels, (int) (filter.get(3) / channels));
    String reshaped =
        nested.add(
            "Reshape",
            "filter",
            List.of(node.getInput(1), sizes),
            "T",
            type,
            "Tshape",
            NodeWriter.INT32);
    NodeDef.Builder replacement =
        NodeDef.newBuilder()
            .setName(node.getName())
            .setOp("DepthwiseConv2dNative")
            .addInput(node.getInput(0))
            .addInput(reshaped)
            .addAllInput(NodeWriter.controls(node));
    for (String attribute :
        List.of("T", "strides", "padding", "explicit_paddings", "data_format", "dilations")) {
      replacement.putAttr(attribute, OpDefinitions.attribute(node, attribute));
    }
    return convolutions.apply(replacement.build());
  }

  private Frame.Result split(NodeDef node, int groups, int imageAxis, int filterAxis) {
    NodeWriter.Nested nested = writer.under(node);
    AttrValue type = OpDefinitions.attribute(node, "T");
    AttrValue number = NodeWriter.integer(groups);
    String images = parts(nested, "images", imageAxis, node.getInput(0), number, type);
    String filters = parts(nested, "filters", filterAxis, node.getInput(1), number, type);
    List<String> joined = new ArrayList<>();
    for (int group = 0; group < groups; group++) {
      NodeDef one =
          node.toBuilder()
              .setName(writer.uniqueName().apply(node.getName() + "/group" + group))
              .setInput(0, images + ":" + group)
              .setInput(1, filters + ":" + group)
              .build();
      joined.add(convolutions.apply(one).output(0));
    }
    joined.add(nested.scalar("axis", DataType.DT_INT32, imageAxis));
    return writer.plain(
        NodeDef.newBuilder()
            .setName(node.getName())
            .setOp("ConcatV2")
            .addAllInput(joined)
            .addAllInput(NodeWriter.controls(node))
            .putAttr("N", number)
            .putAttr("T", type)
            .putAttr("Tidx", NodeWriter.INT32)
            .build());
  }

  /** Name of the node whose outputs are the parts. */
  private static String parts(
      NodeWriter.Nested nested,
      String name,
      int axis,
      String tensor,
      AttrValue number,
      AttrValue type) {
    String counted = nested.scalar(name + "/axis", DataType.DT_INT32, axis);
    return Frame.nodeName(
        nested.add("Split", name, List.of(counted, tensor), "num_split", number, "T", type));
  }
}
