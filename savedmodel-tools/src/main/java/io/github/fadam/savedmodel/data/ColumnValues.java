package io.github.fadam.savedmodel.data;

import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;

/** The elements of one column in memory, row after row. */
sealed interface ColumnValues permits NumberColumn, StringColumn {

  DataSource.Column describe();

  long rows();

  /**
   * Copies rows into a new tensor.
   *
   * @param label the column's name and where it comes from, for messages
   */
  Tensor tensor(String label, long[] rows, DataType dataType);

  /** Shape of a tensor of so many rows. */
  static Shape batchShape(int rows, Shape rowShape) {
    return rowShape.prepend(rows);
  }

  static void requireRow(String label, long row, long rows) {
    if (row < 0 || row >= rows) {
      throw new IndexOutOfBoundsException(
          "Expected a row from 0 to " + (rows - 1) + " of " + label + ", found " + row + ".");
    }
  }

  /** Number of elements in a row, checked to be one that an array can be indexed by. */
  static int rowElements(String label, Shape rowShape) {
    long elements = 1;
    for (long dimension : rowShape.asArray()) {
      elements = Math.multiplyExact(elements, dimension);
    }
    if (elements > Integer.MAX_VALUE / Long.BYTES) {
      throw new IllegalArgumentException(
          "Expected at most "
              + Integer.MAX_VALUE / Long.BYTES
              + " elements in a row of "
              + label
              + ", found "
              + elements
              + " (shape "
              + rowShape
              + "); the first dimension must be the examples.");
    }
    return (int) elements;
  }
}
