package io.github.fadam.savedmodel.data;

import java.util.Locale;
import java.util.Optional;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.TString;
import org.tensorflow.types.TUint16;
import org.tensorflow.types.TUint8;
import org.tensorflow.types.family.TType;

/** What messages call a dtype, and which dtypes TensorFlow-Java has tensors of. */
public final class Dtypes {

  private Dtypes() {}

  /**
   * The name that Python gives a dtype.
   *
   * @param dataType any dtype
   * @return for example {@code float32}, {@code int64}, {@code string}
   */
  public static String name(DataType dataType) {
    return switch (dataType) {
      case DT_HALF -> "float16";
      case DT_FLOAT -> "float32";
      case DT_DOUBLE -> "float64";
      default -> dataType.name().substring("DT_".length()).toLowerCase(Locale.ROOT);
    };
  }

  /** The tensors' class; TensorFlow-Java's own table of them is not for modules to see. */
  static Optional<Class<? extends TType>> tensors(DataType dataType) {
    return Optional.ofNullable(
        switch (dataType) {
          case DT_HALF -> TFloat16.class;
          case DT_BFLOAT16 -> TBfloat16.class;
          case DT_FLOAT -> TFloat32.class;
          case DT_DOUBLE -> TFloat64.class;
          case DT_INT32 -> TInt32.class;
          case DT_INT64 -> TInt64.class;
          case DT_UINT8 -> TUint8.class;
          case DT_UINT16 -> TUint16.class;
          case DT_BOOL -> TBool.class;
          case DT_STRING -> TString.class;
          default -> null;
        });
  }
}
