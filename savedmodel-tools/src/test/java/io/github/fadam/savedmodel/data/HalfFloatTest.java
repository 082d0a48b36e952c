package io.github.fadam.savedmodel.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat16;

/** Every value of both formats, and rounding, against TensorFlow-Java's own conversions. */
class HalfFloatTest {

  @Test
  void readsEveryHalfAsTensorFlowDoes() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = HalfFloat.fromHalf((short) bits);
      if (!Float.isNaN(value)) {
        assertEquals((short) bits, HalfFloat.toHalf(value), Integer.toHexString(bits));
      } else {
        assertTrue((bits & 0x7C00) == 0x7C00 && (bits & 0x3FF) != 0);
      }
    }
    assertEquals(1f, HalfFloat.fromHalf((short) 0x3C00));
    assertEquals(65504f, HalfFloat.fromHalf((short) 0x7BFF));
    assertEquals(0x1p-24f, HalfFloat.fromHalf((short) 1));
  }

  @Test
  void roundsHalvesToNearestEven() {
    assertEquals(0x3C00, HalfFloat.toHalf(1 + 0x1p-11f));
    assertEquals(0x3C02, HalfFloat.toHalf(1 + 3 * 0x1p-11f));
    assertEquals(0x3C01, HalfFloat.toHalf(1 + 0x1p-11f + 0x1p-20f));
    assertEquals(0x7BFF, HalfFloat.toHalf(65519.99f));
    assertEquals(0x7C00, HalfFloat.toHalf(65520f));
    assertEquals(0, HalfFloat.toHalf(0x1p-25f));
    assertEquals(2, HalfFloat.toHalf(3 * 0x1p-25f));
    assertEquals((short) 0x8000, HalfFloat.toHalf(-0f));
  }

  @Test
  void roundsBfloatsToNearestEven() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = HalfFloat.fromBfloat((short) bits);
      if (!Float.isNaN(value)) {
        assertEquals((short) bits, HalfFloat.toBfloat(value), Integer.toHexString(bits));
      }
    }
    assertEquals(0x3F80, HalfFloat.toBfloat(1 + 0x1p-8f));
    assertEquals(0x3F82, HalfFloat.toBfloat(1 + 3 * 0x1p-8f));
    assertEquals(0x7F80, HalfFloat.toBfloat(Float.MAX_VALUE));
    assertTrue(Float.isNaN(HalfFloat.fromBfloat(HalfFloat.toBfloat(Float.NaN))));
  }

  @Test
  void agreesWithTensors() {
    DataSource data = ArrayData.builder().column("x", new float[] {0.1f, -3.3f, 1e-6f}).build();
    long[] rows = {0, 1, 2};
    try (TFloat16 half = (TFloat16) data.tensor("x", rows, org.tensorflow.proto.DataType.DT_HALF);
        TBfloat16 brain =
            (TBfloat16) data.tensor("x", rows, org.tensorflow.proto.DataType.DT_BFLOAT16)) {
      assertEquals(0.1f, half.getFloat(0), 1e-4f);
      assertEquals(-3.3f, half.getFloat(1), 2e-3f);
      assertEquals(1e-6f, half.getFloat(2), 6e-8f);
      assertEquals(0.1f, brain.getFloat(0), 4e-4f);
    }
  }
}
