package io.github.fadam.savedmodel.data;

import java.util.Map;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;

/**
 * Examples in rows and named columns: the inputs of a signature and its labels.
 *
 * <p>Implementations are safe to read from several threads and hold no native memory of their own;
 * the tensors they return belong to the caller. While steps are made, a thread of the run reads up
 * to five batches ahead.
 */
public interface DataSource {

  /**
   * One column.
   *
   * @param dataType dtype of the elements as the source holds them
   * @param rowShape shape of one row, without the row dimension
   */
  record Column(DataType dataType, Shape rowShape) {}

  /**
   * Where the data comes from, for messages.
   *
   * @return for example the file's path
   */
  default String name() {
    return "the data";
  }

  /**
   * The columns by name.
   *
   * @return name to column, in the source's order
   */
  Map<String, Column> columns();

  /**
   * Number of rows.
   *
   * @return the number, the same for every column
   */
  long rows();

  /**
   * Copies some rows of one column into a new tensor.
   *
   * <p>Integers are converted where the dtype holds the value exactly. Floating point numbers are
   * rounded to the nearest of the dtype, but never to infinity; to an integer dtype only whole
   * numbers are converted. Booleans count as 0 and 1. Strings stay strings.
   *
   * @param column name of the column
   * @param rows numbers of the rows, each from 0 to {@link #rows()} - 1, in the wanted order
   * @param dataType dtype of the tensor
   * @return a tensor of shape [rows.length, rowShape...], owned by the caller
   * @throws IllegalArgumentException if there is no such column or its elements do not fit the
   *     dtype, with the column, the row and the value
   * @throws IndexOutOfBoundsException if there is no such row
   */
  Tensor tensor(String column, long[] rows, DataType dataType);
}
