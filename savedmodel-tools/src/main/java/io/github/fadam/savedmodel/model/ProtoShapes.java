package io.github.fadam.savedmodel.model;

import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.TensorShapeProto;

/** From the shapes that are written in a model to shapes of arrays. */
final class ProtoShapes {

  private ProtoShapes() {}

  static Shape of(TensorShapeProto proto) {
    return proto.getUnknownRank()
        ? Shape.unknown()
        : Shape.of(
            proto.getDimList().stream()
                .mapToLong(dimension -> Math.max(dimension.getSize(), Shape.UNKNOWN_SIZE))
                .toArray());
  }
}
