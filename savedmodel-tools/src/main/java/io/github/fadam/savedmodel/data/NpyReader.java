package io.github.fadam.savedmodel.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.tensorflow.ndarray.Shape;

/** Reads one array of a {@code .npz} file into a column. */
final class NpyReader {

  private static final int CHARACTER_BYTES = 4;

  private final String label;
  private final InputStream in;
  private final NpyHeader header;
  private final Shape rowShape;

  private NpyReader(String label, InputStream in, NpyHeader header) {
    this.label = label;
    this.in = in;
    this.header = header;
    rowShape = header.shape().tail();
  }

  /**
   * Reads header and elements.
   *
   * @param label what messages call the array
   * @param size number of bytes that the stream has, negative if not known
   */
  static ColumnValues read(String label, InputStream in, long size) throws IOException {
    NpyHeader header = NpyHeader.read(label, in);
    if (header.shape().numDimensions() == 0) {
      throw new IOException(
          "Expected an array with a row per example in "
              + label
              + ", found a scalar; leave it out of the file.");
    }
    requirePlausible(label, header, size);
    NpyReader reader = new NpyReader(label, in, header);
    ColumnValues values =
        switch (header.kind()) {
          case 'U', 'S' -> reader.strings();
          default -> reader.numbers();
        };
    if (in.read() >= 0) {
      throw NpyHeader.corrupt(label, "more bytes than its shape says");
    }
    return values;
  }

  /** Before memory is taken: a damaged header can claim any shape. */
  private static void requirePlausible(String label, NpyHeader header, long size)
      throws IOException {
    try {
      long bytes = elementBytes(header);
      for (long dimension : header.shape().asArray()) {
        bytes = Math.multiplyExact(bytes, dimension);
      }
      if (size >= 0 && bytes > size) {
        throw NpyHeader.corrupt(label, "the shape " + header.shape() + " with " + size + " bytes");
      }
    } catch (ArithmeticException e) {
      throw NpyHeader.corrupt(label, "the shape " + header.shape());
    }
  }

  private static int elementBytes(NpyHeader header) {
    return header.kind() == 'U' ? header.size() * CHARACTER_BYTES : header.size();
  }

  private ColumnValues numbers() throws IOException {
    NumberColumn column = new NumberColumn(label, type(), header.shape().get(0), rowShape);
    if (header.fortran() && header.shape().numDimensions() > 1) {
      scatter(column);
      return column;
    }
    for (int i = 0; i < column.blocks(); i++) {
      readFully(column.block(i));
      toLittleEndian(column.block(i), column.type().size());
    }
    return column;
  }

  private ElementType type() {
    return switch (header.kind()) {
      case 'b' -> ElementType.BOOL;
      case 'f' ->
          switch (header.size()) {
            case 2 -> ElementType.FLOAT16;
            case 4 -> ElementType.FLOAT32;
            default -> ElementType.FLOAT64;
          };
      case 'i' ->
          switch (header.size()) {
            case 1 -> ElementType.INT8;
            case 2 -> ElementType.INT16;
            case 4 -> ElementType.INT32;
            default -> ElementType.INT64;
          };
      default ->
          switch (header.size()) {
            case 1 -> ElementType.UINT8;
            case 2 -> ElementType.UINT16;
            case 4 -> ElementType.UINT32;
            default -> ElementType.UINT64;
          };
    };
  }

  /** Fortran order: reads all rows of one position within the row, then the next position. */
  private void scatter(NumberColumn column) throws IOException {
    int size = column.type().size();
    long rows = column.rows();
    byte[] run = new byte[Math.multiplyExact(Math.toIntExact(rows), size)];
    long elements = column.rowBytes() / size;
    FortranOrder order = new FortranOrder(rowShape.asArray());
    for (long i = 0; i < elements; i++) {
      readFully(run);
      toLittleEndian(run, size);
      int position = (int) order.next() * size;
      for (int row = 0; row < rows; row++) {
        System.arraycopy(
            run, row * size, column.blockOf(row), column.offsetOf(row) + position, size);
      }
    }
  }

  private ColumnValues strings() throws IOException {
    long rows = header.shape().get(0);
    byte[][] elements = new byte[StringColumn.elements(label, rows, rowShape)][];
    byte[] element = new byte[elementBytes(header)];
    FortranOrder order = new FortranOrder(header.shape().asArray());
    for (int i = 0; i < elements.length; i++) {
      readFully(element);
      elements[header.fortran() ? (int) order.next() : i] = text(element);
    }
    return new StringColumn(label, elements, rows, rowShape);
  }

  /** NumPy pads strings with zeros. */
  private byte[] text(byte[] element) throws IOException {
    if (header.kind() == 'S') {
      int length = element.length;
      while (length > 0 && element[length - 1] == 0) {
        length--;
      }
      return Arrays.copyOf(element, length);
    }
    ByteBuffer buffer =
        ByteBuffer.wrap(element)
            .order(header.bigEndian() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    int[] characters = new int[header.size()];
    buffer.asIntBuffer().get(characters);
    int length = characters.length;
    while (length > 0 && characters[length - 1] == 0) {
      length--;
    }
    try {
      return new String(characters, 0, length).getBytes(StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw NpyHeader.corrupt(label, "a character that Unicode does not have");
    }
  }

  private void toLittleEndian(byte[] bytes, int size) {
    if (!header.bigEndian() || size == 1) {
      return;
    }
    for (int start = 0; start < bytes.length; start += size) {
      for (int i = start, j = start + size - 1; i < j; i++, j--) {
        byte swapped = bytes[i];
        bytes[i] = bytes[j];
        bytes[j] = swapped;
      }
    }
  }

  private void readFully(byte[] bytes) throws IOException {
    if (in.readNBytes(bytes, 0, bytes.length) < bytes.length) {
      throw NpyHeader.corrupt(label, "its end before the last element");
    }
  }

  /** Row-major positions of the elements of an array in column-major order. */
  private static final class FortranOrder {
    private final long[] shape;
    private final long[] strides;
    private final long[] index;
    private boolean started;

    FortranOrder(long[] shape) {
      this.shape = shape;
      strides = new long[shape.length];
      index = new long[shape.length];
      long stride = 1;
      for (int i = shape.length - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= shape[i];
      }
    }

    long next() {
      if (started) {
        int axis = 0;
        while (++index[axis] == shape[axis]) {
          index[axis++] = 0;
        }
      }
      started = true;
      long position = 0;
      for (int i = 0; i < index.length; i++) {
        position += index[i] * strides[i];
      }
      return position;
    }
  }
}
