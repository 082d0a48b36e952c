package io.github.fadam.ops.variable;

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

/**
 * Which dtypes TensorFlow-Java has tensors of, and which of them can be trained. TensorFlow-Java's
 * own table is not for modules to see.
 */
public final class TensorTypes {

  /** {@code types.proto}: the number of a reference dtype is that of the dtype plus this. */
  private static final int REFERENCE_OFFSET = 100;

  private TensorTypes() {}

  /**
   * Whether a dtype is that of a reference variable's output.
   *
   * @param dataType any dtype
   * @return true for the dtypes that end in {@code _REF}
   */
  public static boolean isReference(DataType dataType) {
    return dataType.getNumber() > REFERENCE_OFFSET;
  }

  /**
   * The dtype of what a reference refers to.
   *
   * @param dataType any dtype
   * @return the dtype without {@code _REF}
   */
  public static DataType base(DataType dataType) {
    return isReference(dataType)
        ? DataType.forNumber(dataType.getNumber() - REFERENCE_OFFSET)
        : dataType;
  }

  /**
   * The class of a dtype's tensors.
   *
   * @param dataType any dtype, not a reference
   * @return the class, or empty if TensorFlow-Java has none
   */
  public static Optional<Class<? extends TType>> of(DataType dataType) {
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

  /**
   * Whether a dtype is of real numbers with derivatives.
   *
   * @param dataType any dtype, not a reference
   * @return true for float16, bfloat16, float32 and float64
   */
  public static boolean isFloating(DataType dataType) {
    return switch (dataType) {
      case DT_HALF, DT_BFLOAT16, DT_FLOAT, DT_DOUBLE -> true;
      default -> false;
    };
  }
}
