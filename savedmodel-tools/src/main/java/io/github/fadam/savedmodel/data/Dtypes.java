package io.github.fadam.savedmodel.data;

import java.util.Locale;
import org.tensorflow.proto.DataType;

/** What messages call a dtype. */
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
}
