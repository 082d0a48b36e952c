package io.github.fadam.savedmodel.data;

import io.github.fadam.savedmodel.model.Suggestions;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tensorflow.Tensor;
import org.tensorflow.proto.DataType;

/** Columns in memory. */
final class ColumnTable implements DataSource {

  private final String name;
  private final Map<String, ColumnValues> values;
  private final Map<String, Column> columns;
  private final long rows;

  /**
   * Takes columns of the same number of rows.
   *
   * @throws IllegalArgumentException if there is no column or the numbers of rows differ
   */
  ColumnTable(String name, Map<String, ColumnValues> values) {
    if (values.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected at least one column in "
              + name
              + ", found none; name the columns as the signature's inputs.");
    }
    this.name = name;
    this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    Map<String, Column> described = new LinkedHashMap<>();
    values.forEach((column, elements) -> described.put(column, elements.describe()));
    columns = Collections.unmodifiableMap(described);
    rows = commonRows();
  }

  private long commonRows() {
    Map.Entry<String, ColumnValues> first = values.entrySet().iterator().next();
    values.forEach(
        (column, elements) -> {
          if (elements.rows() != first.getValue().rows()) {
            throw new IllegalArgumentException(
                "Expected as many rows in every column of "
                    + name
                    + ", found "
                    + first.getValue().rows()
                    + " in "
                    + first.getKey()
                    + " and "
                    + elements.rows()
                    + " in "
                    + column
                    + "; the first dimension must be the examples.");
          }
        });
    return first.getValue().rows();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Map<String, Column> columns() {
    return columns;
  }

  @Override
  public long rows() {
    return rows;
  }

  @Override
  public Tensor tensor(String column, long[] wanted, DataType dataType) {
    ColumnValues elements = values.get(column);
    if (elements == null) {
      throw new IllegalArgumentException(
          "Expected a column of "
              + name
              + " ("
              + String.join(", ", columns.keySet())
              + "), found "
              + column
              + Suggestions.didYouMean(column, columns.keySet()));
    }
    return elements.tensor("column " + column + " of " + name, wanted, dataType);
  }

  @Override
  public String toString() {
    return name + ": " + rows + " rows of " + columns;
  }
}
