package io.github.fadam.savedmodel.data;

import io.github.fadam.ops.variable.TensorTypes;
import java.util.Arrays;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.ByteDataBuffer;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.family.TType;

/** Numbers or booleans in blocks of whole rows, so that a column may be larger than one array. */
final class NumberColumn implements ColumnValues {

  private static final int BLOCK_BYTES = 1 << 26;

  private final ElementType type;
  private final Shape rowShape;
  private final int rowBytes;
  private final long rows;
  private final long rowsPerBlock;
  private final byte[][] blocks;

  /** A column of zeros, to be filled. */
  NumberColumn(String label, ElementType type, long rows, Shape rowShape) {
    this.type = type;
    this.rows = rows;
    this.rowShape = rowShape;
    rowBytes = ColumnValues.rowElements(label, rowShape) * type.size();
    rowsPerBlock = Math.max(1, BLOCK_BYTES / Math.max(1, rowBytes));
    blocks = new byte[Math.toIntExact((rows + rowsPerBlock - 1) / rowsPerBlock)][];
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = new byte[(int) (Math.min(rowsPerBlock, rows - i * rowsPerBlock) * rowBytes)];
    }
  }

  ElementType type() {
    return type;
  }

  int rowBytes() {
    return rowBytes;
  }

  /** The block's bytes themselves, for filling. */
  byte[] block(int index) {
    return blocks[index];
  }

  int blocks() {
    return blocks.length;
  }

  /** The array that holds a row. */
  byte[] blockOf(long row) {
    return blocks[(int) (row / rowsPerBlock)];
  }

  /** Where in {@link #blockOf} a row begins. */
  int offsetOf(long row) {
    return (int) (row % rowsPerBlock) * rowBytes;
  }

  @Override
  public DataSource.Column describe() {
    return new DataSource.Column(type.dataType(), rowShape);
  }

  @Override
  public long rows() {
    return rows;
  }

  @Override
  public Tensor tensor(String label, long[] wanted, DataType dataType) {
    for (long row : wanted) {
      ColumnValues.requireRow(label, row, rows);
    }
    ElementType target = target(label, dataType);
    Class<? extends TType> tensorType = TensorTypes.of(dataType).orElseThrow();
    Tensor tensor = Tensor.of(tensorType, ColumnValues.batchShape(wanted.length, rowShape));
    try {
      if (rowBytes > 0) {
        fill(tensor.asRawTensor().data(), label, wanted, target);
      }
      return tensor;
    } catch (RuntimeException e) {
      tensor.close();
      throw e;
    }
  }

  private void fill(ByteDataBuffer to, String label, long[] wanted, ElementType target) {
    int elements = rowBytes / type.size();
    byte[] converted = new byte[elements * target.size()];
    long position = 0;
    for (long row : wanted) {
      byte[] from = blockOf(row);
      int start = offsetOf(row);
      if (target == type) {
        to.offset(position).write(from, start, rowBytes);
      } else {
        convert(label, row, from, start, target, converted);
        to.offset(position).write(converted, 0, converted.length);
      }
      position += converted.length;
    }
  }

  private void convert(
      String label, long row, byte[] from, int start, ElementType target, byte[] to) {
    int elements = rowBytes / type.size();
    for (int i = 0; i < elements; i++) {
      int offset = start + i * type.size();
      if (!type.convert(from, offset, target, to, i * target.size())) {
        throw new IllegalArgumentException(
            "Expected values that "
                + Dtypes.name(target.dataType())
                + " can hold in "
                + label
                + ", found "
                + type.text(from, offset)
                + " ("
                + Dtypes.name(type.dataType())
                + ") in row "
                + row
                + "; give the column as "
                + Dtypes.name(target.dataType())
                + " yourself, rounded or scaled as the model was trained.");
      }
    }
  }

  private ElementType target(String label, DataType dataType) {
    return ElementType.of(dataType)
        .filter(target -> TensorTypes.of(dataType).isPresent())
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "Expected numbers for a tensor of "
                        + Dtypes.name(dataType)
                        + " from "
                        + label
                        + ", found "
                        + Dtypes.name(type.dataType())
                        + (dataType == DataType.DT_STRING
                            ? "; give the column as strings."
                            : "; TensorFlow-Java has no tensors of "
                                + Dtypes.name(dataType)
                                + ": use a signature with another dtype.")));
  }

  @Override
  public String toString() {
    return describe() + " of " + rows + " rows in " + Arrays.stream(blocks).count() + " blocks";
  }
}
