package io.github.fadam.savedmodel.data;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.StdArrays;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.TString;

/** Files that NumPy wrote (make_npz.py), and what can be wrong with a file. */
class NpzDataTest {

  private static final Path FILES = Path.of("src/test/resources/npz");
  private static final long[] ALL = {0, 1, 2};

  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"})
  void readsEveryNumberOfNumpy(String array) throws IOException {
    for (String file : List.of("every_dtype.npz", "compressed.npz")) {
      DataSource data = NpzData.read(FILES.resolve(file));
      assertEquals(3, data.rows());
      assertEquals(Shape.of(2, 2), data.columns().get(array).rowShape());
      assertNumbers(data, array, ALL, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
      assertNumbers(data, array, new long[] {2, 0}, 8, 9, 10, 11, 0, 1, 2, 3);
    }
  }

  @Test
  void keepsTheDtypesOfTheFile() throws IOException {
    Map<String, DataSource.Column> columns =
        NpzData.read(FILES.resolve("every_dtype.npz")).columns();
    assertEquals(DataType.DT_HALF, columns.get("f2").dataType());
    assertEquals(DataType.DT_UINT64, columns.get("u8").dataType());
    assertEquals(DataType.DT_BOOL, columns.get("b1").dataType());
    assertEquals("f2", columns.keySet().iterator().next());
  }

  @Test
  void readsBooleansAsNumbersToo() throws IOException {
    DataSource data = NpzData.read(FILES.resolve("every_dtype.npz"));
    assertNumbers(data, "b1", ALL, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"big", "big_int", "fortran", "big_fortran"})
  void readsBothByteOrdersAndBothElementOrders(String array) throws IOException {
    DataSource data = NpzData.read(FILES.resolve("orders.npz"));
    assertNumbers(data, array, ALL, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
  }

  @Test
  void readsStrings() throws IOException {
    DataSource data = NpzData.read(FILES.resolve("strings.npz"));
    assertArrayEquals(new String[] {"Zürich", "", "日本 𝄞"}, strings(data, "unicode"));
    assertArrayEquals(new String[] {"a", "bc", "def"}, strings(data, "big_unicode"));
    try (TString bytes = (TString) data.tensor("bytes", ALL, DataType.DT_STRING)) {
      byte[] second = bytes.asBytes().getObject(1);
      assertArrayEquals(new byte[] {(byte) 0xFF, 0, 't', 'w', 'o'}, second);
    }
    DataSource orders = NpzData.read(FILES.resolve("orders.npz"));
    assertArrayEquals(
        new String[] {"a", "bb", "c", "d", "e", "f"}, strings(orders, "fortran_words"));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void readsEveryVersionOfTheFormat(int version) throws IOException {
    DataSource data = NpzData.read(FILES.resolve("version" + version + ".npz"));
    assertNumbers(data, "x", new long[] {1}, 4, 5, 6, 7);
  }

  @Test
  void keepsTheLimits() throws IOException {
    DataSource data = NpzData.read(FILES.resolve("limits.npz"));
    try (TInt64 i8 = (TInt64) data.tensor("i8", new long[] {0, 1}, DataType.DT_INT64);
        TFloat64 f2 = (TFloat64) data.tensor("f2", new long[] {0, 1}, DataType.DT_DOUBLE);
        TFloat64 small = (TFloat64) data.tensor("f2_small", new long[] {0, 1}, DataType.DT_DOUBLE);
        TFloat32 f4 = (TFloat32) data.tensor("f4", new long[] {0}, DataType.DT_FLOAT)) {
      assertEquals(Long.MIN_VALUE, i8.getLong(0));
      assertEquals(Long.MAX_VALUE, i8.getLong(1));
      assertEquals(6.1e-5, f2.getDouble(0), 0x1p-24);
      assertEquals(65504.0, f2.getDouble(1));
      assertEquals(0x1p-24, small.getDouble(0));
      assertEquals(Double.NEGATIVE_INFINITY, small.getDouble(1));
      assertTrue(Float.isNaN(f4.getFloat(0)));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "u8, DT_INT64, 1, 18446744073709551615",
    "i8, DT_INT32, 0, -9223372036854775808",
    "i8, DT_DOUBLE, 1, 9223372036854775807",
    "f4, DT_HALF, 1, 3.0",
    "f4, DT_INT64, 0, NaN",
    "f2, DT_INT32, 0, 6.09",
    "f2_small, DT_UINT8, 1, -Infinity",
  })
  void refusesToLoseAValue(String array, DataType wanted, int row, String value)
      throws IOException {
    DataSource data = NpzData.read(FILES.resolve("limits.npz"));
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> data.tensor(array, new long[] {row}, wanted).close())
            .getMessage();
    assertAll(
        () -> assertTrue(message.contains("column " + array), message),
        () -> assertTrue(message.contains("row " + row), message),
        () -> assertTrue(message.contains(value), message),
        () -> assertTrue(message.contains("limits.npz"), message));
  }

  @Test
  void refusesDtypesWithoutTensorsAndStringsForNumbers() throws IOException {
    DataSource data = NpzData.read(FILES.resolve("every_dtype.npz"));
    for (DataType wanted : List.of(DataType.DT_UINT32, DataType.DT_STRING, DataType.DT_RESOURCE)) {
      assertThrows(
          IllegalArgumentException.class, () -> data.tensor("f4", new long[] {0}, wanted).close());
    }
    DataSource strings = NpzData.read(FILES.resolve("strings.npz"));
    assertThrows(
        IllegalArgumentException.class,
        () -> strings.tensor("unicode", ALL, DataType.DT_FLOAT).close());
    assertThrows(
        IndexOutOfBoundsException.class,
        () -> data.tensor("f4", new long[] {3}, DataType.DT_FLOAT).close());
    String unknown =
        assertThrows(
                IllegalArgumentException.class,
                () -> data.tensor("F4", new long[] {0}, DataType.DT_FLOAT).close())
            .getMessage();
    assertTrue(unknown.contains("did you mean 'f4'"), unknown);
  }

  @ParameterizedTest
  @CsvSource({
    "objects.npz, pickle",
    "complex.npz, <c16",
    "structured.npz, structured",
    "dates.npz, <M8",
    "scalar.npz, scalar",
    "uneven.npz, found 3 in x and 4 in y",
    "not_npy.npz, readme.txt",
    "cut_off.npz, zip",
    "no_such.npz, none",
  })
  void refusesWhatItCannotRead(String file, String found) {
    Exception e = assertThrows(Exception.class, () -> NpzData.read(FILES.resolve(file)));
    assertTrue(e instanceof IOException || e instanceof IllegalArgumentException, e.toString());
    assertTrue(e.getMessage().contains(found), e.getMessage());
    assertTrue(e.getMessage().contains(file), e.getMessage());
    assertTrue(e.getMessage().contains(";"), "a remedy: " + e.getMessage());
  }

  @Test
  void readsNoRows() throws IOException {
    DataSource data = NpzData.read(FILES.resolve("empty.npz"));
    assertEquals(0, data.rows());
    assertThrows(
        IllegalArgumentException.class,
        () -> DataBinding.of(data).input("x", DataType.DT_FLOAT, Shape.of(-1, 4)).build());
  }

  @Test
  void noticesEveryFlippedByteOfTheElements() throws IOException {
    byte[] whole = Files.readAllBytes(FILES.resolve("version1.npz"));
    Path damaged = directory.resolve("damaged.npz");
    int noticed = 0;
    int first = new String(whole, StandardCharsets.ISO_8859_1).indexOf('\n') + 1;
    for (int i = first; i < first + 48; i++) {
      byte[] flipped = whole.clone();
      flipped[i] ^= 0x10;
      Files.write(damaged, flipped);
      assertThrows(IOException.class, () -> NpzData.read(damaged));
      noticed++;
    }
    assertEquals(48, noticed);
  }

  @Test
  void neverAnswersDamageWithAnythingButAMessage() throws IOException {
    byte[] whole = Files.readAllBytes(FILES.resolve("compressed.npz"));
    Path damaged = directory.resolve("damaged.npz");
    for (int i = 0; i < whole.length; i += 3) {
      byte[] flipped = whole.clone();
      flipped[i] ^= 0x55;
      Files.write(damaged, flipped);
      readOrMessage(damaged);
      Files.write(damaged, Arrays.copyOf(whole, i));
      readOrMessage(damaged);
    }
  }

  private static void readOrMessage(Path file) {
    try {
      NpzData.read(file);
    } catch (IOException | IllegalArgumentException e) {
      assertTrue(
          String.valueOf(e.getMessage()).contains(file.getFileName().toString()), () -> trace(e));
    }
  }

  private static String trace(Exception e) {
    return e + Arrays.toString(e.getStackTrace());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 99999999999), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1000000), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<U99999999999', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f4', 'shape': (1,), }",
        "{'descr': '<f3', 'fortran_order': False, 'shape': (1,), }",
        "nonsense",
      })
  void refusesHeadersThatLie(String header) throws IOException {
    Path file = directory.resolve("lie.npz");
    byte[] text = (header.replace("\"", "") + "\n").getBytes(StandardCharsets.ISO_8859_1);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.putNextEntry(new ZipEntry("x.npy"));
      zip.write(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
      zip.write(text.length);
      zip.write(0);
      zip.write(text);
      zip.write(new byte[8]);
    }
    Files.write(file, bytes.toByteArray());
    IOException e = assertThrows(IOException.class, () -> NpzData.read(file));
    assertTrue(e.getMessage().contains("array x of"), e.getMessage());
  }

  @Test
  void writesWhatItReads() throws IOException {
    Path file = directory.resolve("written.npz");
    Map<String, Tensor> arrays = new LinkedHashMap<>();
    arrays.put("floats", TFloat32.tensorOf(StdArrays.ndCopyOf(new float[][] {{1, 2}, {3, 4}})));
    arrays.put("ints", TInt32.vectorOf(5, -6));
    arrays.put("halves", TBfloat16.vectorOf(1.5f, -2));
    arrays.put("words", TString.vectorOf("a", "Zürich"));
    try {
      NpzWriter.write(file, arrays);
    } finally {
      arrays.values().forEach(Tensor::close);
    }
    DataSource data = NpzData.read(file);
    assertEquals(
        List.of("floats", "ints", "halves", "words"), List.copyOf(data.columns().keySet()));
    long[] rows = {0, 1};
    assertNumbers(data, "floats", rows, 1, 2, 3, 4);
    assertNumbers(data, "ints", rows, 5, -6);
    assertNumbers(data, "halves", new long[] {1}, -2);
    try (TString words = (TString) data.tensor("words", rows, DataType.DT_STRING)) {
      assertEquals("Zürich", words.getObject(1));
    }
    try (var files = Files.list(directory)) {
      assertEquals(1, files.count(), "nothing but the file is left");
    }
  }

  @Test
  void joinsBatches() throws IOException {
    Path file = directory.resolve("joined.npz");
    try (TFloat32 a = TFloat32.tensorOf(StdArrays.ndCopyOf(new float[][] {{1, 2}, {3, 4}}));
        TFloat32 b = TFloat32.tensorOf(StdArrays.ndCopyOf(new float[][] {{5, 6}}));
        TFloat32 other = TFloat32.vectorOf(1)) {
      NpzWriter.writeBatches(file, Map.of("x", List.of(a, b)));
      assertNumbers(NpzData.read(file), "x", ALL, 1, 2, 3, 4, 5, 6);
      byte[] before = Files.readAllBytes(file);
      assertThrows(
          IllegalArgumentException.class,
          () -> NpzWriter.writeBatches(file, Map.of("x", List.of(a, other))));
      assertArrayEquals(before, Files.readAllBytes(file));
    }
  }

  private static String[] strings(DataSource data, String column) {
    try (TString tensor = (TString) data.tensor(column, ALL, DataType.DT_STRING)) {
      return tensor.streamOfObjects().toArray(String[]::new);
    }
  }

  static void assertNumbers(DataSource data, String column, long[] rows, double... expected) {
    try (TFloat64 tensor = (TFloat64) data.tensor(column, rows, DataType.DT_DOUBLE)) {
      double[] found = tensor.streamOfObjects().mapToDouble(d -> d).toArray();
      assertArrayEquals(expected, found);
      assertEquals(rows.length, tensor.shape().get(0));
    }
  }
}
