package io.github.fadam.savedmodel.data;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;
import org.tensorflow.proto.DataType;

/**
 * The numeric dtypes that a column can hold, as little-endian bytes.
 *
 * <p>Little-endian is what every system with a TensorFlow native library uses, so that whole rows
 * are copied into tensors without a look at their elements.
 */
enum ElementType {
  FLOAT16(DataType.DT_HALF, 2),
  BFLOAT16(DataType.DT_BFLOAT16, 2),
  FLOAT32(DataType.DT_FLOAT, 4),
  FLOAT64(DataType.DT_DOUBLE, 8),
  INT8(DataType.DT_INT8, 1),
  INT16(DataType.DT_INT16, 2),
  INT32(DataType.DT_INT32, 4),
  INT64(DataType.DT_INT64, 8),
  UINT8(DataType.DT_UINT8, 1),
  UINT16(DataType.DT_UINT16, 2),
  UINT32(DataType.DT_UINT32, 4),
  UINT64(DataType.DT_UINT64, 8),
  BOOL(DataType.DT_BOOL, 1);

  private static final VarHandle SHORTS = view(short[].class);
  private static final VarHandle INTS = view(int[].class);
  private static final VarHandle LONGS = view(long[].class);

  private final DataType dataType;
  private final int size;

  ElementType(DataType dataType, int size) {
    this.dataType = dataType;
    this.size = size;
  }

  static Optional<ElementType> of(DataType dataType) {
    return Arrays.stream(values()).filter(type -> type.dataType == dataType).findFirst();
  }

  DataType dataType() {
    return dataType;
  }

  /** Bytes per element. */
  int size() {
    return size;
  }

  boolean isFloating() {
    return this == FLOAT16 || this == BFLOAT16 || this == FLOAT32 || this == FLOAT64;
  }

  /** Whether the element is neither NaN nor infinite. */
  boolean isFinite(byte[] bytes, int offset) {
    return !isFloating() || Double.isFinite(floating(bytes, offset));
  }

  /** The element as text, for messages. */
  String text(byte[] bytes, int offset) {
    if (isFloating()) {
      return Double.toString(floating(bytes, offset));
    }
    long value = integer(bytes, offset);
    return this == UINT64 ? Long.toUnsignedString(value) : Long.toString(value);
  }

  /**
   * Converts one element to another dtype, as {@link DataSource#tensor} promises.
   *
   * @return false if the other dtype cannot hold the value
   */
  boolean convert(byte[] from, int fromOffset, ElementType target, byte[] to, int toOffset) {
    if (isFloating()) {
      double value = floating(from, fromOffset);
      if (target.isFloating()) {
        target.putFloating(value, to, toOffset);
        return target.isFinite(to, toOffset) || !Double.isFinite(value);
      }
      return value == Math.rint(value)
          && Math.abs(value) < 0x1p63
          && target.putInteger((long) value, to, toOffset);
    }
    long value = integer(from, fromOffset);
    if (this == UINT64 && value < 0) {
      return false;
    }
    return target.isFloating()
        ? target.putExactly(value, to, toOffset)
        : target.putInteger(value, to, toOffset);
  }

  /** Writes a number rounded to this floating point type. */
  void putFloating(double value, byte[] bytes, int offset) {
    switch (this) {
      case FLOAT16 -> SHORTS.set(bytes, offset, HalfFloat.toHalf((float) value));
      case BFLOAT16 -> SHORTS.set(bytes, offset, HalfFloat.toBfloat((float) value));
      case FLOAT32 -> INTS.set(bytes, offset, Float.floatToRawIntBits((float) value));
      case FLOAT64 -> LONGS.set(bytes, offset, Double.doubleToRawLongBits(value));
      default -> throw new IllegalStateException(this + " is not a floating point type");
    }
  }

  /** Writes an integer if this integer type holds it. */
  boolean putInteger(long value, byte[] bytes, int offset) {
    if (!holds(value)) {
      return false;
    }
    switch (size) {
      case 1 -> bytes[offset] = (byte) value;
      case 2 -> SHORTS.set(bytes, offset, (short) value);
      case 4 -> INTS.set(bytes, offset, (int) value);
      default -> LONGS.set(bytes, offset, value);
    }
    return true;
  }

  private boolean putExactly(long value, byte[] bytes, int offset) {
    putFloating((double) value, bytes, offset);
    double stored = floating(bytes, offset);
    return stored < 0x1p63 && (long) stored == value;
  }

  private boolean holds(long value) {
    return switch (this) {
      case BOOL -> value == 0 || value == 1;
      case INT8 -> value == (byte) value;
      case INT16 -> value == (short) value;
      case INT32 -> value == (int) value;
      case INT64 -> true;
      case UINT8 -> value >= 0 && value <= 0xFF;
      case UINT16 -> value >= 0 && value <= 0xFFFF;
      case UINT32 -> value >= 0 && value <= 0xFFFFFFFFL;
      case UINT64 -> value >= 0;
      default -> throw new IllegalStateException(this + " is not an integer type");
    };
  }

  private double floating(byte[] bytes, int offset) {
    return switch (this) {
      case FLOAT16 -> HalfFloat.fromHalf((short) SHORTS.get(bytes, offset));
      case BFLOAT16 -> HalfFloat.fromBfloat((short) SHORTS.get(bytes, offset));
      case FLOAT32 -> Float.intBitsToFloat((int) INTS.get(bytes, offset));
      case FLOAT64 -> Double.longBitsToDouble((long) LONGS.get(bytes, offset));
      default -> throw new IllegalStateException(this + " is not a floating point type");
    };
  }

  /** The element as an integer; for uint64 its bits. */
  private long integer(byte[] bytes, int offset) {
    return switch (this) {
      case BOOL -> bytes[offset] == 0 ? 0 : 1;
      case INT8 -> bytes[offset];
      case UINT8 -> bytes[offset] & 0xFF;
      case INT16 -> (short) SHORTS.get(bytes, offset);
      case UINT16 -> (short) SHORTS.get(bytes, offset) & 0xFFFF;
      case INT32 -> (int) INTS.get(bytes, offset);
      case UINT32 -> Integer.toUnsignedLong((int) INTS.get(bytes, offset));
      case INT64, UINT64 -> (long) LONGS.get(bytes, offset);
      default -> throw new IllegalStateException(this + " is not an integer type");
    };
  }

  private static VarHandle view(Class<?> type) {
    return MethodHandles.byteArrayViewVarHandle(type, ByteOrder.LITTLE_ENDIAN);
  }
}
