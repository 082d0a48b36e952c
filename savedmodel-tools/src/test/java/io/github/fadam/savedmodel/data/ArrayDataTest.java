package io.github.fadam.savedmodel.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TString;
import org.tensorflow.types.TUint8;

class ArrayDataTest {

  private static final long[] ROWS = {1, 0};

  static Stream<Object> arrays() {
    return Stream.of(
        new float[][] {{1, 2}, {3, 4}},
        new double[][] {{1, 2}, {3, 4}},
        new byte[][] {{1, 2}, {3, 4}},
        new short[][] {{1, 2}, {3, 4}},
        new int[][] {{1, 2}, {3, 4}},
        new long[][] {{1, 2}, {3, 4}});
  }

  @ParameterizedTest
  @MethodSource("arrays")
  void takesNestedArrays(Object array) {
    DataSource data = ArrayData.builder().column("x", array).build();
    assertEquals(Shape.of(2), data.columns().get("x").rowShape());
    NpzDataTest.assertNumbers(data, "x", ROWS, 3, 4, 1, 2);
  }

  @Test
  void takesFlatArraysTensorsAndNdArrays() {
    DataSource data;
    try (TUint8 bytes = TUint8.vectorOf((byte) 1, (byte) 255);
        TBfloat16 halves = TBfloat16.vectorOf(1.5f, 2);
        TString words = TString.vectorOf("a", "b")) {
      data =
          ArrayData.builder()
              .column("flat", new float[] {1, 2, 3, 4, 5, 6, 7, 8}, Shape.of(2, 2))
              .column("bytes", bytes)
              .column("halves", halves)
              .column("nd", NdArrays.vectorOf(7L, 8L))
              .column("flags", new boolean[] {true, false})
              .column("words", words)
              .column("lines", new String[][] {{"p", "q"}, {"r", "s"}})
              .build();
    }
    NpzDataTest.assertNumbers(data, "flat", ROWS, 5, 6, 7, 8, 1, 2, 3, 4);
    NpzDataTest.assertNumbers(data, "bytes", ROWS, 255, 1);
    NpzDataTest.assertNumbers(data, "halves", ROWS, 2, 1.5);
    NpzDataTest.assertNumbers(data, "nd", ROWS, 8, 7);
    NpzDataTest.assertNumbers(data, "flags", ROWS, 0, 1);
    assertEquals(DataType.DT_BFLOAT16, data.columns().get("halves").dataType());
    try (TString words = (TString) data.tensor("words", ROWS, DataType.DT_STRING);
        TString lines = (TString) data.tensor("lines", ROWS, DataType.DT_STRING)) {
      assertEquals(List.of("b", "a"), words.streamOfObjects().toList());
      assertEquals(List.of("r", "s", "p", "q"), lines.streamOfObjects().toList());
    }
  }

  @Test
  void copiesTheArrays() {
    float[] array = {1, 2};
    DataSource data = ArrayData.builder().column("x", array).build();
    array[0] = 9;
    NpzDataTest.assertNumbers(data, "x", new long[] {0}, 1);
  }

  @Test
  void spansBlocks() {
    int rows = 40;
    int row = 1 << 20;
    byte[] flat = new byte[rows * row];
    for (int i = 0; i < rows; i++) {
      flat[i * row] = (byte) i;
      flat[(i + 1) * row - 1] = (byte) -i;
    }
    DataSource data = ArrayData.builder().column("x", widened(flat), Shape.of(row)).build();
    try (var tensor =
        (org.tensorflow.types.TInt32)
            data.tensor("x", new long[] {39, 15, 16}, DataType.DT_INT32)) {
      assertEquals(39, tensor.getInt(0, 0));
      assertEquals(-15, tensor.getInt(1, row - 1));
      assertEquals(16, tensor.getInt(2, 0));
    }
  }

  private static short[] widened(byte[] bytes) {
    short[] shorts = new short[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      shorts[i] = bytes[i];
    }
    return shorts;
  }

  static Stream<Object> wrong() {
    return Stream.of(
        "a string",
        3,
        new float[][] {{1, 2}, {3}},
        new float[0][2],
        new Object[] {1, 2},
        new String[] {"a", null},
        new float[][] {{1}, null},
        new char[] {'a'});
  }

  @ParameterizedTest
  @MethodSource("wrong")
  void refusesOtherThings(Object array) {
    ArrayData.Builder builder = ArrayData.builder();
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> builder.column("x", array));
    assertTrue(e.getMessage().contains("column x"), e.getMessage());
  }

  @Test
  void refusesUnevenRepeatedAndMissingColumns() {
    ArrayData.Builder builder = ArrayData.builder().column("x", new int[2]);
    assertThrows(IllegalArgumentException.class, () -> builder.column("x", new int[2]));
    assertThrows(
        IllegalArgumentException.class, () -> builder.column("z", new int[5], Shape.of(2)));
    assertThrows(IllegalArgumentException.class, () -> builder.column("z", NdArrays.scalarOf(1f)));
    builder.column("y", new int[3]);
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, builder::build);
    assertTrue(e.getMessage().contains("2 in x and 3 in y"), e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> ArrayData.builder().build());
  }
}
