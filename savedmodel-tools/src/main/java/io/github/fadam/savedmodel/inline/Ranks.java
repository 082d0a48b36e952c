package io.github.fadam.savedmodel.inline;

import io.github.fadam.savedmodel.model.ProtoShapes;
import java.util.List;
import java.util.Optional;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorShapeProto;

/** What the file says about shapes: Python writes the shapes it inferred next to most nodes. */
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
    Shape shape = shape(frame, input).orElse(Shape.unknown());
    return shape.isUnknown() ? UNKNOWN : shape.numDimensions();
  }

  /** Shape of a data input of one of a frame's nodes; empty where nothing is written. */
  static Optional<Shape> shape(Frame frame, String input) {
    NodeDef node = frame.producer(input);
    if (node == null) {
      return Optional.empty();
    }
    List<TensorShapeProto> shapes =
        node.getAttrOrDefault("_output_shapes", AttrValue.getDefaultInstance())
            .getList()
            .getShapeList();
    return shapes.size() == 1 ? Optional.of(ProtoShapes.of(shapes.get(0))) : Optional.empty();
  }
}
