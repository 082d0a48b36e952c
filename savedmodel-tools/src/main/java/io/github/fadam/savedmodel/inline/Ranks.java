package io.github.fadam.savedmodel.inline;

import java.util.List;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorShapeProto;

/** What the file says about ranks: Python writes the shapes it inferred next to most nodes. */
final class Ranks {

  /** A rank that the file does not tell. */
  static final int UNKNOWN = -1;

  private Ranks() {}

  /** Rank of a data input of one of a frame's nodes. */
  static int of(Frame frame, String input) {
    String name = Frame.nodeName(input);
    if (frame.arguments.containsKey(name)) {
      return frame.argumentRanks.getOrDefault(name, UNKNOWN);
    }
    NodeDef node = frame.nodes.get(name);
    if (node == null) {
      return UNKNOWN;
    }
    List<TensorShapeProto> shapes =
        node.getAttrOrDefault("_output_shapes", AttrValue.getDefaultInstance())
            .getList()
            .getShapeList();
    return shapes.size() != 1 || shapes.get(0).getUnknownRank()
        ? UNKNOWN
        : shapes.get(0).getDimCount();
  }
}
