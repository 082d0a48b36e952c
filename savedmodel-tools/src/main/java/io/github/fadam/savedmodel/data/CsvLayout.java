package io.github.fadam.savedmodel.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.tensorflow.ndarray.Shape;

/**
 * What a csv file holds, found in a first pass over it.
 *
 * @param groups the columns of the data source
 * @param rows number of rows below the header
 */
record CsvLayout(List<Group> groups, long rows) {

  private static final Pattern ELEMENT = Pattern.compile("(.*?)((?:\\[\\d+])+)");
  private static final Pattern INDEX = Pattern.compile("\\[(\\d+)]");

  /**
   * One column of the data source.
   *
   * @param name its name
   * @param rowShape shape of one row
   * @param cells for each element of a row, the file's column that holds it
   * @param type what its cells are, null for strings
   * @param why for strings that may have been meant as numbers, the cell that is none
   */
  record Group(String name, Shape rowShape, List<Integer> cells, ElementType type, String why) {}

  /** Where each kind of cell was met first in a column of the file. */
  private static final class Seen {
    private final Map<CsvCell, String> first = new EnumMap<>(CsvCell.class);
    private String overflow;

    void take(String cell, long line) {
      CsvCell kind = CsvCell.of(cell);
      if (!first.containsKey(kind)) {
        first.put(kind, "line " + line + " has '" + cell + "'");
      }
      if (kind == CsvCell.INTEGER && overflow == null && CsvCell.overflows(cell)) {
        overflow = "line " + line + " has " + cell;
      }
    }
  }

  static CsvLayout survey(Path file, CSVParser parser, Set<String> text) throws IOException {
    Iterator<CSVRecord> records = parser.iterator();
    if (!records.hasNext()) {
      throw new IOException(
          "Expected a header row in "
              + file
              + ", found an empty file; the first line names the signature's inputs and the"
              + " labels.");
    }
    String[] header = records.next().values();
    Map<String, int[]> cells = groupHeader(file, header);
    List<Seen> seen = new ArrayList<>();
    Arrays.stream(header).forEach(cell -> seen.add(new Seen()));
    long rows = 0;
    while (records.hasNext()) {
      CSVRecord record = records.next();
      long line = parser.getCurrentLineNumber();
      if (record.size() != header.length) {
        throw new IOException(
            "Expected "
                + header.length
                + " cells as in the header in line "
                + line
                + " of "
                + file
                + ", found "
                + record.size()
                + "; quote cells that contain commas.");
      }
      for (int i = 0; i < header.length; i++) {
        seen.get(i).take(record.get(i), line);
      }
      rows++;
    }
    List<Group> groups = new ArrayList<>();
    for (Map.Entry<String, int[]> group : cells.entrySet()) {
      String name = group.getKey();
      groups.add(typed(file, name, group.getValue(), header, seen, text.contains(name)));
    }
    return new CsvLayout(groups, rows);
  }

  /** Column name to the file's columns that make it up, in the order of the header. */
  private static Map<String, int[]> groupHeader(Path file, String[] header) throws IOException {
    Map<String, List<Integer>> groups = new LinkedHashMap<>();
    for (int i = 0; i < header.length; i++) {
      String name = baseName(header[i]);
      if (name.isEmpty()) {
        throw new IOException(
            "Expected a name for every column in the header of "
                + file
                + ", found none for column "
                + (i + 1)
                + "; name it as a signature's input or remove it.");
      }
      groups.computeIfAbsent(name, key -> new ArrayList<>()).add(i);
    }
    Map<String, int[]> cells = new LinkedHashMap<>();
    groups.forEach((name, columns) -> cells.put(name, columns.stream().mapToInt(c -> c).toArray()));
    return cells;
  }

  private static String baseName(String cell) {
    Matcher element = ELEMENT.matcher(cell.strip());
    return element.matches() ? element.group(1).strip() : cell.strip();
  }

  private static int[] indices(String cell) {
    Matcher element = ELEMENT.matcher(cell.strip());
    return element.matches()
        ? INDEX
            .matcher(element.group(2))
            .results()
            .mapToInt(index -> Integer.parseInt(index.group(1)))
            .toArray()
        : new int[0];
  }

  private static Group typed(
      Path file, String name, int[] columns, String[] header, List<Seen> seen, boolean text)
      throws IOException {
    long[] shape = new long[indices(header[columns[0]]).length];
    for (int column : columns) {
      int[] index = indices(header[column]);
      if (index.length != shape.length) {
        throw incomplete(file, name, "both " + header[columns[0]] + " and " + header[column]);
      }
      for (int i = 0; i < index.length; i++) {
        shape[i] = Math.max(shape[i], index[i] + 1L);
      }
    }
    Shape rowShape = Shape.of(shape);
    if (rowShape.size() != columns.length) {
      throw incomplete(
          file, name, columns.length + " columns where " + rowShape + " has " + rowShape.size());
    }
    Integer[] cells = new Integer[columns.length];
    for (int column : columns) {
      int position = 0;
      int[] index = indices(header[column]);
      for (int i = 0; i < index.length; i++) {
        position = position * (int) shape[i] + index[i];
      }
      if (cells[position] != null) {
        throw incomplete(file, name, header[column] + " twice");
      }
      cells[position] = column;
    }
    return typed(file, name, rowShape, List.of(cells), seen, text);
  }

  private static Group typed(
      Path file, String name, Shape rowShape, List<Integer> cells, List<Seen> seen, boolean text)
      throws IOException {
    Seen all = new Seen();
    for (int cell : cells) {
      seen.get(cell).first.forEach(all.first::putIfAbsent);
      all.overflow = all.overflow == null ? seen.get(cell).overflow : all.overflow;
    }
    EnumSet<CsvCell> kinds = EnumSet.noneOf(CsvCell.class);
    kinds.addAll(all.first.keySet());
    boolean empty = kinds.remove(CsvCell.EMPTY);
    boolean mixed = kinds.contains(CsvCell.BOOLEAN) && kinds.size() > 1;
    if (text || kinds.isEmpty() || mixed || kinds.contains(CsvCell.TEXT)) {
      String why = all.first.getOrDefault(CsvCell.TEXT, all.first.get(CsvCell.BOOLEAN));
      return new Group(name, rowShape, cells, null, text || why == null ? "" : why);
    }
    if (empty) {
      throw new IOException(
          "Expected a number in every cell of column "
              + name
              + " of "
              + file
              + ", found none: "
              + all.first.get(CsvCell.EMPTY)
              + "; fill the gaps or remove the rows.");
    }
    if (kinds.contains(CsvCell.NUMBER)) {
      return new Group(name, rowShape, cells, ElementType.FLOAT64, "");
    }
    if (all.overflow != null) {
      throw new IOException(
          "Expected whole numbers that int64 can hold in column "
              + name
              + " of "
              + file
              + ", found "
              + all.overflow
              + "; write it as a float (with a decimal point).");
    }
    boolean booleans = kinds.contains(CsvCell.BOOLEAN);
    return new Group(name, rowShape, cells, booleans ? ElementType.BOOL : ElementType.INT64, "");
  }

  private static IOException incomplete(Path file, String name, String found) {
    return new IOException(
        "Expected each element of column "
            + name
            + " once in the header of "
            + file
            + ", found "
            + found
            + "; name them "
            + name
            + "[0], "
            + name
            + "[1] and so on, without gaps, or only "
            + name
            + ".");
  }
}
