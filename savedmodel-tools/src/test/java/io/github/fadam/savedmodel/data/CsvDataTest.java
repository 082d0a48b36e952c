package io.github.fadam.savedmodel.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TString;

class CsvDataTest {

  @TempDir Path directory;

  @Test
  void readsTheTypesOfItsColumns() throws IOException {
    DataSource data =
        read(
            """
            age,weight,member,comment,code,labels
            37,70,true,"late, but ""fine\""",1,0
             4 ,1e-3,FALSE,,x,1
            """);
    assertEquals(2, data.rows());
    assertEquals(
        List.of(
            DataType.DT_INT64,
            DataType.DT_DOUBLE,
            DataType.DT_BOOL,
            DataType.DT_STRING,
            DataType.DT_STRING,
            DataType.DT_INT64),
        data.columns().values().stream().map(DataSource.Column::dataType).toList());
    long[] rows = {1, 0};
    NpzDataTest.assertNumbers(data, "age", rows, 4, 37);
    NpzDataTest.assertNumbers(data, "weight", rows, 1e-3, 70);
    NpzDataTest.assertNumbers(data, "member", rows, 0, 1);
    assertEquals(List.of("late, but \"fine\"", ""), strings(data, "comment"));
    assertEquals(List.of("1", "x"), strings(data, "code"));
  }

  @Test
  void groupsElementsOfVectorsAndMatrices() throws IOException {
    DataSource data =
        read(
            """
            v[1],m[1][0],m[0][0],v[0],m[0][1],m[1][1]
            1,20,10,0.5,11,21
            3,22,12,2,13,23
            """);
    assertEquals(Shape.of(2), data.columns().get("v").rowShape());
    assertEquals(Shape.of(2, 2), data.columns().get("m").rowShape());
    NpzDataTest.assertNumbers(data, "v", new long[] {0, 1}, 0.5, 1, 2, 3);
    NpzDataTest.assertNumbers(data, "m", new long[] {1}, 12, 13, 22, 23);
  }

  @Test
  void keepsTextWhereTold() throws IOException {
    Path file = write("word,n\n007,1\n1e3,2\n");
    DataSource data = CsvData.read(file, Set.of("word", "elsewhere"));
    assertEquals(List.of("007", "1e3"), strings(data, "word"));
    assertEquals(DataType.DT_DOUBLE, CsvData.read(file).columns().get("word").dataType());
  }

  @Test
  void takesByteOrderMarksEmptyLinesAndWindowsLines() throws IOException {
    DataSource data = read("\uFEFFx,y\r\n1,2\r\n\r\n3,4\r\n");
    assertEquals(List.of("x", "y"), List.copyOf(data.columns().keySet()));
    NpzDataTest.assertNumbers(data, "x", new long[] {0, 1}, 1, 3);
  }

  @Test
  void namesTheCellThatIsNoNumber() throws IOException {
    DataSource data = read("x,y\n1,2\nn/a,4\n");
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> data.tensor("x", new long[] {0}, DataType.DT_FLOAT).close());
    assertTrue(e.getMessage().contains("line 3 has 'n/a'"), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | empty file",
        "x,y;1,2;3 | line 3",
        "x,y;1,2;,4 | line 3 has ''",
        "x,;1,2 | column 2",
        "x,x;1,2 | x",
        "v[0],v[2];1,2 | v",
        "v[0],v;1,2 | v",
        "v[0],v[0][1];1,2 | v",
        "x;99999999999999999999 | 99999999999999999999",
        "x,y;\"open,2 | quotes",
      })
  void refusesBrokenFiles(String text, String found) throws IOException {
    Path file = write(text.replace(';', '\n'));
    IOException e = assertThrows(IOException.class, () -> CsvData.read(file));
    assertTrue(e.getMessage().contains(found), e.getMessage());
    assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
    assertTrue(e.getMessage().contains(";"), "a remedy: " + e.getMessage());
  }

  @Test
  void refusesOtherEncodings() throws IOException {
    Path file = directory.resolve("latin.csv");
    Files.write(file, "x\nZürich\n".getBytes(StandardCharsets.ISO_8859_1));
    IOException e = assertThrows(IOException.class, () -> CsvData.read(file));
    assertTrue(e.getMessage().contains("UTF-8"), e.getMessage());
  }

  @Test
  void opensByEnding() throws IOException {
    assertEquals(1, DataFiles.open(write("x\n1\n")).rows());
    assertEquals(3, DataFiles.open(Path.of("src/test/resources/npz/version1.npz")).rows());
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> DataFiles.open(directory.resolve("x.parquet")));
    assertTrue(e.getMessage().contains("x.parquet"), e.getMessage());
    assertThrows(IOException.class, () -> DataFiles.open(directory.resolve("absent.csv")));
  }

  private DataSource read(String text) throws IOException {
    return CsvData.read(write(text));
  }

  private Path write(String text) throws IOException {
    return Files.writeString(directory.resolve("data.csv"), text);
  }

  private static List<String> strings(DataSource data, String column) {
    try (TString tensor = (TString) data.tensor(column, new long[] {0, 1}, DataType.DT_STRING)) {
      return tensor.streamOfObjects().toList();
    }
  }
}
