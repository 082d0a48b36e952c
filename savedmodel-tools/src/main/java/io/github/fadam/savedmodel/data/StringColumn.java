package io.github.fadam.savedmodel.data;

import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TString;

/** Strings, as the bytes that a string tensor holds. */
final class StringColumn implements ColumnValues {

  private final Shape rowShape;
  private final int rowElements;
  private final long rows;
  private final String why;
  private final byte[][] elements;

  StringColumn(String label, byte[][] elements, long rows, Shape rowShape) {
    this(label, elements, rows, rowShape, "");
  }

  /**
   * Takes the elements as they are.
   *
   * @param elements all elements, row after row
   * @param why why these are strings where the user may have meant numbers, or empty
   */
  StringColumn(String label, byte[][] elements, long rows, Shape rowShape, String why) {
    this.rowShape = rowShape;
    this.elements = elements;
    this.rows = rows;
    this.why = why;
    rowElements = ColumnValues.rowElements(label, rowShape);
    if (rows * rowElements != elements.length) {
      throw new IllegalArgumentException(
          "Expected "
              + rows * rowElements
              + " strings in "
              + label
              + ", found "
              + elements.length
              + ".");
    }
  }

  /** Number of elements in a column, checked to be one that an array can have. */
  static int elements(String label, long rows, Shape rowShape) {
    long count = Math.multiplyExact(rows, ColumnValues.rowElements(label, rowShape));
    if (count > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "Expected fewer than 2^31 strings in "
              + label
              + ", found "
              + count
              + "; split the file.");
    }
    return (int) count;
  }

  /** Sets one element of a column that is being filled. */
  void set(int index, byte[] element) {
    elements[index] = element;
  }

  @Override
  public DataSource.Column describe() {
    return new DataSource.Column(DataType.DT_STRING, rowShape);
  }

  @Override
  public long rows() {
    return rows;
  }

  @Override
  public Tensor tensor(String label, long[] wanted, DataType dataType) {
    if (dataType != DataType.DT_STRING) {
      throw new IllegalArgumentException(
          "Expected "
              + Dtypes.name(dataType)
              + " in "
              + label
              + ", found strings"
              + (why.isEmpty() ? "" : " (" + why + ")")
              + "; give the column as numbers.");
    }
    byte[][] selected = new byte[wanted.length * rowElements][];
    for (int i = 0; i < wanted.length; i++) {
      ColumnValues.requireRow(label, wanted[i], rows);
      System.arraycopy(
          elements, (int) wanted[i] * rowElements, selected, i * rowElements, rowElements);
    }
    return TString.tensorOfBytes(
        ColumnValues.batchShape(wanted.length, rowShape), DataBuffers.ofObjects(selected));
  }
}
