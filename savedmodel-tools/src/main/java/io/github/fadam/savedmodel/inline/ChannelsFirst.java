package io.github.fadam.savedmodel.inline;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;

/**
 * Writes layers of images whose channels come first as the same layers with channels last, between
 * two transpositions. On processors TensorFlow has no kernels for the former, neither for values
 * nor for gradients: without XLA such models run on graphics cards only.
 */
final class ChannelsFirst {

  /** The operations by name: the place of the images among their inputs. */
  private static final Map<String, Integer> IMAGES =
      Map.of(
          "AvgPool", 0,
          "AvgPool3D", 0,
          "Conv2D", 0,
          "Conv2DBackpropInput", 2,
          "Conv3D", 0,
          "Conv3DBackpropInputV2", 2,
          "DepthwiseConv2dNative", 0,
          "MaxPool", 0,
          "MaxPool3D", 0);

  /** Attributes with a number for each dimension, or two. */
  private static final List<String> BY_DIMENSION =
      List.of("strides", "dilations", "ksize", "explicit_paddings");

  private final NodeWriter writer;
  private final Function<String, Shape> shapes;

  /**
   * Creates the rewriter.
   *
   * @param writer takes the new nodes
   * @param shapes what is known about the shape of a tensor of the plan
   */
  ChannelsFirst(NodeWriter writer, Function<String, Shape> shapes) {
    this.writer = writer;
    this.shapes = shapes;
  }

  /** Whether {@link #add} has to stand for the node. */
  static boolean isIn(NodeDef node) {
    return IMAGES.containsKey(node.getOp()) && rank(node) > 0;
  }

  /** Rank of the images where their channels are the second dimension, else 0. */
  private static int rank(NodeDef node) {
    return switch (OpDefinitions.attribute(node, "data_format").getS().toStringUtf8()) {
      case "NCHW" -> 4;
      case "NCDHW" -> 5;
      default -> 0;
    };
  }

  /**
   * Adds what replaces the node.
   *
   * @param layers adds the same layer with channels last
   */
  Frame.Result add(NodeDef node, Function<NodeDef, Frame.Result> layers) {
    int rank = rank(node);
    int images = IMAGES.get(node.getOp());
    AttrValue type = OpDefinitions.attribute(node, "T");
    NodeWriter.Nested nested = writer.under(node);
    NodeDef.Builder last =
        node.toBuilder()
            .setName(writer.uniqueName().apply(node.getName() + "/channels_last"))
            .setInput(
                images,
                transposed(nested, "images", node.getInput(images), type, channelsLast(rank)))
            .putAttr("data_format", NodeWriter.text(rank == 4 ? "NHWC" : "NDHWC"));
    for (String attribute : BY_DIMENSION) {
      if (node.containsAttr(attribute)) {
        last.putAttr(attribute, permuted(node.getAttrOrThrow(attribute), rank));
      }
    }
    if (images > 0 && shapes.apply(node.getInput(0)).size() != rank - 2) {
      last.setInput(0, sizes(nested, node, rank));
    }
    String order = nested.vector("channels_first", channelsFirst(rank));
    return writer.plain(
        NodeDef.newBuilder()
            .setName(node.getName())
            .setOp("Transpose")
            .addInput(layers.apply(last.build()).output(0))
            .addInput(order)
            .putAttr("T", type)
            .putAttr("Tperm", NodeWriter.INT32)
            .build());
  }

  private static String transposed(
      NodeWriter.Nested nested, String name, String tensor, AttrValue type, int[] order) {
    String by = nested.vector(name + "/order", order);
    return nested.add("Transpose", name, List.of(tensor, by), "T", type, "Tperm", NodeWriter.INT32);
  }

  /** The sizes of what a transposed convolution gives. */
  private static String sizes(NodeWriter.Nested nested, NodeDef node, int rank) {
    AttrValue type =
        node.getOp().equals("Conv2DBackpropInput")
            ? NodeWriter.INT32
            : OpDefinitions.attribute(node, "Tshape");
    return nested.add(
        "GatherV2",
        "sizes",
        List.of(
            node.getInput(0),
            nested.vector("sizes/order", channelsLast(rank)),
            nested.scalar("sizes/axis", DataType.DT_INT32, 0)),
        "Tparams",
        type,
        "Tindices",
        NodeWriter.INT32,
        "Taxis",
        NodeWriter.INT32);
  }

  private static AttrValue permuted(AttrValue attribute, int rank) {
    List<Long> numbers = attribute.getList().getIList();
    int each = numbers.size() / rank;
    List<Long> moved = new ArrayList<>();
    if (each > 0) {
      for (int dimension : channelsLast(rank)) {
        moved.addAll(numbers.subList(dimension * each, (dimension + 1) * each));
      }
    }
    return AttrValue.newBuilder().setList(AttrValue.ListValue.newBuilder().addAllI(moved)).build();
  }

  private static int[] channelsLast(int rank) {
    int[] order = new int[rank];
    for (int i = 1; i < rank - 1; i++) {
      order[i] = i + 1;
    }
    order[rank - 1] = 1;
    return order;
  }

  private static int[] channelsFirst(int rank) {
    int[] order = new int[rank];
    order[1] = rank - 1;
    for (int i = 2; i < rank; i++) {
      order[i] = i - 1;
    }
    return order;
  }
}
