package io.github.fadam.savedmodel.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.csv.CSVException;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/**
 * Examples from a {@code .csv} file (RFC 4180, UTF-8, comma) with a header row.
 *
 * <p>The header names the signature's inputs and the labels. An input that takes a vector has a
 * column per element, {@code name[0]}, {@code name[1]} and so on; a matrix {@code name[0][0]},
 * {@code name[0][1]}: all of them, in any order.
 *
 * <pre>
 * age,measures[0],measures[1],comment,labels
 * 37,0.25,1e-3,"late, but fine",1
 * </pre>
 *
 * <p>A column whose cells are all whole numbers is int64, all numbers float64, all {@code true} or
 * {@code false} bool; every other column, and those that the caller names, strings. An empty cell
 * is an error in a column of numbers and the empty string in a column of strings. Empty lines are
 * left out.
 */
public final class CsvData {

  private static final int BYTE_ORDER_MARK = 0xFEFF;
  private static final CSVFormat FORMAT =
      CSVFormat.RFC4180.builder().setIgnoreEmptyLines(true).get();

  private CsvData() {}

  /**
   * Reads the file into memory, each column as what its cells are.
   *
   * @param file the file
   * @return its columns
   * @throws IOException if the file cannot be read or is no such file; the message names the line
   */
  public static DataSource read(Path file) throws IOException {
    return read(file, Set.of());
  }

  /**
   * Reads the file into memory.
   *
   * @param file the file
   * @param text names of columns to keep as strings even where all cells look like numbers; names
   *     that the file does not have are left alone
   * @return its columns
   * @throws IOException if the file cannot be read or is no such file; the message names the line
   */
  public static DataSource read(Path file, Set<String> text) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(
          "Expected a csv file at " + file + ", found none; check the path.");
    }
    try {
      CsvLayout layout;
      try (CSVParser parser = open(file)) {
        layout = CsvLayout.survey(file, parser, text);
      }
      try (CSVParser parser = open(file)) {
        return new ColumnTable(file.toString(), fill(layout, parser));
      }
    } catch (UncheckedIOException e) {
      throw unreadable(file, e.getCause());
    } catch (CharacterCodingException | CSVException e) {
      throw unreadable(file, e);
    }
  }

  private static IOException unreadable(Path file, IOException cause) {
    return cause instanceof CharacterCodingException
        ? new IOException(
            "Expected UTF-8 text in " + file + ", found other bytes; save the file as UTF-8.",
            cause)
        : new IOException(
            "Expected comma-separated values in "
                + file
                + ", found a broken line ("
                + cause.getMessage()
                + "); check its quotes.",
            cause);
  }

  private static CSVParser open(Path file) throws IOException {
    BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8);
    reader.mark(1);
    if (reader.read() != BYTE_ORDER_MARK) {
      reader.reset();
    }
    return CSVParser.builder().setReader(reader).setFormat(FORMAT).get();
  }

  /** Second pass: the layout says what every cell is. */
  private static Map<String, ColumnValues> fill(CsvLayout layout, CSVParser parser)
      throws IOException {
    Map<String, ColumnValues> values = new LinkedHashMap<>();
    List<Filling> fillings = new ArrayList<>();
    for (CsvLayout.Group group : layout.groups()) {
      Filling filling = Filling.of(group, layout.rows());
      fillings.add(filling);
      values.put(group.name(), filling.column());
    }
    Iterator<CSVRecord> records = parser.iterator();
    records.next();
    for (long row = 0; row < layout.rows(); row++) {
      CSVRecord record = records.next();
      for (Filling filling : fillings) {
        filling.take(record, row);
      }
    }
    return values;
  }

  /** A column and how its cells get into it. */
  private sealed interface Filling {
    ColumnValues column();

    void take(CSVRecord record, long row);

    static Filling of(CsvLayout.Group group, long rows) {
      String name = group.name();
      if (group.type() == null) {
        byte[][] elements = new byte[StringColumn.elements(name, rows, group.rowShape())][];
        return new Text(
            new StringColumn(name, elements, rows, group.rowShape(), group.why()), group.cells());
      }
      return new Numbers(
          new NumberColumn(name, group.type(), rows, group.rowShape()), group.cells());
    }
  }

  private record Text(StringColumn column, List<Integer> cells) implements Filling {
    @Override
    public void take(CSVRecord record, long row) {
      for (int i = 0; i < cells.size(); i++) {
        byte[] text = record.get(cells.get(i)).getBytes(StandardCharsets.UTF_8);
        column.set((int) row * cells.size() + i, text);
      }
    }
  }

  private record Numbers(NumberColumn column, List<Integer> cells) implements Filling {
    @Override
    public void take(CSVRecord record, long row) {
      ElementType type = column.type();
      for (int i = 0; i < cells.size(); i++) {
        int offset = column.offsetOf(row) + i * type.size();
        CsvCell.put(record.get(cells.get(i)), type, column.blockOf(row), offset);
      }
    }
  }
}
