package io.github.fadam.savedmodel.model;

import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.TensorShapeProto;

/** From the shapes that are written in a model to shapes of arrays. */
public final class ProtoShapes {

  private ProtoShapes() {}

  /**
   * A shape as arrays have it.
   *
   * @param proto {@code TensorShapeProto} of a node, signature or variable
   * @return the shape; sizes and ranks that the proto leaves open are unknown
   */
  public static Shape of(TensorShapeProto proto) {
    return proto.getUnknownRank()
        ? Shape.unknown()
        : Shape.of(
            proto.getDimList().stream()
                .mapToLong(dimension -> Math.max(dimension.getSize(), Shape.UNKNOWN_SIZE))
                .toArray());
  }
}
