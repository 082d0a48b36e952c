package io.github.fadam.savedmodel.data;

import java.util.Locale;
import org.tensorflow.internal.types.registry.TensorTypeRegistry;
import org.tensorflow.proto.DataType;

/** What messages call a dtype, and which dtypes TensorFlow-Java can hold. */
final class Dtypes {

  private Dtypes() {}

  /** The name that Python uses: float32, int64, string. */
  static String name(DataType dataType) {
    return switch (dataType) {
      case DT_HALF -> "float16";
      case DT_FLOAT -> "float32";
      case DT_DOUBLE -> "float64";
      default -> dataType.name().substring("DT_".length()).toLowerCase(Locale.ROOT);
    };
  }

  static boolean hasTensors(DataType dataType) {
    try {
      return TensorTypeRegistry.find(dataType) != null;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
