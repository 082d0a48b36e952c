package io.github.fadam.savedmodel.data;

import java.util.Map;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;

/**
 * Examples in rows and named columns: the inputs of a signature and its labels.
 *
 * <p>Implementations are safe to read from several threads and hold no native memory of their own;
 * the tensors they return belong to the caller.
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
   * @param column name of the column
   * @param rows numbers of the rows, each from 0 to {@link #rows()} - 1, in the wanted order
   * @param dataType dtype of the tensor; a numeric column is converted where no value is lost
   * @return a tensor of shape [rows.length, rowShape...], owned by the caller
   * @throws IllegalArgumentException if there is no such column or its elements do not fit the
   *     dtype, with the column, the row and the value
   */
  Tensor tensor(String column, long[] rows, DataType dataType);
}
