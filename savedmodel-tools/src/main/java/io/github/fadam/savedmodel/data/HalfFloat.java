package io.github.fadam.savedmodel.data;

/** The two 16-bit floating point formats, which Java 17 does not know. */
final class HalfFloat {

  /** From here on a number rounds to infinity in float16. */
  private static final float HALF_OVERFLOW = 65520f;

  private static final float SMALLEST_NORMAL = 0x1p-14f;
  private static final int EXPONENT_SHIFT = (127 - 15) << 10;

  private HalfFloat() {}

  static float fromHalf(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = (half >> 10) & 0x1F;
    int fraction = half & 0x3FF;
    if (exponent == 0) {
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    int wide = exponent == 0x1F ? 0xFF : exponent + (127 - 15);
    return Float.intBitsToFloat(sign | wide << 23 | fraction << 13);
  }

  /** Rounds to nearest, ties to even. */
  static short toHalf(float value) {
    int sign = (Float.floatToRawIntBits(value) >>> 16) & 0x8000;
    float magnitude = Math.abs(value);
    int bits;
    if (Float.isNaN(value)) {
      bits = 0x7E00;
    } else if (magnitude >= HALF_OVERFLOW) {
      bits = 0x7C00;
    } else if (magnitude < SMALLEST_NORMAL) {
      bits = (int) Math.rint(magnitude * 0x1p24);
    } else {
      bits = (roundAway(Float.floatToRawIntBits(magnitude), 13) >>> 13) - EXPONENT_SHIFT;
    }
    return (short) (sign | bits);
  }

  static float fromBfloat(short value) {
    return Float.intBitsToFloat(value << 16);
  }

  /** Rounds to nearest, ties to even. */
  static short toBfloat(float value) {
    if (Float.isNaN(value)) {
      return 0x7FC0;
    }
    return (short) (roundAway(Float.floatToRawIntBits(value), 16) >>> 16);
  }

  /** Adds what makes cutting the low bits off a rounding to nearest, ties to even. */
  private static int roundAway(int bits, int cut) {
    return bits + (1 << (cut - 1)) - 1 + ((bits >>> cut) & 1);
  }
}
