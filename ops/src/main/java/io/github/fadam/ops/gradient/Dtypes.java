package io.github.fadam.ops.gradient;

import io.github.fadam.ops.variable.TensorTypes;
import org.tensorflow.proto.DataType;

/** What the dtype of a graph's edge says about differentiability. */
final class Dtypes {

  private Dtypes() {}

  static boolean isFloating(DataType type) {
    return TensorTypes.isFloating(TensorTypes.base(type));
  }

  /** Whether a gradient can flow along an edge: numbers with a derivative, or what holds them. */
  static boolean canCarryGradient(DataType type) {
    return switch (TensorTypes.base(type)) {
      case DT_COMPLEX64, DT_COMPLEX128, DT_RESOURCE, DT_VARIANT -> true;
      default -> isFloating(type);
    };
  }
}
