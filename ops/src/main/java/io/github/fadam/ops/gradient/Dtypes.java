package io.github.fadam.ops.gradient;

import io.github.fadam.ops.variable.TensorTypes;
import org.tensorflow.proto.DataType;

/** What the dtype of a graph's edge says about differentiability. */
final class Dtypes {

  /** {@code types.proto}: the number of a reference dtype is that of the dtype plus this. */
  private static final int REFERENCE_OFFSET = 100;

  private Dtypes() {}

  static boolean isReference(DataType type) {
    return type.getNumber() > REFERENCE_OFFSET;
  }

  static DataType base(DataType type) {
    return isReference(type) ? DataType.forNumber(type.getNumber() - REFERENCE_OFFSET) : type;
  }

  static boolean isFloating(DataType type) {
    return TensorTypes.isFloating(base(type));
  }

  /** Whether a gradient can flow along an edge: numbers with a derivative, or what holds them. */
  static boolean canCarryGradient(DataType type) {
    return switch (base(type)) {
      case DT_COMPLEX64, DT_COMPLEX128, DT_RESOURCE, DT_VARIANT -> true;
      default -> isFloating(type);
    };
  }
}
